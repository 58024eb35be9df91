//! Names of resources: what identifies a thing on the wire, and the types that carry it below.

use handslag_platform::{id, text::Code, violations::FieldError};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident in $collection:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads a resource name.
            ///
            /// # Errors
            /// `FIELD_REQUIRED` when it is empty, else `NAME_INVALID`.
            pub fn parse(name: &str) -> Result<Self, FieldError> {
                segment(name, $collection)
                    .and_then(id::decode)
                    .map(Self)
                    .ok_or_else(|| refused(name, concat!($collection, "/{id}")))
            }

            /// The resource name.
            #[must_use]
            pub fn name(self) -> String {
                format!("{}/{}", $collection, self.key())
            }

            /// The last segment of the name.
            #[must_use]
            pub fn key(self) -> String {
                id::encode(self.0)
            }
        }
    )+};
}

ids! {
    /// An agreement, `agreements/{id}`.
    AgreementId in "agreements";
    /// A proposal, `proposals/{id}`.
    ProposalId in "proposals";
    /// A reported figure, `figures/{id}`.
    FigureId in "figures";
    /// An organisation, `organisations/{id}`.
    OrganisationId in "organisations";
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident in $collection:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Code);

        impl $name {
            /// Reads a resource name.
            ///
            /// # Errors
            /// `FIELD_REQUIRED` when it is empty, else `NAME_INVALID`.
            pub fn parse(name: &str) -> Result<Self, FieldError> {
                segment(name, $collection)
                    .and_then(|code| Code::parse(code).ok().filter(|read| read.as_str() == code))
                    .map(Self)
                    .ok_or_else(|| refused(name, concat!($collection, "/{code}")))
            }

            /// Reads a code without its collection.
            ///
            /// # Errors
            /// `FIELD_REQUIRED` or `CODE_INVALID`.
            pub fn from_code(code: &str) -> Result<Self, FieldError> {
                Code::parse(code).map(Self)
            }

            /// The resource name.
            #[must_use]
            pub fn name(&self) -> String {
                format!("{}/{}", $collection, self.0)
            }

            /// The code.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }
    )+};
}

codes! {
    /// An area of cooperation, `areas/{code}`.
    AreaCode in "areas";
    /// Somebody who can enter an agreement, `parties/{code}`.
    PartyCode in "parties";
    /// A board of the city, `boards/{code}`.
    BoardCode in "boards";
    /// A district board, `districtBoards/{code}`.
    DistrictBoardCode in "districtBoards";
}

/// A step of an agreement, `agreements/{id}/proceedings/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProceedingId {
    /// The agreement.
    pub agreement: AgreementId,
    /// The step.
    pub id: Uuid,
}

impl ProceedingId {
    /// Reads a resource name.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` when it is empty, else `NAME_INVALID`.
    pub fn parse(name: &str) -> Result<Self, FieldError> {
        nested(name, "proceedings")
            .map(|(agreement, id)| Self { agreement, id })
            .ok_or_else(|| refused(name, "agreements/{id}/proceedings/{id}"))
    }

    /// The resource name.
    #[must_use]
    pub fn name(self) -> String {
        format!(
            "{}/proceedings/{}",
            self.agreement.name(),
            id::encode(self.id)
        )
    }
}

/// An organisation's relation to an agreement, `agreements/{id}/signatories/{id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SignatoryId {
    /// The agreement.
    pub agreement: AgreementId,
    /// The organisation.
    pub organisation: OrganisationId,
}

impl SignatoryId {
    /// Reads a resource name.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` when it is empty, else `NAME_INVALID`.
    pub fn parse(name: &str) -> Result<Self, FieldError> {
        nested(name, "signatories")
            .map(|(agreement, id)| Self {
                agreement,
                organisation: OrganisationId(id),
            })
            .ok_or_else(|| refused(name, "agreements/{id}/signatories/{id}"))
    }

    /// The resource name.
    #[must_use]
    pub fn name(self) -> String {
        format!(
            "{}/signatories/{}",
            self.agreement.name(),
            self.organisation.key()
        )
    }

    /// What identifies the relation among the relations to all agreements.
    #[must_use]
    pub fn key(self) -> String {
        format!("{}.{}", self.agreement.key(), self.organisation.key())
    }
}

fn segment<'a>(name: &'a str, collection: &str) -> Option<&'a str> {
    name.strip_prefix(collection)?.strip_prefix('/')
}

fn nested(name: &str, collection: &str) -> Option<(AgreementId, Uuid)> {
    let (agreement, rest) = segment(name, "agreements")?.split_once('/')?;
    Some((
        AgreementId(id::decode(agreement)?),
        id::decode(segment(rest, collection)?)?,
    ))
}

fn refused(name: &str, pattern: &str) -> FieldError {
    if name.is_empty() {
        return FieldError::required();
    }
    FieldError::new(
        "NAME_INVALID",
        format!("must be a resource name like `{pattern}`"),
        format!("Måste vara ett resursnamn av formen {pattern}."),
    )
}

#[cfg(test)]
mod tests {
    use super::{AgreementId, AreaCode, OrganisationId, ProceedingId, SignatoryId};
    use uuid::Uuid;

    #[test]
    fn a_name_reads_back_as_what_it_names() {
        let agreement = AgreementId(Uuid::from_u128(7));
        let signatory = SignatoryId {
            agreement,
            organisation: OrganisationId(Uuid::from_u128(8)),
        };
        let step = ProceedingId {
            agreement,
            id: Uuid::from_u128(9),
        };
        assert_eq!(AgreementId::parse(&agreement.name()), Ok(agreement));
        assert_eq!(SignatoryId::parse(&signatory.name()), Ok(signatory));
        assert_eq!(ProceedingId::parse(&step.name()), Ok(step));
        assert_eq!(
            AreaCode::parse("areas/social").expect("fine").name(),
            "areas/social"
        );
    }

    #[test]
    fn refuses_names_of_other_things() {
        for name in [
            "area/social",
            "areas/Social",
            "areas/",
            "areas/a/b",
            "areas/ social",
            "social",
        ] {
            let refused = AreaCode::parse(name).expect_err("refused");
            assert_eq!(refused.reason, "NAME_INVALID", "{name}");
        }
        assert_eq!(
            AreaCode::parse("").expect_err("missing").reason,
            "FIELD_REQUIRED"
        );
        let proposal = super::ProposalId(Uuid::from_u128(7)).name();
        assert!(AgreementId::parse(&proposal).is_err());
        assert!(SignatoryId::parse(&AgreementId(Uuid::from_u128(7)).name()).is_err());
    }
}
