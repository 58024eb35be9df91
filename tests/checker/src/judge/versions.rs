//! I3: the versions of an aggregate.
//!
//! **I3** In the order of the log, an aggregate's events carry the versions 1, 2, 3 …; no event id
//! and no number of the log stands twice; and the last version is the one in the aggregate's own
//! row (that part is judged with the tables, in [`super::read_models`]). It rests on logs of which
//! nothing was dropped: a run keeps everything.

use crate::findings::Findings;
use crate::log::Log;
use crate::run::Run;
use crate::verdict::Invariant;

/// Judges I3.
pub(crate) fn judge(run: &Run, findings: &mut Findings) {
    for log in &run.logs.logs {
        of_log(log, findings);
    }
    for second in &run.logs.twice_id {
        findings.add(Invariant::I3, || {
            (
                run.logs.concerns(*second),
                "its id stands in the logs more than once".to_owned(),
            )
        });
    }
}

fn of_log(log: &Log, findings: &mut Findings) {
    let mut versions = vec![0; log.aggregates.len()];
    let mut before = None;
    for event in &log.events {
        if before.replace(event.seq) == Some(event.seq) {
            findings.add(Invariant::I3, || {
                (
                    log.concerns(event),
                    format!("the number {} stands in the log twice", event.seq),
                )
            });
        }
        let version = &mut versions[event.aggregate as usize];
        if event.version != *version + 1 {
            findings.add(Invariant::I3, || {
                let text = format!(
                    "at {} of the log it follows version {version} of its aggregate",
                    event.seq
                );
                (log.concerns(event), text)
            });
        }
        // Whatever came is the one to be followed, so that one hole is one breach.
        *version = event.version;
    }
}

/// The highest version of each aggregate of a log.
pub(crate) fn highest(log: &Log) -> Vec<i64> {
    let mut versions = vec![0; log.aggregates.len()];
    for event in &log.events {
        let version: &mut i64 = &mut versions[event.aggregate as usize];
        *version = event.version.max(*version);
    }
    versions
}
