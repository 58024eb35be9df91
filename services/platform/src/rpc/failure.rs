//! How a handler ends without a new answer.

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
        if is_conflict(&error) {
            return Fault::new(
                ErrorCode::Aborted,
                "CONCURRENT_CHANGE",
                "somebody else changed the same record at the same time; try again",
                "Någon annan ändrade samma uppgift samtidigt. Försök igen.",
            )
            .with_source(error)
            .into();
        }
        if is_passing(&error) {
            return Fault::new(
                ErrorCode::Unavailable,
                "DATABASE_UNAVAILABLE",
                "the database does not answer; try again",
                "Databasen svarar inte just nu. Försök igen om en stund.",
            )
            .with_retry_after(std::time::Duration::from_secs(1))
            .with_source(error)
            .into();
        }
        Fault::internal(error).into()
    }
}

/// Deadlock and serialisation failure: the transaction was undone, and another attempt may succeed.
fn is_conflict(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40P01" | "40001"))
}

/// No connection, or one that broke, or a statement that took too long (57014, 55P03), or a server
/// that is going down (57P01 to 57P03), lacks room, memory or connections (53), or has become a replica
/// (25006).
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            code.starts_with("08")
                || code.starts_with("53")
                || matches!(
                    code.as_ref(),
                    "57014" | "55P03" | "57P01" | "57P02" | "57P03" | "25006" | "25P03"
                )
        }
        _ => false,
    }
}
