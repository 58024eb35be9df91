//! Proceedings: the steps by which an agreement came to be.
//!
//! # Design notes
//! The record is kept as it happened and is not repaired: a statement that came late was accepted,
//! one that says it was invited though the list does not name it stays both. A decision is more
//! than yes or no, and a board may approve and pass on at once.

use handslag_platform::{date::PartialDate, text::ShortText};
use time::Date;

use super::{
    name::{ProceedingId, ProposalId},
    text::{DiaryNumber, Prose, Source, Title},
    word::words,
};

words! {
    /// Kinds of step.
    pub enum ProceedingKind {
        /// Dialogue between the parties.
        Dialogue = "dialogue",
        /// Dialogue seminar.
        Seminar = "seminar",
        /// Conference.
        Conference = "conference",
        /// Joint working group that drafts.
        WorkingGroup = "working_group",
        /// Draft.
        Draft = "draft",
        /// A draft is sent out for comment.
        Referral = "referral",
        /// What came back on a referral.
        Statement = "statement",
        /// Report of an office to its board.
        Report = "report",
        /// A council or union was informed before a decision.
        Information = "information",
        /// Decision of a board, the executive board or the council.
        Decision = "decision",
        /// Recorded dissent.
        Reservation = "reservation",
        /// Recorded opinion without dissent.
        SpecialStatement = "special_statement",
        /// Ceremony of signing.
        Ceremony = "ceremony",
        /// Meeting of the working group.
        Meeting = "meeting",
    }
}

words! {
    /// What a decision or a statement amounts to.
    pub enum Outcome {
        /// Approves.
        Approves = "approves",
        /// Approves in part.
        ApprovesInPart = "approves_in_part",
        /// Approves, with additions.
        ApprovesWithAdditions = "approves_with_additions",
        /// Supports.
        Supports = "supports",
        /// Passes on to the next instance.
        PassesOn = "passes_on",
        /// Abstains from commenting.
        Abstains = "abstains",
        /// Refers back.
        RefersBack = "refers_back",
        /// Files without further action.
        Files = "files",
        /// Does not say yes or no for now.
        Undecided = "undecided",
    }
}

words! {
    /// How a statement came to be made.
    pub enum Invitation {
        /// On the list of the referral.
        Invited = "invited",
        /// Not on the list, but says it was invited.
        Unlisted = "unlisted",
        /// Of its own accord.
        Uninvited = "uninvited",
    }
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proceeding {
    /// What identifies it.
    pub id: ProceedingId,
    /// What it is.
    pub step: Step,
    /// Order among the steps of the same first day, from 1.
    pub position: i32,
    /// The answer, when it is a statement that has got one.
    pub answer: Option<Answer>,
    /// Proposals that it raises.
    pub proposals: Vec<ProposalId>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The kind of step.
    pub kind: ProceedingKind,
    /// When.
    pub held_on: PartialDate,
    /// When it ended, for one of some length.
    pub ended_on: Option<PartialDate>,
    /// What it was.
    pub title: Title,
    /// What happened, in our words.
    pub summary: Option<Prose>,
    /// Who acted.
    pub actors: Vec<ShortText>,
    /// What it amounts to.
    pub outcomes: Vec<Outcome>,
    /// Diary numbers.
    pub diary_numbers: Vec<DiaryNumber>,
    /// The step that it belongs to.
    pub responds_to: Option<ProceedingId>,
    /// The reservation that it repeats by reference.
    pub refers_to: Option<ProceedingId>,
    /// What is particular to a statement; `Some` for statements only.
    pub statement: Option<Statement>,
    /// Where it stands.
    pub source: Option<Source>,
}

/// What is particular to a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// How it came to be made.
    pub invitation: Invitation,
    /// Last day of the referral.
    pub due_on: Option<Date>,
    /// Whether it refers to an older draft.
    pub on_older_draft: bool,
}

/// What became of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it was taken up.
    pub taken_up: bool,
    /// Why, or why not.
    pub reason: Prose,
}

/// A rule that a step breaks, and the field that breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepError {
    /// The outcome at this index does not fit the kind, or contradicts another.
    OutcomeDoesNotFit(usize),
    /// A decision amounts to something.
    OutcomeMissing,
    /// Somebody decided, stated or dissented.
    ActorMissing,
    /// A statement says how it came to be made.
    StatementMissing,
    /// Only statements have what is particular to them.
    StatementDoesNotFit,
    /// Only reservations and special statements repeat another.
    ReferenceDoesNotFit,
    /// It ended before it began.
    EndsBeforeItBegins,
}

/// Why a statement cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The step is none.
    #[error("the step is no statement")]
    NotAStatement,
    /// It has its answer.
    #[error("the statement has been answered already")]
    AlreadyAnswered,
}

