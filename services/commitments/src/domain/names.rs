//! What resources are called, each kind with a type of its own so that none is taken for another.

use std::collections::BTreeSet;
use std::fmt;

use handslag_platform::id;
use handslag_platform::text::Code;
use uuid::Uuid;

/// A name as it stands on the wire.
pub trait Name: Sized {
    /// How such a name looks, for messages to people.
    const SHAPE: &'static str;

    /// The name, if `text` has its shape.
    fn from_name(text: &str) -> Option<Self>;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $collection:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl Name for $name {
            const SHAPE: &'static str = concat!($collection, "/{id}");

            fn from_name(text: &str) -> Option<Self> {
                text.strip_prefix(concat!($collection, "/")).and_then(id::decode).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($collection, "/{}"), id::encode(self.0))
            }
        }
    )*};
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Code);

        impl $name {
            /// The code without its collection.
            #[must_use]
            pub fn code(&self) -> &str {
                self.0.as_str()
            }
        }

        impl Name for $name {
            const SHAPE: &'static str = concat!($prefix, "{code}");

            fn from_name(text: &str) -> Option<Self> {
                text.strip_prefix($prefix).and_then(|code| Code::parse(code).ok()).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )*};
}

ids! {
    /// An agreement of the registry.
    AgreementId = "agreements";
    /// A commitment.
    CommitmentId = "commitments";
    /// An action plan.
    ActionPlanId = "actionPlans";
    /// An action.
    ActionId = "actions";
    /// A year's follow-up.
    FollowUpId = "followUps";
    /// A record of a discussion.
    DeliberationId = "deliberations";
}

codes! {
    /// A party of the registry.
    PartyCode = "parties/";
    /// An area of the registry.
    AreaCode = "areas/";
    /// A district board of the registry.
    DistrictBoardCode = "districtBoards/";
    /// A principle of an agreement, which goes by its bare code.
    PrincipleCode = "";
}

/// At least one, and each only once, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct<T>(Vec<T>);

/// Why a list is not [`Distinct`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DistinctError {
    /// There is none.
    #[error("at least one is required")]
    Empty,
    /// The one at this index stands earlier, too.
    #[error("the one at index {0} stands earlier, too")]
    Repeated(usize),
}

impl<T: Ord> Distinct<T> {
    /// Checks a list.
    ///
    /// # Errors
    /// `Empty`, or `Repeated` with the first index that repeats.
    pub fn new(all: Vec<T>) -> Result<Self, DistinctError> {
        if all.is_empty() {
            return Err(DistinctError::Empty);
        }
        let mut seen = BTreeSet::new();
        if let Some(index) = all.iter().position(|one| !seen.insert(one)) {
            return Err(DistinctError::Repeated(index));
        }
        Ok(Self(all))
    }
}

impl<T> Distinct<T> {
    /// All, in the order given.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// All, owned.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{AreaCode, CommitmentId, Distinct, DistinctError, Name as _, PrincipleCode, Uuid};

    #[test]
    fn a_name_survives_the_wire() {
        let id = CommitmentId(Uuid::from_u128(7));
        assert_eq!(CommitmentId::from_name(&id.to_string()), Some(id));
        let area = AreaCode::from_name("areas/social").unwrap();
        assert_eq!(
            (area.code(), area.to_string().as_str()),
            ("social", "areas/social")
        );
        assert_eq!(
            PrincipleCode::from_name("dialog").unwrap().to_string(),
            "dialog"
        );
    }

    #[test]
    fn refuses_a_name_of_another_kind() {
        let other = CommitmentId(Uuid::from_u128(7))
            .to_string()
            .replace("commitments", "actions");
        assert_eq!(CommitmentId::from_name(&other), None);
        assert_eq!(AreaCode::from_name("social"), None);
        assert_eq!(AreaCode::from_name("areas/Social"), None);
    }

    #[test]
    fn a_list_holds_at_least_one_and_each_once() {
        assert_eq!(Distinct::<u8>::new(vec![]), Err(DistinctError::Empty));
        assert_eq!(
            Distinct::new(vec![1, 2, 1, 2]),
            Err(DistinctError::Repeated(2))
        );
        assert_eq!(Distinct::new(vec![2, 1]).unwrap().into_vec(), [2, 1]);
    }
}
