//! How a handler ends without a new answer.

use crate::database::Cause;
use crate::error::{ErrorCode, Fault};
use crate::rpc::stream::Closed;

/// A handler's end without a new answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The request was answered before; the encoded answer.
    #[error("the request was answered before")]
    Answered(Vec<u8>),
    /// The client is told what is wrong.
    #[error(transparent)]
    Fault(Box<Fault>),
    /// The client went away from a stream; nobody is told anything.
    #[error("the client went away")]
    Closed,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl From<Box<Fault>> for Failure {
    fn from(fault: Box<Fault>) -> Self {
        Self::Fault(fault)
    }
}

impl From<Closed> for Failure {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<sqlx::Error> for Failure {
    /// What passes by itself is said to; the rest is a defect.
    fn from(error: sqlx::Error) -> Self {
        match Cause::of(&error) {
            Cause::Conflict => Fault::new(
                ErrorCode::Aborted,
                "CONCURRENT_CHANGE",
                "somebody else changed the same record at the same time; try again",
                "Någon annan ändrade samma uppgift samtidigt. Försök igen.",
            )
            .with_source(error)
            .into(),
            Cause::Outage | Cause::TooLong => Fault::new(
                ErrorCode::Unavailable,
                "DATABASE_UNAVAILABLE",
                "the database does not answer; try again",
                "Databasen svarar inte just nu. Försök igen om en stund.",
            )
            .with_retry_after(std::time::Duration::from_secs(1))
            .with_source(error)
            .into(),
            Cause::Statement => Fault::internal(error).into(),
        }
    }
}