impl ProceedingKind {
    /// Which outcomes fit. Steps that only happen amount to nothing.
    #[must_use]
    pub const fn outcomes(self) -> &'static [Outcome] {
        use Outcome as O;
        match self {
            Self::Decision => &[
                O::Approves,
                O::ApprovesInPart,
                O::ApprovesWithAdditions,
                O::Supports,
                O::PassesOn,
                O::Abstains,
                O::RefersBack,
                O::Files,
            ],
            Self::Statement => &[
                O::Approves,
                O::ApprovesInPart,
                O::ApprovesWithAdditions,
                O::Supports,
                O::Abstains,
                O::Undecided,
            ],
            Self::Reservation => &[
                O::Approves,
                O::ApprovesInPart,
                O::ApprovesWithAdditions,
                O::RefersBack,
            ],
            Self::SpecialStatement => &[O::Approves, O::ApprovesWithAdditions, O::Supports],
            Self::Dialogue
            | Self::Seminar
            | Self::Conference
            | Self::WorkingGroup
            | Self::Draft
            | Self::Referral
            | Self::Report
            | Self::Information
            | Self::Ceremony
            | Self::Meeting => &[],
        }
    }

    /// The kind of step that it responds to; `None` when any will do.
    #[must_use]
    pub fn responds_to(self) -> Option<Self> {
        match self {
            Self::Statement => Some(Self::Referral),
            Self::Reservation | Self::SpecialStatement => Some(Self::Decision),
            _ => None,
        }
    }

    /// Whether somebody must have acted.
    fn needs_actor(self) -> bool {
        matches!(
            self,
            Self::Decision | Self::Statement | Self::Reservation | Self::SpecialStatement
        )
    }

    /// Whether it can repeat another of its kind by reference.
    fn may_refer(self) -> bool {
        matches!(self, Self::Reservation | Self::SpecialStatement)
    }
}

impl Step {
    /// Every rule that the step breaks.
    #[must_use]
    pub fn errors(&self) -> Vec<StepError> {
        let mut errors = outcome_errors(self.kind, &self.outcomes);
        if self.kind.needs_actor() && self.actors.is_empty() {
            errors.push(StepError::ActorMissing);
        }
        match (
            self.kind == ProceedingKind::Statement,
            self.statement.is_some(),
        ) {
            (true, false) => errors.push(StepError::StatementMissing),
            (false, true) => errors.push(StepError::StatementDoesNotFit),
            (true, true) | (false, false) => {}
        }
        if self.refers_to.is_some() && !self.kind.may_refer() {
            errors.push(StepError::ReferenceDoesNotFit);
        }
        if self
            .ended_on
            .is_some_and(|ended| ended.latest() < self.held_on.earliest())
        {
            errors.push(StepError::EndsBeforeItBegins);
        }
        errors
    }

    /// Whether a statement came after the last day of its referral. Of a date that is not precise
    /// the first day counts: nobody is called late who may not have been.
    #[must_use]
    pub fn is_late(&self) -> bool {
        let due = self.statement.and_then(|statement| statement.due_on);
        due.is_some_and(|due| self.held_on.earliest() > due)
    }
}

impl Proceeding {
    /// Answers a statement.
    ///
    /// # Errors
    /// See [`AnswerError`].
    pub fn answer(self, answer: Answer) -> Result<Self, AnswerError> {
        if self.step.kind != ProceedingKind::Statement {
            return Err(AnswerError::NotAStatement);
        }
        if self.answer.is_some() {
            return Err(AnswerError::AlreadyAnswered);
        }
        Ok(Self {
            answer: Some(answer),
            ..self
        })
    }
}

/// One position, and beside it passing on, which is a way and not a position.
fn outcome_errors(kind: ProceedingKind, outcomes: &[Outcome]) -> Vec<StepError> {
    let mut errors: Vec<StepError> = outcomes
        .iter()
        .enumerate()
        .filter(|(index, outcome)| {
            let contradicts = |other: &Outcome| {
                other == *outcome || (*other != Outcome::PassesOn && **outcome != Outcome::PassesOn)
            };
            !kind.outcomes().contains(outcome) || outcomes[..*index].iter().any(contradicts)
        })
        .map(|(index, _)| StepError::OutcomeDoesNotFit(index))
        .collect();
    if kind == ProceedingKind::Decision && outcomes.is_empty() {
        errors.push(StepError::OutcomeMissing);
    }
    errors
}

#[cfg(test)]
mod tests {
    use handslag_platform::{text::LongText, text::ShortText};
    use time::macros::date;
    use uuid::Uuid;

    use crate::domain::name::AgreementId;

    use crate::domain::text::Localized;

    use super::{
        Answer, AnswerError, Invitation, Outcome, Proceeding, ProceedingId, ProceedingKind,
        Statement, Step, StepError,
    };

    fn step(kind: ProceedingKind) -> Step {
        Step {
            kind,
            held_on: "2012-02-15".parse().expect("a date"),
            ended_on: None,
            title: Localized {
                sv: ShortText::parse("Steg").expect("a title"),
                en: None,
            },
            summary: None,
            actors: vec![ShortText::parse("Äldrenämnden").expect("a name")],
            outcomes: Vec::new(),
            diary_numbers: Vec::new(),
            responds_to: None,
            refers_to: None,
            statement: None,
            source: None,
        }
    }

