//! Agreements: what was agreed, in which editions, and for how long.
//!
//! # Design notes
//! The first edition starts the term and later ones only change what is agreed within it: a
//! revision in mid-term buys no time. An edition can be decided up to the last day of the term;
//! after it there is nothing to revise, and a new agreement must be drafted.

use handslag_platform::{date::PartialDate, etag::Version, text::Code, text::ShortText};
use time::Date;

use super::{
    name::{AgreementId, AreaCode, PartyCode},
    term::{Phase, Term, TermRules},
    text::{DiaryNumber, Title},
    word::words,
};

words! {
    /// Kinds of agreement.
    pub enum AgreementKind {
        /// For the whole city.
        Framework = "framework",
        /// Between one board and one organisation.
        Local = "local",
        /// A policy of the city.
        Policy = "policy",
    }
}

words! {
    /// Where an agreement stands on a day.
    pub enum AgreementState {
        /// Nothing has been adopted.
        InPreparation = "in_preparation",
        /// Within its term.
        InForce = "in_force",
        /// In the last year of its term.
        Evaluation = "evaluation",
        /// After its term.
        Expired = "expired",
    }
}

/// A principle that the parties cooperate by. Each agreement states its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principle {
    /// What identifies it within the agreement.
    pub code: Code,
    /// Its name.
    pub title: Title,
}

/// What is agreed: of a draft, or of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// By what the parties cooperate; at least one.
    pub principles: Vec<Principle>,
    /// In which areas; at least one.
    pub areas: Vec<AreaCode>,
}

/// One adopted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// From 1.
    pub number: i32,
    /// Day of the decision, as precise as the source.
    pub decided_on: PartialDate,
    /// Who decided.
    pub decided_by: ShortText,
    /// What is agreed.
    pub content: Content,
    /// Diary numbers of the case.
    pub diary_numbers: Vec<DiaryNumber>,
}

/// What was agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// What identifies it.
    pub id: AgreementId,
    /// Its kind.
    pub kind: AgreementKind,
    /// Its name.
    pub title: Title,
    /// Its parties; at least two.
    pub parties: Vec<PartyCode>,
    /// What was drafted.
    pub draft: Content,
    /// How long a term is.
    pub rules: TermRules,
    /// What was adopted, oldest first.
    pub editions: Vec<Edition>,
    /// How often it has changed.
    pub version: Version,
}

/// A decision that adopts the next edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Day of the decision.
    pub decided_on: PartialDate,
    /// Who decided.
    pub decided_by: ShortText,
    /// Principles of the edition; `None` keeps them.
    pub principles: Option<Vec<Principle>>,
    /// Areas of the edition; `None` keeps them.
    pub areas: Option<Vec<AreaCode>>,
    /// Diary numbers of the case.
    pub diary_numbers: Vec<DiaryNumber>,
}

/// Why an edition cannot be adopted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    /// It was decided before the edition before it.
    #[error("an edition cannot be decided before the one that it replaces")]
    BeforeTheLast,
    /// It was decided after the term.
    #[error("the term of the agreement is over; a new agreement is needed")]
    TermOver,
}

/// The agreement is not in force on the day that something needs it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agreement is not in force on that day")]
pub struct NotInForce;

impl Agreement {
    /// The term as it stands on `day`; `None` until the first decision.
    #[must_use]
    pub fn term_on(&self, day: Date) -> Option<Term> {
        let starts_on = self.editions.first()?.decided_on.earliest();
        (starts_on <= day).then(|| self.rules.term_on(starts_on, day))
    }

    /// The edition in force on `day`; the last one when the term is over.
    #[must_use]
    pub fn edition_on(&self, day: Date) -> Option<&Edition> {
        self.editions
            .iter()
            .rev()
            .find(|edition| edition.decided_on.earliest() <= day)
    }

    /// What is agreed on `day`, or drafted.
    #[must_use]
    pub fn content_on(&self, day: Date) -> &Content {
        self.edition_on(day)
            .map_or(&self.draft, |edition| &edition.content)
    }

