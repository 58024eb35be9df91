//! The judges, each a file with the wording of what it judges.

pub(crate) mod bounds;
pub(crate) mod clocks;
pub(crate) mod commands;
pub(crate) mod read_models;
pub(crate) mod rest;
pub(crate) mod seals;
pub(crate) mod subscribers;
pub(crate) mod tap;
pub(crate) mod versions;

use std::thread;

use anyhow::Result;

use crate::findings::Findings;
use crate::run::{Run, join};

/// Judges a run.
///
/// # Errors
/// When a file of the run cannot be read.
pub(crate) fn all(run: &Run) -> Result<Findings> {
    thread::scope(|scope| {
        // The read models and the tap are the two long tasks; the rest goes with the shorter one.
        let tables = scope.spawn(|| {
            let mut findings = Findings::default();
            let mut inboxes = read_models::judge(run, &mut findings)?;
            subscribers::judge(run, &mut inboxes, &mut findings)?;
            Ok(findings)
        });
        let mut findings = Findings::default();
        let witness = tap::judge(run, &mut findings)?;
        seals::judge(run, &witness, &mut findings);
        commands::judge(run, &mut findings);
        versions::judge(run, &mut findings);
        rest::judge(run, &mut findings);
        bounds::judge(run, &mut findings)?;
        clocks::judge(run, &mut findings);
        findings.join(join(tables)?);
        Ok(findings)
    })
}
