//! The names by which the other services call their resources.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A code has at least so many characters.
const SHORTEST: usize = 2;
/// A code has at most so many characters.
const LONGEST: usize = 40;

macro_rules! code {
    ($(#[$doc:meta])* $name:ident, $collection:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads a resource name; `None` when it is not one of this collection.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::from_code(name.strip_prefix(concat!($collection, "/"))?)
            }

            /// Reads a bare code; `None` when its form is not that of a code.
            pub fn from_code(code: &str) -> Option<Self> {
                is_code(code).then(|| Self(code.to_owned()))
            }

            /// The bare code.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The resource name.
            pub fn name(&self) -> String {
                format!(concat!($collection, "/{}"), self.0)
            }
        }
    };
}

code! {
    /// A board of the city, `boards/{code}`.
    BoardCode, "boards"
}
code! {
    /// An area of cooperation, `areas/{code}`.
    AreaCode, "areas"
}
code! {
    /// A party of an agreement, `parties/{code}`.
    PartyCode, "parties"
}

/// An agreement of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgreementId(pub Uuid);

impl TryFrom<String> for AgreementId {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Uuid::parse_str(&text).map(Self)
    }
}

impl From<AgreementId> for String {
    fn from(id: AgreementId) -> Self {
        id.0.to_string()
    }
}

/// A commitment of the commitments service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitmentId(pub Uuid);

/// A name in the languages of the city.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Title {
    /// Swedish.
    pub sv: String,
    /// English; may be empty.
    pub en: String,
}

fn is_code(code: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&code.len())
        && code.starts_with(|first: char| first.is_ascii_lowercase())
        && code
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::{AreaCode, BoardCode};

    #[test]
    fn reads_a_name_and_gives_it_back() {
        let board = BoardCode::from_name("boards/socialnamnden").expect("a name");
        assert_eq!(board.as_str(), "socialnamnden");
        assert_eq!(board.name(), "boards/socialnamnden");
    }

    #[test]
    fn refuses_what_is_not_a_name_of_the_collection() {
        for name in [
            "",
            "boards/",
            "boards/a",
            "areas/social",
            "boards/Social",
            "boards/å",
            "boards/1a",
        ] {
            assert_eq!(BoardCode::from_name(name), None, "{name}");
        }
        assert_eq!(
            BoardCode::from_name(&format!("boards/{}", "a".repeat(41))),
            None
        );
        assert!(AreaCode::from_name("areas/social").is_some());
    }
}
