//! What one or several parties promise.
//!
//! # Design notes
//! The state is computed from the bearers' answers and not kept beside them, so the two cannot
//! disagree. The proposer has no say as such: a party that proposes what it bears itself still
//! answers by a call of its own (mission rule 8).

use handslag_platform::etag::Version;
use handslag_platform::text::{LongText, ShortText};
use time::OffsetDateTime;

use super::names::{AgreementId, AreaCode, CommitmentId, Distinct, PartyCode, PrincipleCode};

/// A commitment. Binds its bearers only from the moment that the last of them accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Which.
    pub id: CommitmentId,
    /// What it says, where and for whom.
    pub content: Content,
    /// Its version.
    pub version: Version,
    bearers: Vec<Bearer>,
}

/// What a commitment says: fixed when it is proposed, since the bearers answer to these words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The agreement that it belongs to.
    pub agreement: AgreementId,
    /// Who proposed it.
    pub proposer: PartyCode,
    /// In plain language.
    pub text: LongText,
    /// The principles that it serves.
    pub principles: Distinct<PrincipleCode>,
    /// The area that it concerns.
    pub area: AreaCode,
    /// The law that it rests on.
    pub legal_basis: Option<LegalBasis>,
    /// The sense of diversity that it means.
    pub diversity: Option<Diversity>,
    /// Whether it is example data and no promise of anyone.
    pub example: bool,
}

/// A law that a commitment may rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegalBasis {
    /// Socialtjänstlagen.
    Sol,
    /// Lagen om stöd och service till vissa funktionshindrade.
    Lss,
}

/// Which diversity is meant (mission rule 9).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diversity {
    /// Of those who provide.
    Providers,
    /// Of people, on a ground when it is named.
    People {
        /// For instance age or origin.
        ground: Option<ShortText>,
    },
}

/// A party that a commitment asks something of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearer {
    /// Which.
    pub party: PartyCode,
    /// What it said.
    pub answer: Answer,
}

/// A bearer's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// None yet.
    Pending,
    /// Takes its share on.
    Accepted {
        /// When.
        at: OffsetDateTime,
    },
    /// Does not.
    Declined {
        /// When.
        at: OffsetDateTime,
        /// In its own words.
        reason: LongText,
    },
}

/// Where a commitment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for its bearers.
    Proposed,
    /// Every bearer has accepted.
    Binding {
        /// When the last one did.
        since: OffsetDateTime,
    },
    /// A bearer declined.
    Declined,
}

/// Why an answer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The commitment asks nothing of the party.
    #[error("the commitment asks nothing of this party")]
    NotABearer,
    /// It binds, or was declined.
    #[error("the commitment is settled: it binds or was declined")]
    AlreadySettled,
    /// The party answered before; others are still to.
    #[error("this party has answered; the commitment waits for the others")]
    AlreadyAnswered,
}

impl Commitment {
    /// A new commitment that waits for `bearers`.
    #[must_use]
    pub fn propose(id: CommitmentId, content: Content, bearers: Distinct<PartyCode>) -> Self {
        let bearers = bearers.into_vec().into_iter();
        let bearers = bearers
            .map(|party| Bearer {
                party,
                answer: Answer::Pending,
            })
            .collect();
        Self {
            id,
            content,
            version: Version::FIRST,
            bearers,
        }
    }

    /// A commitment as it was stored.
    #[must_use]
    pub fn restore(
        id: CommitmentId,
        content: Content,
        version: Version,
        bearers: Vec<Bearer>,
    ) -> Self {
        Self {
            id,
            content,
            version,
            bearers,
        }
    }

