//! The tables, each with its static SQL.
//!
//! # Design notes
//! What does not parse although it was written by this program is a defect and not a caller's
//! fault: it travels as `sqlx::Error::Decode` of [`Inconsistent`], so that every function here has
//! one kind of error.

pub mod district_boards;
pub mod events;
pub mod inbox_restored;
pub mod notifications;
pub mod subscribers;
pub mod subscriptions;

use handslag_platform::text::Code;
use uuid::Uuid;

/// A stored value that no code of ours writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("inconsistent data in {table}.{column}, row {row}")]
pub struct Inconsistent {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// Key of the row.
    pub row: Uuid,
}

fn inconsistent(table: &'static str, column: &'static str, row: Uuid) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(Inconsistent { table, column, row }))
}

fn stored_code(
    text: &str,
    table: &'static str,
    column: &'static str,
    row: Uuid,
) -> Result<Code, sqlx::Error> {
    Code::parse(text).map_err(|_| inconsistent(table, column, row))
}
