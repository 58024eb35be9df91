//! Boards of the city, which answer for areas.

use handslag_platform::etag::Version;

use super::{
    name::{AreaCode, BoardCode},
    text::Title,
};

/// A board of the city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// What identifies it.
    pub code: BoardCode,
    /// Its name.
    pub title: Title,
    /// The areas that it answers for.
    pub areas: Vec<AreaCode>,
    /// How often it has changed.
    pub version: Version,
}
