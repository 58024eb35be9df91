//! The judge of a fault run: given what a run has recorded, it says which promises of the platform
//! were kept and which were not, and where.
//!
//! A run is a directory of [`record`]s: what the clients asked for and were told, a dump of every
//! database, everything that a queue bound to all events got, what the subscribers saw, and what
//! was done to the system meanwhile. [`judge()`] reads it and answers a [`Verdict`]: for each
//! breach the [`Invariant`], the aggregate, the event and a sentence. What exactly each invariant
//! asks for stands at the head of the file that judges it, under `judge`.
//!
//! # Design notes
//! The judge knows the contracts and nothing else of what it judges: it decodes the events itself,
//! folds them itself and computes sums, seals and names itself, so that no mistake of the platform
//! is a mistake of the judge as well. It is itself put to the test: [`generate`] writes histories
//! in which everything is right, and mutations of these must all be found.

mod calendar;
mod chain;
mod clients;
mod contract;
mod findings;
mod fold;
pub mod generate;
mod ids;
mod judge;
mod lines;
mod log;
pub mod record;
pub mod report;
mod run;
mod state;
mod threads;
mod told;
mod verdict;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

pub use verdict::{Aggregate, Breach, EventName, Invariant, Verdict};

/// Judges the run whose records lie in a directory.
///
/// # Errors
/// When a record is missing, cut off or unreadable: such a run cannot be judged at all.
pub fn judge(dir: &Path) -> Result<Verdict> {
    let began = Instant::now();
    let run = run::Run::read(dir)?;
    let events = run.logs.count();
    let (counts, breaches) = judge::all(&run)?.settle();
    Ok(Verdict {
        events,
        breaches,
        counts,
        took: began.elapsed(),
    })
}
