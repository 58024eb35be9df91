//! Organisations' relations to agreements.
//!
//! # Design notes
//! Joining is the organisation's own decision and then the signing, two acts on two days. Nothing
//! here expels: a withdrawal is the organisation's act, and one that withdrew or declined comes
//! back by deciding again. The relation is the list of its steps; where it stands on a day is the
//! last step that holds by then. A step of which only the month is known holds from the first day
//! that it can mean, but never before the step before it, so that the order in which things
//! happened survives what the sources leave open.

use handslag_platform::{date::PartialDate, etag::Version, text::LongText};
use time::Date;

use super::name::SignatoryId;

/// Where a relation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Invited.
    Invited,
    /// Takes part in the dialogue.
    InDialogue,
    /// Waits.
    Undecided,
    /// Declined.
    Declined,
    /// Has itself decided to join; not yet signed.
    Decided,
    /// Signed.
    Signed {
        /// The edition that it is tied to.
        edition: i32,
    },
    /// Withdrawn.
    Withdrawn,
}

/// What an organisation says without joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// Takes part in the dialogue.
    InDialogue,
    /// Waits.
    Undecided,
    /// Declines.
    Declined,
}

/// What happens to a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The city invites.
    Invite,
    /// The organisation says something without joining.
    Take(Stance),
    /// The organisation decides to join.
    Decide,
    /// The organisation signs the edition in force.
    Sign {
        /// Its number.
        edition: i32,
    },
    /// The organisation withdraws.
    Withdraw,
}

/// When something happened, and what is remarked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// When, as precise as the source.
    pub effective_on: PartialDate,
    /// Reason or remark.
    pub note: Option<LongText>,
}

/// One change of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The state from then on.
    pub state: State,
    /// When, as precise as the source.
    pub effective_on: PartialDate,
    /// First day that it holds.
    pub effective_from: Date,
    /// Reason or remark.
    pub note: Option<LongText>,
}

/// An organisation's relation to one agreement; without steps while there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatory {
    /// What identifies it.
    pub id: SignatoryId,
    /// How it came to where it stands, oldest first.
    pub steps: Vec<Step>,
}

/// Why a step cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The act does not follow on the state.
    #[error("{act} does not follow on {from}")]
    DoesNotFollow {
        /// The act.
        act: &'static str,
        /// The state, or `none`.
        from: &'static str,
    },
    /// An organisation signs after it has decided.
    #[error("an organisation signs after its own decision to join, and it is {from}")]
    NotDecided {
        /// The state, or `none`.
        from: &'static str,
    },
    /// The step is surely before the last one.
    #[error("a step cannot be before the one that it follows on")]
    BeforeTheLast,
}

impl State {
    /// The word that the database and the events write.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::InDialogue => "in_dialogue",
            Self::Undecided => "undecided",
            Self::Declined => "declined",
            Self::Decided => "decided",
            Self::Signed { .. } => "signed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Reads what the database wrote.
    #[must_use]
    pub fn from_word(word: &str, edition: Option<i32>) -> Option<Self> {
        Some(match (word, edition) {
            ("invited", None) => Self::Invited,
            ("in_dialogue", None) => Self::InDialogue,
            ("undecided", None) => Self::Undecided,
            ("declined", None) => Self::Declined,
            ("decided", None) => Self::Decided,
            ("signed", Some(edition)) => Self::Signed { edition },
            ("withdrawn", None) => Self::Withdrawn,
            _ => return None,
        })
    }

    /// The edition that it is tied to.
    #[must_use]
    pub const fn edition(self) -> Option<i32> {
        match self {
            Self::Signed { edition } => Some(edition),
            _ => None,
        }
    }

