//! SQL, one file per table.
//!
//! # Design notes
//! Every query is static and checked against the schema at compile time. A row that the domain
//! would refuse is a defect and named by table, column and key.

pub mod action_plans;
pub mod actions;
pub mod agreements;
pub mod areas;
pub mod commitments;
pub mod deliberations;
pub mod district_boards;
pub mod follow_ups;
pub mod parties;

use std::fmt::Display;

use handslag_platform::etag::Version;
use handslag_platform::text::{Code, ShortText, parse_optional};
use sqlx::postgres::PgQueryResult;

use crate::domain::title::Title;

/// Why the database could not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// It holds what cannot be.
    #[error("{table}.{column} of {row} holds what cannot be")]
    Inconsistent {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
}

/// A function that names the row and the column of a value that the domain refuses.
fn inconsistent(table: &'static str, column: &'static str, row: impl Display) -> StoreError {
    StoreError::Inconsistent {
        table,
        column,
        row: row.to_string(),
    }
}

/// An UPDATE that must hit a row did.
fn expect_hit(
    done: &PgQueryResult,
    table: &'static str,
    row: impl Display,
) -> Result<(), StoreError> {
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(inconsistent(table, "version", row))
    }
}

/// A position in a list as it is stored.
fn position(index: usize) -> i32 {
    // Lists are bounded at the edge, far below 2^31.
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// `0, 1, 2 …` beside a list that is stored by `unnest`.
fn positions<T>(list: &[T]) -> Vec<i32> {
    (0..list.len()).map(position).collect()
}

fn codes<T>(stored: Vec<String>, make: impl Fn(Code) -> T) -> Option<Vec<T>> {
    stored
        .into_iter()
        .map(|code| Code::parse(&code).ok().map(&make))
        .collect()
}

fn title(sv: &str, en: Option<&str>) -> Option<Title> {
    let sv = ShortText::parse(sv).ok()?;
    Some(Title {
        sv,
        en: parse_optional(en.unwrap_or_default()).ok()?,
    })
}

/// The version that an UPDATE expects to find: the one before the new one.
const fn before(version: Version) -> i64 {
    version.0 - 1
}
