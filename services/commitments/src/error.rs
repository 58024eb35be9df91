//! What can go wrong here, and what a caller is told.
//!
//! # Design notes
//! A refusal that the caller can mend in the request is an `INVALID_REQUEST` with the field; one
//! that the record forbids has a reason of its own. Both stand in one table, so that none is
//! without words in Swedish.

use handslag_platform::error::{ErrorCode, Fault};
use handslag_platform::rpc::Failure;
use handslag_platform::violations::Violations;

use crate::domain::action::ActionError;
use crate::domain::action_plan::PlanError;
use crate::domain::commitment::AnswerError;
use crate::domain::deliberation::HeldError;
use crate::domain::follow_up::{FollowUpError, OpenError};
use crate::store::StoreError;

/// Why a call fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The resource that the call is about does not exist.
    #[error("{kind} {name} does not exist")]
    NotFound {
        /// Its type.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The answer to a commitment is refused.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The step on a plan is refused.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The step on an action is refused.
    #[error(transparent)]
    Action(#[from] ActionError),
    /// The round cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The step on a round is refused.
    #[error(transparent)]
    FollowUp(#[from] FollowUpError),
    /// The discussion cannot have been held then.
    #[error(transparent)]
    Held(#[from] HeldError),
    /// The agreement has a round for the year.
    #[error("the agreement has a follow-up for this year")]
    FollowUpExists,
    /// The same paragraph of the same meeting is recorded.
    #[error("this discussion is recorded")]
    DeliberationExists,
    /// The database holds what cannot be.
    #[error("the database holds what cannot be")]
    Inconsistent(#[source] StoreError),
    /// The platform refuses, or answers for us.
    #[error(transparent)]
    Platform(#[from] Failure),
}

/// Every reason of this service's own, for the test that each occurs.
pub const REASONS: [&str; 15] = [
    "NOT_A_BEARER",
    "ALREADY_SETTLED",
    "ALREADY_ANSWERED",
    "NOT_A_PARTY",
    "ALREADY_APPROVED",
    "PLAN_WITHOUT_ACTIONS",
    "PLAN_ADOPTED",
    "COMMITMENT_NOT_BINDING",
    "NOT_THE_OWNER",
    "ACTION_CLOSED",
    "ALREADY_SUBMITTED",
    "ALREADY_PUBLISHED",
    "NOTHING_TO_PUBLISH",
    "FOLLOW_UP_EXISTS",
    "DELIBERATION_EXISTS",
];

/// Every rule of this service's own that a field can break, for the test that each occurs.
pub const FIELD_REASONS: [&str; 24] = [
    "NAME_INVALID",
    "ENUM_INVALID",
    "TOO_MANY",
    "REPEATED",
    "GROUND_WITHOUT_PEOPLE",
    "ENDS_BEFORE_START",
    "PERCENT_OUT_OF_RANGE",
    "DONE_IN_PART",
    "PLANNED_IN_PART",
    "OUTSIDE_PLAN",
    "SAME_DAY",
    "NOT_LATER",
    "YEAR_OUT_OF_RANGE",
    "DUE_BEFORE_YEAR",
    "IN_THE_FUTURE",
    "BEFORE_BOARD",
    "AFTER_BOARD",
    "UNKNOWN_AGREEMENT",
    "UNKNOWN_PARTY",
    "UNKNOWN_PRINCIPLE",
    "UNKNOWN_AREA",
    "UNKNOWN_DISTRICT_BOARD",
    "UNKNOWN_COMMITMENT",
    "COMMITMENT_OF_OTHER_AGREEMENT",
];

/// What a caller is told of a refusal.
#[derive(Clone, Copy)]
enum Refusal {
    /// A field breaks a rule.
    Field(&'static str, &'static str, &'static str),
    /// The record forbids it.
    State(&'static str, &'static str),
}

impl Error {
    /// The resource that the call is about does not exist.
    pub fn not_found(kind: &'static str, name: &impl ToString) -> Self {
        Self::NotFound {
            kind,
            name: name.to_string(),
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        Some(match self {
            Self::Answer(error) => answer(*error),
            Self::Plan(error) => plan(*error),
            Self::Action(error) => action(*error),
            Self::Open(error) => open(*error),
            Self::FollowUp(error) => follow_up(*error),
            Self::Held(error) => held(*error),
            Self::NotFound { .. }
            | Self::FollowUpExists
            | Self::DeliberationExists
            | Self::Inconsistent(_)
            | Self::Platform(_) => return None,
        })
    }
}

const fn answer(error: AnswerError) -> Refusal {
    match error {
        AnswerError::NotABearer => Refusal::State(
            "NOT_A_BEARER",
            "Åtagandet ställer inget krav på den här parten.",
        ),
        AnswerError::AlreadySettled => Refusal::State(
            "ALREADY_SETTLED",
            "Åtagandet är redan bindande eller avböjt.",
        ),
        AnswerError::AlreadyAnswered => Refusal::State(
            "ALREADY_ANSWERED",
            "Parten har redan svarat. Åtagandet väntar på de andra.",
        ),
    }
}

const fn plan(error: PlanError) -> Refusal {
    match error {
        PlanError::NotAParty => Refusal::State(
            "NOT_A_PARTY",
            "Planen behöver inte den här partens godkännande.",
        ),
        PlanError::AlreadyApproved => {
            Refusal::State("ALREADY_APPROVED", "Parten har redan godkänt planen.")
        }
        PlanError::WithoutActions => Refusal::State(
            "PLAN_WITHOUT_ACTIONS",
            "Planen har inga åtgärder att godkänna.",
        ),
        PlanError::Adopted => Refusal::State(
            "PLAN_ADOPTED",
            "Planen är antagen. Inga åtgärder kan läggas till.",
        ),
        PlanError::OutsidePlan => {
            Refusal::Field("due_on", "OUTSIDE_PLAN", "Dagen ligger utanför planen.")
        }
        PlanError::NotBinding(_) => Refusal::State(
            "COMMITMENT_NOT_BINDING",
            "En åtgärd kan bara bygga på åtaganden som är bindande.",
        ),
    }
}

const fn action(error: ActionError) -> Refusal {
    match error {
        ActionError::NotTheOwner => Refusal::State(
            "NOT_THE_OWNER",
            "Bara den som ansvarar för åtgärden kan rapportera om den och flytta dess sista dag.",
        ),
        ActionError::Closed => Refusal::State(
            "ACTION_CLOSED",
            "Åtgärden är redan genomförd eller inställd.",
        ),
        ActionError::SameDay => {
            Refusal::Field("due_on", "SAME_DAY", "Dagen är redan åtgärdens sista dag.")
        }
    }
}

const fn open(error: OpenError) -> Refusal {
    match error {
        OpenError::YearOutOfRange => {
            Refusal::Field("year", "YEAR_OUT_OF_RANGE", "Året måste vara 1900–2199.")
        }
        OpenError::DueBeforeYear => Refusal::Field(
            "accounts_due_on",
            "DUE_BEFORE_YEAR",
            "Sista dagen kan inte ligga före det år som redovisas.",
        ),
    }
}

const fn follow_up(error: FollowUpError) -> Refusal {
    match error {
        FollowUpError::NotAParty => Refusal::State(
            "NOT_A_PARTY",
            "Parten ska inte redovisa i den här uppföljningen.",
        ),
        FollowUpError::AlreadySubmitted => Refusal::State(
            "ALREADY_SUBMITTED",
            "Parten har redan lämnat sin redovisning.",
        ),
        FollowUpError::AlreadyPublished => {
            Refusal::State("ALREADY_PUBLISHED", "Uppföljningen är redan publicerad.")
        }
        FollowUpError::NothingToPublish => Refusal::State(
            "NOTHING_TO_PUBLISH",
            "Ingen part har lämnat sin redovisning än.",
        ),
        FollowUpError::NotLater => Refusal::Field(
            "accounts_due_on",
            "NOT_LATER",
            "Den nya sista dagen måste ligga efter den nuvarande.",
        ),
    }
}

const fn held(error: HeldError) -> Refusal {
    match error {
        HeldError::Future => Refusal::Field("held_on", "IN_THE_FUTURE", "Dagen har inte varit än."),
        HeldError::BeforeBoard => Refusal::Field(
            "held_on",
            "BEFORE_BOARD",
            "Nämnden fanns inte än den dagen.",
        ),
        HeldError::AfterBoard => Refusal::Field(
            "held_on",
            "AFTER_BOARD",
            "Nämnden fanns inte längre den dagen.",
        ),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Some(refusal) = error.refusal() {
            return refused(&error, refusal).into();
        }
        let (reason, swedish) = match error {
            Error::Platform(failure) => return failure,
            Error::NotFound { kind, name } => return Fault::not_found(kind, name).into(),
            Error::FollowUpExists => (
                "FOLLOW_UP_EXISTS",
                "Överenskommelsen har redan en uppföljning för det året.",
            ),
            Error::DeliberationExists => ("DELIBERATION_EXISTS", "Diskussionen finns redan med."),
            error => return Fault::internal(error).into(),
        };
        Fault::new(ErrorCode::AlreadyExists, reason, error.to_string(), swedish).into()
    }
}

fn refused(error: &Error, refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Field(field, reason, swedish) => {
            let mut violations = Violations::new();
            violations.add(field, reason, error.to_string(), swedish);
            violations.into_fault()
        }
        Refusal::State(reason, swedish) => {
            let code = ErrorCode::FailedPrecondition;
            let fault = Fault::new(code, reason, error.to_string(), swedish);
            match error {
                Error::Plan(PlanError::NotBinding(id)) => {
                    fault.with_resource("commitment", id.to_string())
                }
                _ => fault,
            }
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => error.into(),
            error @ StoreError::Inconsistent { .. } => Self::Inconsistent(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Platform(error.into())
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Platform(fault.into())
    }
}

impl From<Box<Fault>> for Error {
    fn from(fault: Box<Fault>) -> Self {
        Self::Platform(fault.into())
    }
}