    /// The state after an act; `from` is `None` while there is no relation.
    ///
    /// # Errors
    /// `DoesNotFollow` or `NotDecided`.
    pub fn after(from: Option<Self>, act: Act) -> Result<Self, StepError> {
        let refused = StepError::DoesNotFollow {
            act: act.as_str(),
            from: word(from),
        };
        match (act, from) {
            (Act::Invite, None | Some(Self::Declined | Self::Withdrawn)) => Ok(Self::Invited),
            (Act::Invite, Some(_)) => Err(refused),

            // Nothing is said twice, and a signatory withdraws before it says something else.
            (Act::Take(_), Some(Self::Signed { .. } | Self::Withdrawn)) => Err(refused),
            (Act::Take(stance), from) if from == Some(stance.state()) => Err(refused),
            (Act::Take(stance), _) => Ok(stance.state()),

            (Act::Decide, Some(Self::Decided | Self::Signed { .. })) => Err(refused),
            (Act::Decide, _) => Ok(Self::Decided),

            (Act::Sign { edition }, Some(Self::Decided)) => Ok(Self::Signed { edition }),
            // It has joined already and ties itself to a newer text.
            (Act::Sign { edition }, Some(Self::Signed { edition: signed })) if signed < edition => {
                Ok(Self::Signed { edition })
            }
            (Act::Sign { .. }, Some(Self::Signed { .. })) => Err(refused),
            (Act::Sign { .. }, _) => Err(StepError::NotDecided { from: word(from) }),

            (Act::Withdraw, Some(Self::Signed { .. })) => Ok(Self::Withdrawn),
            (Act::Withdraw, _) => Err(refused),
        }
    }
}

impl Stance {
    /// The state that it leads to.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::InDialogue => State::InDialogue,
            Self::Undecided => State::Undecided,
            Self::Declined => State::Declined,
        }
    }
}

impl Act {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Invite => "an invitation",
            Self::Take(_) => "a stance",
            Self::Decide => "a decision to join",
            Self::Sign { .. } => "a signing",
            Self::Withdraw => "a withdrawal",
        }
    }
}

impl Signatory {
    /// How often it has changed: each change is a step. 0 while there is no relation.
    #[must_use]
    pub fn version(&self) -> Version {
        Version(i64::try_from(self.steps.len()).unwrap_or(i64::MAX))
    }

    /// The last step.
    #[must_use]
    pub fn last(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// The state that the last step led to.
    #[must_use]
    pub fn state(&self) -> Option<State> {
        self.last().map(|step| step.state)
    }

    /// The relation as it stood on `day`; `None` when there was none.
    #[must_use]
    pub fn as_of(&self, day: Date) -> Option<Self> {
        let steps: Vec<Step> = self
            .steps
            .iter()
            .take_while(|step| step.effective_from <= day)
            .cloned()
            .collect();
        (!steps.is_empty()).then_some(Self { id: self.id, steps })
    }

    /// The relation after an act.
    ///
    /// # Errors
    /// See [`StepError`].
    pub fn step(mut self, act: Act, occasion: Occasion) -> Result<Self, StepError> {
        let state = State::after(self.state(), act)?;
        let mut effective_from = occasion.effective_on.earliest();
        if let Some(last) = self.last() {
            if occasion.effective_on.latest() < last.effective_from {
                return Err(StepError::BeforeTheLast);
            }
            effective_from = effective_from.max(last.effective_from);
        }
        self.steps.push(Step {
            state,
            effective_on: occasion.effective_on,
            effective_from,
            note: occasion.note,
        });
        Ok(self)
    }
}

fn word(state: Option<State>) -> &'static str {
    state.map_or("none", State::as_str)
}

#[cfg(test)]
mod tests {
    use time::macros::date;
    use uuid::Uuid;

    use crate::domain::name::{AgreementId, OrganisationId};

    use super::{Act, Occasion, Signatory, SignatoryId, Stance, State, StepError};

    fn none() -> Signatory {
        let agreement = AgreementId(Uuid::nil());
        Signatory {
            id: SignatoryId {
                agreement,
                organisation: OrganisationId(Uuid::nil()),
            },
            steps: Vec::new(),
        }
    }

    fn on(day: &str) -> Occasion {
        Occasion {
            effective_on: day.parse().expect("a date"),
            note: None,
        }
    }

    fn after(acts: &[Act]) -> Result<Signatory, StepError> {
        acts.iter()
            .try_fold(none(), |relation, act| relation.step(*act, on("2012-09")))
    }

    const SIGN: Act = Act::Sign { edition: 1 };

    #[test]
    fn joining_is_a_decision_and_then_the_signing() {
        let signed = after(&[
            Act::Invite,
            Act::Take(Stance::InDialogue),
            Act::Decide,
            SIGN,
        ])
        .expect("signed");
        assert_eq!(signed.state(), Some(State::Signed { edition: 1 }));
        assert_eq!(signed.version().0, 4);
    }