    /// Where it stands on `day`.
    #[must_use]
    pub fn state_on(&self, day: Date) -> AgreementState {
        match self.term_on(day).map(|term| term.phase_on(day)) {
            None | Some(Phase::Before) => AgreementState::InPreparation,
            Some(Phase::Running) => AgreementState::InForce,
            Some(Phase::Evaluation) => AgreementState::Evaluation,
            Some(Phase::Over) => AgreementState::Expired,
        }
    }

    /// Adopts the next edition.
    ///
    /// # Errors
    /// See [`AdoptError`].
    pub fn adopt(mut self, decision: Decision) -> Result<Self, AdoptError> {
        let (number, current) = match self.editions.last() {
            None => (1, &self.draft),
            Some(last) => {
                if decision.decided_on.latest() < last.decided_on.earliest() {
                    return Err(AdoptError::BeforeTheLast);
                }
                let day = decision.decided_on.earliest();
                if self.state_on(day) == AgreementState::Expired {
                    return Err(AdoptError::TermOver);
                }
                (last.number + 1, &last.content)
            }
        };
        let content = Content {
            principles: decision
                .principles
                .unwrap_or_else(|| current.principles.clone()),
            areas: decision.areas.unwrap_or_else(|| current.areas.clone()),
        };
        self.editions.push(Edition {
            number,
            decided_on: decision.decided_on,
            decided_by: decision.decided_by,
            content,
            diary_numbers: decision.diary_numbers,
        });
        self.version = self.version.next();
        Ok(self)
    }

    /// Number of the edition that an organisation signs when it signs at `signed_on`. Of a date
    /// that is not precise, the last day that it can be counts, since a signing is never before the
    /// decision.
    ///
    /// # Errors
    /// [`NotInForce`] before the decision and after the term.
    pub fn edition_to_sign(&self, signed_on: PartialDate, today: Date) -> Result<i32, NotInForce> {
        let day = signed_on.latest().min(today);
        match self.state_on(day) {
            AgreementState::InForce | AgreementState::Evaluation => self
                .edition_on(day)
                .map(|edition| edition.number)
                .ok_or(NotInForce),
            AgreementState::InPreparation => Err(NotInForce),
            // The term may have ended within the month or the year that the date names.
            AgreementState::Expired => match self.state_on(signed_on.earliest()) {
                AgreementState::InForce | AgreementState::Evaluation => self
                    .edition_on(day)
                    .map(|edition| edition.number)
                    .ok_or(NotInForce),
                AgreementState::InPreparation | AgreementState::Expired => Err(NotInForce),
            },
        }
    }

