//! Proposals that reservations carry. Each is followed until it is resolved, and resolved once.

use handslag_platform::{date::PartialDate, etag::Version};

use super::{
    name::{AgreementId, ProceedingId, ProposalId},
    text::{Prose, Title},
    word::words,
};

words! {
    /// Where a proposal stands.
    pub enum ProposalState {
        /// Not yet resolved.
        Open = "open",
        /// Adopted.
        Adopted = "adopted",
        /// Rejected.
        Rejected = "rejected",
    }
}

/// What a reservation proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What identifies it.
    pub id: ProposalId,
    /// The agreement.
    pub agreement: AgreementId,
    /// What is proposed.
    pub title: Title,
    /// The reservations that raise it; at least one.
    pub raised_in: Vec<ProceedingId>,
    /// What became of it; `None` while it is open.
    pub resolution: Option<Resolution>,
    /// How often it has changed.
    pub version: Version,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Whether it was adopted.
    pub adopted: bool,
    /// What became of it.
    pub text: Prose,
    /// When.
    pub resolved_on: PartialDate,
}

/// The proposal has been resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proposal has been resolved already")]
pub struct AlreadyResolved;

impl Proposal {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> ProposalState {
        match &self.resolution {
            None => ProposalState::Open,
            Some(resolution) if resolution.adopted => ProposalState::Adopted,
            Some(_) => ProposalState::Rejected,
        }
    }

    /// Records what became of it.
    ///
    /// # Errors
    /// [`AlreadyResolved`].
    pub fn resolve(self, resolution: Resolution) -> Result<Self, AlreadyResolved> {
        if self.resolution.is_some() {
            return Err(AlreadyResolved);
        }
        Ok(Self {
            resolution: Some(resolution),
            version: self.version.next(),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::{etag::Version, text::LongText, text::ShortText};
    use uuid::Uuid;

    use crate::domain::text::Localized;

    use super::{AgreementId, AlreadyResolved, Proposal, ProposalId, ProposalState, Resolution};

    #[test]
    fn is_followed_until_it_is_resolved_and_then_no_more() {
        let open = Proposal {
            id: ProposalId(Uuid::nil()),
            agreement: AgreementId(Uuid::nil()),
            title: Localized {
                sv: ShortText::parse("Kultur och idrott").expect("a title"),
                en: None,
            },
            raised_in: Vec::new(),
            resolution: None,
            version: Version::FIRST,
        };
        let resolution = Resolution {
            adopted: true,
            text: Localized {
                sv: LongText::parse("Antogs.").expect("a text"),
                en: None,
            },
            resolved_on: "2014".parse().expect("a date"),
        };
        assert_eq!(open.state(), ProposalState::Open);
        let adopted = open.resolve(resolution.clone()).expect("resolved");
        assert_eq!(
            (adopted.state(), adopted.version),
            (ProposalState::Adopted, Version(2))
        );
        assert_eq!(adopted.resolve(resolution), Err(AlreadyResolved));
    }
}
