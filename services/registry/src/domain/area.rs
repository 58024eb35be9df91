//! Areas of cooperation: data, never code.

use handslag_platform::etag::Version;

use super::{name::AreaCode, text::Title};

/// An area of cooperation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// What identifies it.
    pub code: AreaCode,
    /// Its name.
    pub title: Title,
    /// How often it has changed.
    pub version: Version,
}
