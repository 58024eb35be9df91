//! The states that are counted, and the figures that sources report.
//!
//! # Design notes
//! What a source reports and what is counted here are two types without a conversion between them: took part in the
//! dialogue, signed at the ceremony and has decided to join are three different things, and none of them is the number
//! of signatories that the registry has recorded.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

macro_rules! states {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $swedish:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = $swedish] $variant,)+
        }

        impl $name {
            /// Every one, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Reads it as the events write it; `None` when it is unknown.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }

            /// As the events write it.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// As people read it.
            pub fn swedish(self) -> &'static str {
                match self { $(Self::$variant => $swedish,)+ }
            }
        }
    };
}

states! {
    /// An organisation's relation to an agreement.
    SignatoryState {
        Invited = "invited", "Inbjuden";
        InDialogue = "in_dialogue", "I dialog";
        Undecided = "undecided", "Avvaktar";
        Declined = "declined", "Avböjt";
        Decided = "decided", "Beslutat att ansluta sig";
        Signed = "signed", "Undertecknat";
        Withdrawn = "withdrawn", "Utträtt";
    }
}

states! {
    /// Where a commitment stands.
    CommitmentState {
        Proposed = "proposed", "Föreslagna";
        Binding = "binding", "Bindande";
        Declined = "declined", "Avböjda";
    }
}

states! {
    /// Where an action stands.
    ActionState {
        Planned = "planned", "Planerade";
        InProgress = "in_progress", "Pågående";
        Done = "done", "Genomförda";
        Cancelled = "cancelled", "Avbrutna";
    }
}

states! {
    /// What a source counted.
    Measure {
        TookPart = "took_part", "Deltog i dialogen";
        SignedAtCeremony = "signed_at_ceremony", "Undertecknade vid ceremonin";
        DecidedToJoin = "decided_to_join", "Hade beslutat att ansluta sig";
    }
}

impl SignatoryState {
    /// Whether it counts as signed.
    pub fn is_signed(self) -> bool {
        self == Self::Signed
    }

    /// Whether it counts as decided to join; the signed are among them.
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Decided | Self::Signed)
    }
}

impl ActionState {
    /// Whether something remains to be done, so that its last day can pass.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Planned | Self::InProgress)
    }
}

/// How many are in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCount<S> {
    /// The state.
    pub state: S,
    /// How many.
    pub count: i32,
}

/// Counts `found` by state: every one of `all` is answered, with 0 where there is none, so that a state that nobody is
/// in is seen to be empty rather than forgotten.
pub fn count<S: Copy + PartialEq>(
    all: &[S],
    found: impl IntoIterator<Item = S>,
) -> Vec<StateCount<S>> {
    let found: Vec<S> = found.into_iter().collect();
    all.iter()
        .map(|state| StateCount {
            state: *state,
            count: i32::try_from(found.iter().filter(|one| *one == state).count())
                .unwrap_or(i32::MAX),
        })
        .collect()
}

/// A figure that a source reports; never mixed with what is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedFigure {
    /// What the source counted.
    pub measure: Measure,
    /// The number.
    pub value: i32,
    /// When it was reported.
    pub reported_on: ReportedOn,
    /// The document that says so.
    pub document: String,
    /// Where in the document; may be empty.
    pub place: String,
}

/// A date as precise as its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReportedOn {
    /// Year.
    pub year: i32,
    /// Month, 0 when unknown.
    pub month: i32,
    /// Day, 0 when unknown.
    pub day: i32,
}

/// As of when figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Freshness {
    /// Time of the newest event that is counted; `None` when there is none yet.
    pub as_of: Option<OffsetDateTime>,
    /// How many events are counted.
    pub events: i64,
}

/// Whether an action is overdue on `today`: open although its last day has passed.
pub fn is_overdue(state: Option<ActionState>, due_on: Date, today: Date) -> bool {
    state.is_some_and(ActionState::is_open) && due_on < today
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::{
        ActionState, CommitmentState, Measure, SignatoryState, StateCount, count, is_overdue,
    };

    #[test]
    fn every_state_reads_back_what_it_writes() {
        for state in SignatoryState::ALL {
            assert_eq!(SignatoryState::parse(state.code()), Some(*state));
        }
        for measure in Measure::ALL {
            assert_eq!(Measure::parse(measure.code()), Some(*measure));
        }
        assert_eq!(ActionState::parse("forgotten"), None);
    }

    #[test]
    fn an_empty_state_is_answered_with_zero() {
        let found = [CommitmentState::Binding, CommitmentState::Binding];
        let counts = count(CommitmentState::ALL, found);
        assert_eq!(
            counts,
            [
                StateCount {
                    state: CommitmentState::Proposed,
                    count: 0
                },
                StateCount {
                    state: CommitmentState::Binding,
                    count: 2
                },
                StateCount {
                    state: CommitmentState::Declined,
                    count: 0
                },
            ]
        );
    }

    #[test]
    fn an_action_is_overdue_only_after_its_last_day_and_only_while_it_is_open() {
        let due = date!(2013 - 06 - 30);
        assert!(!is_overdue(Some(ActionState::Planned), due, due));
        assert!(is_overdue(
            Some(ActionState::InProgress),
            due,
            date!(2013 - 07 - 01)
        ));
        assert!(!is_overdue(
            Some(ActionState::Done),
            due,
            date!(2014 - 01 - 01)
        ));
        assert!(!is_overdue(None, due, date!(2014 - 01 - 01)));
    }
}
