//! What the registry refuses, and how it says so.

use handslag_platform::{
    error::{ErrorCode, Fault},
    rpc::Failure,
};

use crate::{
    domain::{
        agreement::{AdoptError, NotInForce},
        district_board::SuccessionError,
        organisation::NumberChangeError,
        proceeding::AnswerError,
        proposal::AlreadyResolved,
        signatory::StepError,
    },
    store::StoreError,
};

/// Why a call of the registry fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The resource that the call is about does not exist.
    #[error("{kind} {name} does not exist")]
    NotFound {
        /// Type of the resource.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A code is another's.
    #[error("{name} exists already")]
    CodeTaken {
        /// Type of the resource.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// An organisation number is another's on the same day. The number is not repeated.
    #[error("another organisation has the number")]
    OrganisationNumberTaken,
    /// See [`NumberChangeError`].
    #[error(transparent)]
    NumberChange(#[from] NumberChangeError),
    /// See [`SuccessionError`].
    #[error(transparent)]
    Succession(#[from] SuccessionError),
    /// See [`AdoptError`].
    #[error(transparent)]
    Adopt(#[from] AdoptError),
    /// See [`NotInForce`].
    #[error(transparent)]
    NotInForce(#[from] NotInForce),
    /// See [`StepError`].
    #[error(transparent)]
    Step(#[from] StepError),
    /// See [`AnswerError`].
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// See [`AlreadyResolved`].
    #[error(transparent)]
    AlreadyResolved(#[from] AlreadyResolved),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the platform says.
    #[error(transparent)]
    Platform(#[from] Failure),
}

impl Error {
    /// The agreement does not exist.
    pub(crate) fn no_agreement(name: &str) -> Self {
        Self::NotFound {
            kind: "Agreement",
            name: name.to_owned(),
        }
    }

    /// The organisation does not exist.
    pub(crate) fn no_organisation(name: &str) -> Self {
        Self::NotFound {
            kind: "Organisation",
            name: name.to_owned(),
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Platform(fault.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Platform(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::NotFound { kind, name } => Fault::not_found(kind, name).into(),
            Error::CodeTaken { kind, name } => Fault::new(
                ErrorCode::AlreadyExists,
                "CODE_TAKEN",
                text,
                "Koden används redan.",
            )
            .with_resource(kind, name)
            .into(),
            Error::OrganisationNumberTaken => Fault::new(
                ErrorCode::AlreadyExists,
                "ORGANISATION_NUMBER_TAKEN",
                text,
                "En annan organisation har redan detta organisationsnummer.",
            )
            .into(),
            Error::NumberChange(error) => number_change(error, text).into(),
            Error::Succession(error) => succession(error, text).into(),
            Error::Adopt(error) => adopt(error, text).into(),
            Error::NotInForce(NotInForce) => refused(
                "AGREEMENT_NOT_IN_FORCE",
                text,
                "Överenskommelsen gäller inte den dagen.",
            )
            .into(),
            Error::Step(error) => step(error, text).into(),
            Error::Answer(error) => answer(error, text).into(),
            Error::AlreadyResolved(AlreadyResolved) => refused(
                "PROPOSAL_ALREADY_RESOLVED",
                text,
                "Förslaget är redan avgjort.",
            )
            .into(),
            Error::Store(StoreError::Sql(error)) => error.into(),
            Error::Store(StoreError::Inconsistent(error)) => Fault::internal(error).into(),
            Error::Platform(failure) => failure,
        }
    }
}

fn refused(reason: &'static str, text: String, swedish: &str) -> Fault {
    Fault::new(ErrorCode::FailedPrecondition, reason, text, swedish)
}

fn number_change(error: NumberChangeError, text: String) -> Fault {
    match error {
        NumberChangeError::Unchanged => refused(
            "ORGANISATION_NUMBER_UNCHANGED",
            text,
            "Organisationen har redan det numret.",
        ),
        NumberChangeError::BeforeTheLast => refused(
            "ORGANISATION_NUMBER_OUT_OF_ORDER",
            text,
            "Ändringen måste gälla från en dag efter den förra ändringen.",
        ),
    }
}

fn succession(error: SuccessionError, text: String) -> Fault {
    match error {
        SuccessionError::AlreadySucceeded => refused(
            "DISTRICT_BOARD_ALREADY_SUCCEEDED",
            text,
            "Stadsdelsnämnden har redan en efterträdare.",
        ),
        SuccessionError::NotBegun => refused(
            "DISTRICT_BOARD_NOT_BEGUN",
            text,
            "Stadsdelsnämnden finns inte före den dagen.",
        ),
        SuccessionError::SuccessorDoesNotExist => refused(
            "SUCCESSOR_DOES_NOT_EXIST",
            text,
            "Efterträdaren finns inte den dagen.",
        ),
    }
}

fn adopt(error: AdoptError, text: String) -> Fault {
    match error {
        AdoptError::BeforeTheLast => refused(
            "EDITION_OUT_OF_ORDER",
            text,
            "En lydelse kan inte beslutas före den som den ersätter.",
        ),
        AdoptError::TermOver => refused(
            "AGREEMENT_TERM_OVER",
            text,
            "Avtalsperioden är slut. Det behövs en ny överenskommelse.",
        ),
    }
}

fn step(error: StepError, text: String) -> Fault {
    match error {
        StepError::DoesNotFollow { from, .. } => refused(
            "SIGNATORY_STEP_REFUSED",
            text,
            "Steget kan inte följa på organisationens nuvarande läge.",
        )
        .with_metadata("state", from),
        StepError::NotDecided { from } => refused(
            "SIGNATORY_NOT_DECIDED",
            text,
            "Organisationen skriver under först när den själv har beslutat att ansluta sig.",
        )
        .with_metadata("state", from),
        StepError::BeforeTheLast => refused(
            "SIGNATORY_STEP_OUT_OF_ORDER",
            text,
            "Steget kan inte ligga före det föregående.",
        ),
    }
}

fn answer(error: AnswerError, text: String) -> Fault {
    match error {
        AnswerError::NotAStatement => refused("NOT_A_STATEMENT", text, "Det är inget yttrande."),
        AnswerError::AlreadyAnswered => refused(
            "STATEMENT_ALREADY_ANSWERED",
            text,
            "Yttrandet är redan besvarat.",
        ),
    }
}
