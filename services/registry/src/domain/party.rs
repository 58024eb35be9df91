//! Those who can enter an agreement: the city, the sector, and perhaps more.

use handslag_platform::etag::Version;

use super::{name::PartyCode, text::Title};

/// Somebody who can enter an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// What identifies it.
    pub code: PartyCode,
    /// Its name.
    pub title: Title,
    /// How often it has changed.
    pub version: Version,
}