    /// The bearers and what they said.
    #[must_use]
    pub fn bearers(&self) -> &[Bearer] {
        &self.bearers
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> State {
        let mut since = None;
        let mut waits = self.bearers.is_empty();
        for bearer in &self.bearers {
            match &bearer.answer {
                Answer::Declined { .. } => return State::Declined,
                Answer::Pending => waits = true,
                Answer::Accepted { at } => since = since.max(Some(*at)),
            }
        }
        match since {
            Some(since) if !waits => State::Binding { since },
            _ => State::Proposed,
        }
    }

    /// Whether every bearer has accepted.
    #[must_use]
    pub fn binds(&self) -> bool {
        matches!(self.state(), State::Binding { .. })
    }

    /// `party` takes its share on. The commitment binds once the last bearer has.
    ///
    /// # Errors
    /// `NotABearer`, `AlreadySettled` or `AlreadyAnswered`.
    pub fn accept(self, party: &PartyCode, at: OffsetDateTime) -> Result<Self, AnswerError> {
        self.answer(party, Answer::Accepted { at })
    }

    /// `party` does not take its share on: the commitment will bind nobody.
    ///
    /// # Errors
    /// `NotABearer`, `AlreadySettled` or `AlreadyAnswered`.
    pub fn decline(
        self,
        party: &PartyCode,
        reason: LongText,
        at: OffsetDateTime,
    ) -> Result<Self, AnswerError> {
        self.answer(party, Answer::Declined { at, reason })
    }

    fn answer(mut self, party: &PartyCode, answer: Answer) -> Result<Self, AnswerError> {
        let settled = self.state() != State::Proposed;
        let bearer = self
            .bearers
            .iter_mut()
            .find(|bearer| bearer.party == *party);
        let bearer = bearer.ok_or(AnswerError::NotABearer)?;
        if settled {
            return Err(AnswerError::AlreadySettled);
        }
        if bearer.answer != Answer::Pending {
            return Err(AnswerError::AlreadyAnswered);
        }
        bearer.answer = answer;
        self.version = self.version.next();
        Ok(self)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use handslag_platform::text::LongText;
    use time::OffsetDateTime;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::super::names::{AgreementId, CommitmentId, Distinct, Name, PartyCode};
    use super::{AnswerError, Commitment, Content, State, Version};

    const NOON: OffsetDateTime = datetime!(2013-02-01 12:00 UTC);
    const EVENING: OffsetDateTime = datetime!(2013-02-01 18:00 UTC);

    pub(crate) fn named<T: Name>(name: &str) -> T {
        T::from_name(name).unwrap()
    }

    pub(crate) fn party(code: &str) -> PartyCode {
        named(&format!("parties/{code}"))
    }

    pub(crate) fn proposed(bearers: &[&str]) -> Commitment {
        let content = Content {
            agreement: AgreementId(Uuid::from_u128(1)),
            proposer: party("city"),
            text: LongText::parse("Exempel: en dialogkonferens varje år").unwrap(),
            principles: Distinct::new(vec![named("dialog")]).unwrap(),
            area: named("areas/social"),
            legal_basis: None,
            diversity: None,
            example: true,
        };
        let bearers = bearers.iter().map(|code| party(code)).collect();
        Commitment::propose(
            CommitmentId(Uuid::from_u128(2)),
            content,
            Distinct::new(bearers).unwrap(),
        )
    }

    fn reason() -> LongText {
        LongText::parse("Vi har inte råd").unwrap()
    }

    #[test]
    fn binds_when_the_last_bearer_accepts() {
        let one = proposed(&["city", "sector"])
            .accept(&party("sector"), EVENING)
            .unwrap();
        assert_eq!(one.state(), State::Proposed);
        let both = one.accept(&party("city"), NOON).unwrap();
        assert_eq!(
            both.state(),
            State::Binding { since: EVENING },
            "the later of both, as told"
        );
        assert_eq!(both.version, Version(3));
    }

    #[test]
    fn the_proposal_alone_binds_nobody_even_if_its_proposer_bears_it() {
        assert_eq!(proposed(&["city"]).state(), State::Proposed);
    }

    #[test]
    fn refuses_a_party_that_bears_nothing() {
        let refused = proposed(&["sector"]).accept(&party("city"), NOON);
        assert_eq!(refused, Err(AnswerError::NotABearer));
    }

    #[test]
    fn refuses_an_answer_to_what_is_settled() {
        let binding = proposed(&["sector"])
            .accept(&party("sector"), NOON)
            .unwrap();
        let again = binding.clone().decline(&party("sector"), reason(), NOON);
        assert_eq!(again, Err(AnswerError::AlreadySettled));
        assert_eq!(
            binding.accept(&party("city"), NOON),
            Err(AnswerError::NotABearer)
        );
        let declined = proposed(&["city", "sector"]).decline(&party("city"), reason(), NOON);
        let declined = declined.unwrap();
        assert_eq!(declined.state(), State::Declined);
        assert_eq!(
            declined.accept(&party("sector"), NOON),
            Err(AnswerError::AlreadySettled)
        );
    }

    #[test]
    fn refuses_a_second_answer_of_the_same_party_while_others_are_awaited() {
        let one = proposed(&["city", "sector"])
            .accept(&party("city"), NOON)
            .unwrap();
        let again = one.decline(&party("city"), reason(), EVENING);
        assert_eq!(again, Err(AnswerError::AlreadyAnswered));
    }
}
