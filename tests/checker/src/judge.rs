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
use crate::fold;
use crate::run::Run;
use crate::threads::join;

/// Judges a run.
///
/// # Errors
/// When a file of the run cannot be read.
pub(crate) fn all(run: &Run) -> Result<Findings> {
    let (folded, mut findings) = thread::scope(|scope| {
        // Folding the events takes about as long as everything that needs no fold.
        let folding = scope.spawn(|| {
            let mut findings = Findings::default();
            let folded = fold::all::all(&run.logs, &mut findings);
            Ok((folded, findings))
        });
        let mut findings = Findings::default();
        let witness = tap::judge(run, &mut findings)?;
        seals::judge(run, &witness, &mut findings);
        commands::judge(run, &mut findings);
        versions::judge(run, &mut findings);
        rest::judge(run, &mut findings);
        bounds::judge(run, &mut findings)?;
        clocks::judge(run, &mut findings);
        let (folded, more) = join(folding)?;
        findings.join(more);
        anyhow::Ok((folded, findings))
    })?;
    for more in read_models::judge(run, folded)? {
        findings.join(more);
    }
    Ok(findings)
}