    /// The same agreement after a change of something that belongs to it, such as a recorded step.
    #[must_use]
    pub fn touched(self) -> Self {
        Self {
            version: self.version.next(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::{date::PartialDate, etag::Version, text::Code, text::ShortText};
    use time::macros::date;
    use uuid::Uuid;

    use crate::domain::text::Localized;

    use super::{
        AdoptError, Agreement, AgreementId, AgreementKind, AgreementState, AreaCode, Content,
        Decision, NotInForce, PartyCode, Principle, TermRules,
    };

    fn title(text: &str) -> Localized<ShortText> {
        Localized {
            sv: ShortText::parse(text).expect("a title"),
            en: None,
        }
    }

    fn area(code: &str) -> AreaCode {
        AreaCode::from_code(code).expect("a code")
    }

    fn day(text: &str) -> PartialDate {
        text.parse().expect("a date")
    }

    fn draft() -> Agreement {
        let principle = Principle {
            code: Code::parse("dialog").expect("a code"),
            title: title("Dialog"),
        };
        Agreement {
            id: AgreementId(Uuid::nil()),
            kind: AgreementKind::Framework,
            title: title("Överenskommelsen"),
            parties: ["city", "sector"]
                .map(|code| PartyCode::from_code(code).expect("a code"))
                .to_vec(),
            draft: Content {
                principles: vec![principle],
                areas: vec![area("social"), area("aldre")],
            },
            rules: TermRules::parse(4, 1).expect("rules"),
            editions: Vec::new(),
            version: Version::FIRST,
        }
    }

    fn decided(on: &str) -> Decision {
        Decision {
            decided_on: day(on),
            decided_by: ShortText::parse("Kommunfullmäktige").expect("a name"),
            principles: None,
            areas: None,
            diary_numbers: Vec::new(),
        }
    }

    #[test]
    fn the_term_starts_with_the_decision_in_june_2012() {
        let agreement = draft().adopt(decided("2012-06")).expect("adopted");
        assert_eq!(
            agreement.state_on(date!(2012 - 05 - 31)),
            AgreementState::InPreparation
        );
        assert_eq!(
            agreement.state_on(date!(2012 - 06 - 01)),
            AgreementState::InForce
        );
        assert_eq!(
            agreement.state_on(date!(2015 - 06 - 01)),
            AgreementState::Evaluation
        );
        assert_eq!(
            agreement.state_on(date!(2016 - 06 - 01)),
            AgreementState::InForce
        );
        assert_eq!(
            agreement.state_on(date!(2020 - 06 - 01)),
            AgreementState::Expired
        );
        assert_eq!(agreement.term_on(date!(2012 - 05 - 31)), None);
    }

    #[test]
    fn a_revision_in_mid_term_changes_the_areas_and_keeps_the_term() {
        let first = draft().adopt(decided("2012-06")).expect("adopted");
        let wider = Decision {
            areas: Some(vec![area("social"), area("kultur")]),
            ..decided("2014-03-10")
        };
        let second = first.clone().adopt(wider).expect("revised");
        let before = date!(2014 - 03 - 09);
        let after = date!(2014 - 03 - 10);
        assert_eq!(second.term_on(after), first.term_on(after));
        assert_eq!(second.content_on(before).areas, first.draft.areas);
        assert_eq!(second.content_on(after).areas[1], area("kultur"));
        assert_eq!(second.content_on(after).principles, first.draft.principles);
        assert_eq!((second.editions[1].number, second.version), (2, Version(3)));
    }

    #[test]
    fn a_decision_on_the_last_day_is_in_time_and_one_day_later_is_not() {
        let agreement = draft().adopt(decided("2012-06")).expect("adopted");
        let last = agreement
            .clone()
            .adopt(decided("2020-05-31"))
            .expect("in time");
        assert_eq!(
            last.term_on(date!(2020 - 05 - 31)).expect("a term").ends_on,
            date!(2020 - 05 - 31)
        );
        let late = agreement
            .clone()
            .adopt(decided("2020-06-01"))
            .expect_err("late");
        assert_eq!(late, AdoptError::TermOver);
        let early = agreement.adopt(decided("2012-05-31")).expect_err("early");
        assert_eq!(early, AdoptError::BeforeTheLast);
    }

    #[test]
    fn what_is_signed_is_the_edition_in_force() {
        let today = date!(2026 - 01 - 01);
        assert_eq!(
            draft().edition_to_sign(day("2012-09"), today),
            Err(NotInForce)
        );
        let first = draft().adopt(decided("2012-06")).expect("adopted");
        assert_eq!(
            first.edition_to_sign(day("2012-05-31"), today),
            Err(NotInForce)
        );
        assert_eq!(first.edition_to_sign(day("2012"), today), Ok(1));
        assert_eq!(first.edition_to_sign(day("2020"), today), Ok(1));
        assert_eq!(
            first.edition_to_sign(day("2020-06-01"), today),
            Err(NotInForce)
        );
        let second = first.adopt(decided("2014-03-10")).expect("revised");
        assert_eq!(second.edition_to_sign(day("2014-03-09"), today), Ok(1));
        assert_eq!(second.edition_to_sign(day("2014-03-10"), today), Ok(2));
    }
}
