//! What the runs showed, as a table.

use handslag_checker::{Breach, Invariant};

use crate::run::Outcome;

/// Breaches that are shown of a run; all are in the judge's own output.
const SHOWN_MOST: usize = 6;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// No invariant was breached.
    Held,
    /// What had to be found was found.
    Caught,
    /// An invariant was breached, or what had to be found was not.
    Failed,
}

/// Whether a run showed what it had to: that nothing broke, or that one of `breaks` did.
pub(crate) fn judge(outcome: &Outcome, breaks: &[Invariant]) -> Ended {
    let found = breaks
        .iter()
        .any(|invariant| outcome.verdict.count(*invariant) > 0);
    match (breaks.is_empty(), outcome.struck) {
        // The baseline is no fault.
        (true, 0) if outcome.fault != "nothing" => Ended::Failed,
        (true, _) if outcome.verdict.holds() => Ended::Held,
        (false, _) if found => Ended::Caught,
        _ => Ended::Failed,
    }
}

/// The head of the table.
pub(crate) fn head() -> String {
    format!(
        "{:<22} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6}  {}",
        "fault",
        "seed",
        "struck",
        "ok",
        "refused",
        "unknown",
        "events",
        "quiet s",
        "took s",
        "verdict"
    )
}

/// A run's row, with what a reader should know below it.
pub(crate) fn row(outcome: &Outcome, ended: Ended) -> String {
    let quiet = outcome
        .quiet_seconds
        .map_or_else(|| "never".to_owned(), |seconds| format!("{seconds:.1}"));
    let mut text = format!(
        "{:<22} {:>6} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>6.0}  {}",
        outcome.fault,
        outcome.seed,
        outcome.struck,
        outcome.answered,
        outcome.refused,
        outcome.unknown,
        outcome.verdict.events,
        quiet,
        outcome.took.as_secs_f64(),
        word(outcome, ended),
    );
    if !outcome.remark.is_empty() {
        text.push_str(&format!("\n    {}", outcome.remark));
    }
    if ended == Ended::Failed {
        for left in outcome.left.iter().take(SHOWN_MOST) {
            text.push_str(&format!("\n    left: {left}"));
        }
        if outcome.struck == 0 && outcome.fault != "nothing" {
            text.push_str("\n    the fault never struck, so it has shown nothing");
        }
    }
    if ended != Ended::Held {
        for breach in outcome.verdict.breaches.iter().take(SHOWN_MOST) {
            text.push_str(&format!("\n    {}", sentence(breach)));
        }
        text.push_str(&format!("\n    records: {}", outcome.folder.display()));
    }
    text
}

fn word(outcome: &Outcome, ended: Ended) -> String {
    let breached: Vec<String> = Invariant::ALL
        .into_iter()
        .filter(|invariant| outcome.verdict.count(*invariant) > 0)
        .map(|invariant| format!("{invariant:?}×{}", outcome.verdict.count(invariant)))
        .collect();
    match ended {
        Ended::Held => "held".to_owned(),
        Ended::Caught => format!("caught: {}", breached.join(" ")),
        Ended::Failed if breached.is_empty() => "FAILED".to_owned(),
        Ended::Failed => format!("BREACHED: {}", breached.join(" ")),
    }
}

fn sentence(breach: &Breach) -> String {
    breach.to_string()
}
