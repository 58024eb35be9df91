//! Who calls, and what he may do.
//!
//! # Design notes
//! Default deny: each method's rule stands beside it in the proto ([`rules`]), and a method without
//! one is denied to everyone. Keys come from the city's identity provider ([`keys`]); only
//! signatures that a holder of the public key cannot make himself are accepted ([`token`]).

pub mod keys;
mod known;
pub(crate) mod refusal;
pub mod rules;
pub mod token;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Whom a call without a token is made by.
pub const ANONYMOUS: &str = "anonymous";

/// What a caller is in the partnership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Works at one of the city's boards.
    CityOfficer,
    /// Speaks for the organisations' side.
    SectorRepresentative,
    /// The joint working group.
    WorkingGroup,
    /// A district board.
    DistrictBoard,
    /// One organisation.
    Organisation,
    /// Another system, which may read.
    SystemReader,
    /// Reads everything, the audit trail too.
    Auditor,
    /// Runs this system.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::CityOfficer,
        Self::SectorRepresentative,
        Self::WorkingGroup,
        Self::DistrictBoard,
        Self::Organisation,
        Self::SystemReader,
        Self::Auditor,
        Self::Operator,
    ];

    /// The name in tokens and in the proto.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CityOfficer => "city-officer",
            Self::SectorRepresentative => "sector-representative",
            Self::WorkingGroup => "working-group",
            Self::DistrictBoard => "district-board",
            Self::Organisation => "organisation",
            Self::SystemReader => "system-reader",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no role of the catalogue.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no role of the catalogue")]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// Who calls. The attributes are codes and ids as they stand in resource names, without the
/// collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The identity provider's identifier of the caller; [`ANONYMOUS`] without a token.
    pub subject: String,
    /// What he is.
    pub roles: BTreeSet<Role>,
    /// The party that he speaks for.
    pub party: Option<String>,
    /// The board that he works at.
    pub board: Option<String>,
    /// The district board that he speaks for.
    pub district: Option<String>,
    /// The organisation that he speaks for.
    pub organisation: Option<String>,
}

impl Principal {
    /// Somebody without a token.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::of(ANONYMOUS)
    }

    /// Somebody without a role.
    pub fn of(subject: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            roles: BTreeSet::new(),
            party: None,
            board: None,
            district: None,
            organisation: None,
        }
    }

    /// With one more role.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.roles.insert(role);
        self
    }

    /// Speaking for a party.
    #[must_use]
    pub fn with_party(mut self, code: impl Into<String>) -> Self {
        self.party = Some(code.into());
        self
    }

    /// Working at a board.
    #[must_use]
    pub fn with_board(mut self, code: impl Into<String>) -> Self {
        self.board = Some(code.into());
        self
    }

    /// Speaking for a district board.
    #[must_use]
    pub fn with_district(mut self, code: impl Into<String>) -> Self {
        self.district = Some(code.into());
        self
    }

    /// Speaking for an organisation.
    #[must_use]
    pub fn with_organisation(mut self, id: impl Into<String>) -> Self {
        self.organisation = Some(id.into());
        self
    }

    /// Whether he has this role.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether he came without a token.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.subject == ANONYMOUS
    }
}
