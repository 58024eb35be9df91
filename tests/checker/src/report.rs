//! The verdict in words.

use std::fmt::Write as _;

use serde::Serialize;

use crate::verdict::{Breach, Invariant, Verdict};

/// Breaches of one invariant that are spelled out for people.
const SPELLED_OUT: usize = 5;

/// The verdict as JSON, for programs.
#[derive(Debug, Serialize)]
struct Report<'a> {
    held: bool,
    events: u64,
    seconds: f64,
    counts: &'a [(Invariant, u64)],
    breaches: &'a [Breach],
}

/// A table of the invariants, then the first breaches of each.
#[must_use]
pub fn text(verdict: &Verdict) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = write(verdict, &mut text);
    text
}

fn write(verdict: &Verdict, text: &mut String) -> std::fmt::Result {
    for invariant in Invariant::ALL {
        let outcome = match verdict.count(invariant) {
            0 => "held".to_owned(),
            1 => "BREACHED once".to_owned(),
            count => format!("BREACHED {count} times"),
        };
        let name = invariant.to_string();
        writeln!(text, "{name:<4} {:<50} {outcome}", invariant.promise())?;
    }
    for invariant in Invariant::ALL {
        let of = verdict
            .breaches
            .iter()
            .filter(|breach| breach.invariant == invariant);
        for breach in of.take(SPELLED_OUT) {
            writeln!(text, "{breach}")?;
        }
        let more = verdict.count(invariant).saturating_sub(SPELLED_OUT as u64);
        if more > 0 {
            writeln!(text, "{invariant} … and {more} more")?;
        }
    }
    let seconds = verdict.took.as_secs_f64();
    let rate = verdict.events_per_second();
    writeln!(
        text,
        "{} events judged in {seconds:.1} s ({rate:.0} events/s)",
        verdict.events
    )
}

/// The verdict as one JSON value.
///
/// # Errors
/// When it cannot be encoded, which no verdict is known to cause.
pub fn json(verdict: &Verdict) -> serde_json::Result<String> {
    serde_json::to_string_pretty(&Report {
        held: verdict.holds(),
        events: verdict.events,
        seconds: verdict.took.as_secs_f64(),
        counts: &verdict.counts,
        breaches: &verdict.breaches,
    })
}
