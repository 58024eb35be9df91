//! I12: memory, sockets and lag are bounded, and no connection stays in a transaction.
//!
//! **I12** At every sample of every process, resident memory, open sockets and the age of the
//! oldest unpublished event are within the bounds that the run sets, where it sets them; no pooled
//! connection stood idle in a transaction for longer than a command takes, and none does at the
//! end.

use anyhow::{Context as _, Result};

use crate::findings::Findings;
use crate::lines::Lines;
use crate::record::{Manifest, SAMPLES, Sample};
use crate::run::Run;
use crate::verdict::Invariant;

/// Judges I12.
///
/// # Errors
/// When the samples cannot be read.
pub(crate) fn judge(run: &Run, findings: &mut Findings) -> Result<()> {
    for (log, state) in run.services() {
        if state.in_transaction > 0 {
            findings.plain(Invariant::I12, || {
                format!(
                    "{} left {} connections in a transaction",
                    log.service, state.in_transaction
                )
            });
        }
    }
    let path = run.dir.join(SAMPLES);
    if !path.exists() {
        return Ok(());
    }
    Lines::open(&path)?.each(|line| {
        let sample: Sample<'_> = serde_json::from_slice(line).context("no sample")?;
        look(&run.manifest, &sample, findings);
        Ok(())
    })
}

fn look(manifest: &Manifest, sample: &Sample<'_>, findings: &mut Findings) {
    let Sample { at_ms, service, .. } = sample;
    let measured = [
        (
            "bytes of memory",
            Some(sample.resident_bytes),
            manifest.memory_bytes_most,
        ),
        ("sockets", Some(sample.sockets), manifest.sockets_most),
        (
            "ms of unpublished events",
            sample.outbox_age_ms,
            manifest.outbox_age_ms_most,
        ),
        (
            "connections left in a transaction",
            Some(sample.in_transaction),
            Some(0),
        ),
    ];
    for (what, found, most) in measured {
        let (Some(found), Some(most)) = (found, most) else {
            continue;
        };
        if found > most {
            findings.plain(Invariant::I12, || {
                format!("{service} had {found} {what} after {at_ms} ms, {most} are allowed")
            });
        }
    }
}
