//! What the tables must hold: the fold of the events, table by table.
//!
//! # Design notes
//! The folds are written anew from what the contracts and the migrations say, without a look into
//! the consumers' code paths: sharing a function with the accused would share its mistakes. A row
//! is a struct with the columns that are judged; it is what the fold makes and what the dump's line
//! is read as, so that comparing is one `==` and only a difference is spelled out.

pub(crate) mod all;
pub(crate) mod commitments;
pub(crate) mod fields;
pub(crate) mod notifications;
pub(crate) mod own;
pub(crate) mod reporting;
pub(crate) mod rows;

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash};

use anyhow::Result;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::findings::{Concerns, Findings};
use crate::ids::QuickHasher;
use crate::lines;
use crate::log::{EventRef, Logs};
use crate::verdict::Invariant;

/// A row of a table, with the columns that are judged.
pub(crate) trait Row: Serialize + DeserializeOwned + PartialEq + Send + 'static {
    /// The table.
    const TABLE: &'static str;
    /// The columns that are judged, in order.
    #[cfg(test)]
    const COLUMNS: &'static [&'static str];
    /// Its primary key.
    type Key: Eq + Hash + Debug + Send;
    /// Its primary key.
    fn key(&self) -> Self::Key;
}

/// The rows that a table must hold, each with the last event that shaped it.
#[derive(Debug)]
pub(crate) struct Expected<R: Row> {
    rows: HashMap<R::Key, (R, EventRef), BuildHasherDefault<QuickHasher>>,
}

impl<R: Row> Default for Expected<R> {
    fn default() -> Self {
        Self {
            rows: HashMap::default(),
        }
    }
}

impl<R: Row> Expected<R> {
    /// The row is there from this event on, whatever stood in its place.
    pub(crate) fn put(&mut self, row: R, at: EventRef) {
        self.rows.insert(row.key(), (row, at));
    }

    /// The row is there from this event on, unless there was one before.
    pub(crate) fn put_first(&mut self, row: R, at: EventRef) {
        self.rows.entry(row.key()).or_insert((row, at));
    }

    /// The event changes a row.
    ///
    /// # Errors
    /// When there is no such row.
    pub(crate) fn change(
        &mut self,
        key: &R::Key,
        at: EventRef,
        change: impl FnOnce(&mut R),
    ) -> Result<(), Unreadable> {
        let (row, last) = self.rows.get_mut(key).ok_or(Unreadable("predecessor"))?;
        change(row);
        *last = at;
        Ok(())
    }
}

/// What of an event cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable(pub(crate) &'static str);

/// A table that the dump is compared with.
pub(crate) trait Table: Send {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Compares a row of the dump with what the table must hold.
    ///
    /// # Errors
    /// When it has not the form of the table.
    fn check(&mut self, row: &str, of: &Judged<'_>, findings: &mut Findings) -> Result<()>;

    /// Says which rows never came.
    fn missing(&mut self, of: &Judged<'_>, findings: &mut Findings);
}

/// The tables of a service.
pub(crate) type Tables = Vec<Box<dyn Table>>;

/// Whose table is judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged<'a> {
    pub(crate) service: &'a str,
    pub(crate) logs: &'a Logs,
}

impl<R: Row> Table for Expected<R> {
    fn name(&self) -> &'static str {
        R::TABLE
    }

    fn check(&mut self, row: &str, of: &Judged<'_>, findings: &mut Findings) -> Result<()> {
        let found: R = lines::row(R::TABLE, row)?;
        // What is compared is taken out: what is left at the end is missing, and a row that comes
        // again is one too many.
        match self.rows.remove(&found.key()) {
            None => findings.add(Invariant::I8, || {
                let (service, key) = (of.service, found.key());
                let text = format!(
                    "{service}.{} has a row {key:?} that no event makes",
                    R::TABLE
                );
                (Concerns::default(), text)
            }),
            Some((expected, at)) if expected != found => findings.add(Invariant::I8, || {
                let (service, key) = (of.service, found.key());
                let difference = difference(&found, &expected);
                let text = format!("{service}.{} has in its row {key:?} {difference}", R::TABLE);
                (of.logs.concerns(at), text)
            }),
            Some(_) => {}
        }
        Ok(())
    }

    fn missing(&mut self, of: &Judged<'_>, findings: &mut Findings) {
        // In the order of the logs: the first that is missing says most.
        let mut missing: Vec<_> = self.rows.drain().map(|(key, (_, at))| (at, key)).collect();
        missing.sort_by_key(|(at, _)| *at);
        for (at, key) in missing {
            findings.add(Invariant::I8, || {
                let text = format!("{}.{} lacks the row {key:?}", of.service, R::TABLE);
                (of.logs.concerns(at), text)
            });
        }
    }
}

/// The columns in which two rows differ, and how.
fn difference(found: &impl Serialize, expected: &impl Serialize) -> String {
    let value = |row: serde_json::Result<serde_json::Value>| row.unwrap_or_default();
    let (found, expected) = (serde_json::to_value(found), serde_json::to_value(expected));
    let (found, expected) = (value(found), value(expected));
    let columns = found.as_object().into_iter().flatten();
    let differing = columns.filter(|(column, value)| expected.get(column) != Some(value));
    let words = differing.map(|(column, value)| {
        let right = expected.get(column).unwrap_or_default();
        format!("the column {column} as {value} where its events make {right}")
    });
    words.collect::<Vec<_>>().join(", ")
}