    #[test]
    fn signing_without_a_decision_is_refused() {
        for acts in [
            &[SIGN][..],
            &[Act::Invite, SIGN],
            &[Act::Take(Stance::Declined), SIGN],
            &[Act::Decide, Act::Take(Stance::Undecided), SIGN],
            &[Act::Decide, SIGN, Act::Withdraw, SIGN],
        ] {
            assert!(
                matches!(after(acts), Err(StepError::NotDecided { .. })),
                "{acts:?}"
            );
        }
    }

    #[test]
    fn one_that_withdrew_or_declined_comes_back_by_deciding() {
        let back =
            after(&[Act::Decide, SIGN, Act::Withdraw, Act::Decide, SIGN]).expect("signed again");
        assert_eq!(back.state(), Some(State::Signed { edition: 1 }));
        assert!(after(&[Act::Take(Stance::Declined), Act::Decide, SIGN]).is_ok());
    }

    #[test]
    fn one_helped_to_draft_and_then_waited() {
        let waiting =
            after(&[Act::Take(Stance::InDialogue), Act::Take(Stance::Undecided)]).expect("waits");
        assert_eq!(waiting.state(), Some(State::Undecided));
    }

    #[test]
    fn a_step_that_changes_nothing_or_does_not_follow_is_refused() {
        for acts in [
            &[Act::Withdraw][..],
            &[Act::Decide, Act::Withdraw],
            &[Act::Invite, Act::Invite],
            &[Act::Decide, Act::Decide],
            &[Act::Decide, SIGN, SIGN],
            &[Act::Decide, SIGN, Act::Decide],
            &[Act::Decide, SIGN, Act::Take(Stance::Declined)],
            &[Act::Decide, SIGN, Act::Withdraw, Act::Withdraw],
            &[
                Act::Decide,
                SIGN,
                Act::Withdraw,
                Act::Take(Stance::InDialogue),
            ],
            &[Act::Take(Stance::Undecided), Act::Take(Stance::Undecided)],
        ] {
            assert!(
                matches!(after(acts), Err(StepError::DoesNotFollow { .. })),
                "{acts:?}"
            );
        }
    }

    #[test]
    fn a_signatory_may_sign_a_newer_edition_and_no_older_one() {
        let signed = after(&[Act::Decide, Act::Sign { edition: 2 }]).expect("signed");
        assert!(signed.clone().step(SIGN, on("2014")).is_err());
        let newer = signed
            .step(Act::Sign { edition: 3 }, on("2014"))
            .expect("newer");
        assert_eq!(newer.state(), Some(State::Signed { edition: 3 }));
    }

    #[test]
    fn reads_where_it_stood_on_a_day() {
        let relation = [
            (Act::Decide, "2012-06-20"),
            (SIGN, "2012-09"),
            (Act::Withdraw, "2013-02-01"),
        ]
        .into_iter()
        .try_fold(none(), |relation, (act, day)| relation.step(act, on(day)))
        .expect("three steps");
        let stood = |day| relation.as_of(day).and_then(|then| then.state());
        assert_eq!(stood(date!(2012 - 06 - 19)), None);
        assert_eq!(stood(date!(2012 - 06 - 20)), Some(State::Decided));
        assert_eq!(stood(date!(2012 - 08 - 31)), Some(State::Decided));
        assert_eq!(
            stood(date!(2012 - 09 - 01)),
            Some(State::Signed { edition: 1 })
        );
        assert_eq!(
            stood(date!(2013 - 01 - 31)),
            Some(State::Signed { edition: 1 })
        );
        assert_eq!(stood(date!(2199 - 12 - 31)), Some(State::Withdrawn));
    }

    #[test]
    fn a_date_left_open_never_reverses_the_order() {
        let decided = none().step(Act::Decide, on("2012-06-20")).expect("decided");
        let signed = decided
            .clone()
            .step(SIGN, on("2012"))
            .expect("some day of the year");
        assert_eq!(signed.steps[1].effective_from, date!(2012 - 06 - 20));
        assert_eq!(
            decided.step(SIGN, on("2012-06-19")),
            Err(StepError::BeforeTheLast)
        );
    }

    #[test]
    fn every_state_survives_the_database() {
        for state in [
            State::Invited,
            State::InDialogue,
            State::Undecided,
            State::Declined,
            State::Decided,
            State::Signed { edition: 7 },
            State::Withdrawn,
        ] {
            assert_eq!(
                State::from_word(state.as_str(), state.edition()),
                Some(state)
            );
        }
        assert_eq!(State::from_word("signed", None), None);
    }
}