    fn statement() -> Step {
        let due_on = Some(date!(2012 - 01 - 31));
        let particular = Statement {
            invitation: Invitation::Unlisted,
            due_on,
            on_older_draft: true,
        };
        Step {
            statement: Some(particular),
            ..step(ProceedingKind::Statement)
        }
    }

    fn id() -> ProceedingId {
        ProceedingId {
            agreement: AgreementId(Uuid::nil()),
            id: Uuid::from_u128(1),
        }
    }

    #[test]
    fn a_board_may_approve_and_pass_on() {
        let decided = |outcomes: &[Outcome]| {
            Step {
                outcomes: outcomes.to_vec(),
                ..step(ProceedingKind::Decision)
            }
            .errors()
        };
        assert_eq!(decided(&[Outcome::Approves, Outcome::PassesOn]), []);
        assert_eq!(decided(&[Outcome::PassesOn, Outcome::ApprovesInPart]), []);
        assert_eq!(decided(&[]), [StepError::OutcomeMissing]);
        assert_eq!(
            decided(&[Outcome::Approves, Outcome::Files]),
            [StepError::OutcomeDoesNotFit(1)]
        );
        assert_eq!(
            decided(&[Outcome::PassesOn; 2]),
            [StepError::OutcomeDoesNotFit(1)]
        );
        assert_eq!(
            decided(&[Outcome::Undecided]),
            [StepError::OutcomeDoesNotFit(0)]
        );
    }

    #[test]
    fn steps_that_only_happen_amount_to_nothing() {
        for kind in [
            ProceedingKind::Seminar,
            ProceedingKind::Ceremony,
            ProceedingKind::Information,
        ] {
            let seminar = Step {
                outcomes: vec![Outcome::Supports],
                ..step(kind)
            };
            assert_eq!(seminar.errors(), [StepError::OutcomeDoesNotFit(0)]);
        }
    }

    #[test]
    fn a_late_statement_is_late_and_accepted() {
        assert_eq!(statement().errors(), []);
        assert!(statement().is_late());
        let month = Step {
            held_on: "2012-01".parse().expect("a date"),
            ..statement()
        };
        assert!(!month.is_late());
        let last_day = Step {
            held_on: "2012-01-31".parse().expect("a date"),
            ..statement()
        };
        assert!(!last_day.is_late());
    }

    #[test]
    fn what_is_particular_to_a_statement_stands_there_only() {
        let bare = Step {
            statement: None,
            ..statement()
        };
        assert_eq!(bare.errors(), [StepError::StatementMissing]);
        let seminar = Step {
            kind: ProceedingKind::Seminar,
            ..statement()
        };
        assert_eq!(seminar.errors(), [StepError::StatementDoesNotFit]);
    }

    #[test]
    fn a_reservation_may_repeat_another_and_a_special_statement_be_of_several() {
        let reservation = Step {
            refers_to: Some(id()),
            ..step(ProceedingKind::Reservation)
        };
        assert_eq!(reservation.errors(), []);
        let seminar = Step {
            refers_to: Some(id()),
            ..step(ProceedingKind::Seminar)
        };
        assert_eq!(seminar.errors(), [StepError::ReferenceDoesNotFit]);
        let joint = Step {
            actors: vec![step(ProceedingKind::Draft).actors[0].clone(); 3],
            ..step(ProceedingKind::SpecialStatement)
        };
        assert_eq!(joint.errors(), []);
        let nobody = Step {
            actors: Vec::new(),
            ..step(ProceedingKind::SpecialStatement)
        };
        assert_eq!(nobody.errors(), [StepError::ActorMissing]);
    }

    #[test]
    fn nothing_ends_before_it_begins() {
        let ended = |text: &str| Step {
            ended_on: text.parse().ok(),
            ..step(ProceedingKind::Draft)
        };
        assert_eq!(
            ended("2012-02-14").errors(),
            [StepError::EndsBeforeItBegins]
        );
        assert_eq!(ended("2012-02").errors(), []);
        assert_eq!(ended("2012").errors(), []);
    }

    #[test]
    fn a_statement_is_answered_once() {
        let reason = Localized {
            sv: LongText::parse("Av tidsskäl.").expect("a text"),
            en: None,
        };
        let answer = Answer {
            taken_up: false,
            reason,
        };
        let of = |step| Proceeding {
            id: id(),
            step,
            position: 1,
            answer: None,
            proposals: Vec::new(),
        };
        let answered = of(statement()).answer(answer.clone()).expect("answered");
        assert_eq!(
            answered.answer(answer.clone()),
            Err(AnswerError::AlreadyAnswered)
        );
        let draft = of(step(ProceedingKind::Draft)).answer(answer);
        assert_eq!(draft, Err(AnswerError::NotAStatement));
    }
}
