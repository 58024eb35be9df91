//! What can go wrong, as far as a caller would act differently.

use std::time::Duration;

use handslag_platform::error::{ErrorCode, Fault};
use handslag_platform::rpc::{Closed, Failure};

use crate::store::StoreError;

/// When to order again: a full queue is worked off in about that time.
const BUSY_FOR: Duration = Duration::from_secs(10);

/// Why a call is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such report.
    #[error("there is no report {0}")]
    NotFound(String),
    /// The report cannot be downloaded (yet).
    #[error("the report {0} cannot be downloaded: it is not ready")]
    NotReady(String),
    /// Too many reports wait.
    #[error("too many reports are being made; order again later")]
    Busy,
    /// A defect of ours.
    #[error("the record is inconsistent")]
    Inconsistent(#[source] StoreError),
    /// What all services answer alike.
    #[error(transparent)]
    Platform(#[from] Failure),
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

impl From<Closed> for Error {
    fn from(closed: Closed) -> Self {
        Self::Platform(closed.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => Self::from(error),
            StoreError::Inconsistent { .. } => Self::Inconsistent(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotFound(name) => Fault::not_found("report", name).into(),
            Error::NotReady(name) => Fault::new(
                ErrorCode::FailedPrecondition,
                "REPORT_NOT_READY",
                message,
                "Rapporten är inte klar att hämta.",
            )
            .with_resource("report", name)
            .into(),
            Error::Busy => Fault::new(
                ErrorCode::ResourceExhausted,
                "REPORTS_BUSY",
                message,
                "Många rapporter tas fram just nu. Beställ igen om en stund.",
            )
            .with_retry_after(BUSY_FOR)
            .into(),
            Error::Inconsistent(source) => Fault::internal(source).into(),
            Error::Platform(failure) => failure,
        }
    }
}
