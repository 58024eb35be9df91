//! I14: no decision rests on two nodes' clocks.
//!
//! **I14** What is due at a time, and what has an age, was written by the database's own clock: at
//! the instant of the dump, nothing that was written lies in the future, and nothing is due later
//! than its longest wait from then, however wrong the clocks of the services are. A command's row
//! in the request log and its event were written in one transaction, so by one clock they have the
//! same time; by a service's clock that is behind they would not.
//!
//! When an event was *decided* is said by the service's clock and is what it is: nothing is due by
//! it.

use crate::calendar::Moment;
use crate::findings::{Concerns, Findings};
use crate::log::Log;
use crate::run::Run;
use crate::state::State;
use crate::verdict::Invariant;

const SECOND: i64 = 1_000_000;

/// Longest wait before a producer is asked again for a gap.
const ASK_AGAIN: i64 = 5 * SECOND;
/// Longest wait before a parked event's effect is tried again.
const TRY_AGAIN: i64 = 5 * SECOND;
/// How much later than the dump's own time a row of it may have been written: its transaction may
/// have begun between the look at the clock and the snapshot.
const SLACK: i64 = SECOND;

/// Judges I14.
pub(crate) fn judge(run: &Run, findings: &mut Findings) {
    for (log, state) in run.services() {
        match state.now {
            Some(now) => of_service(run, log, state, now, findings),
            None => findings.plain(Invariant::I14, || {
                format!(
                    "the dump of {} does not say by which time it was made",
                    log.service
                )
            }),
        }
    }
}

fn of_service(run: &Run, log: &Log, state: &State, now: Moment, findings: &mut Findings) {
    let ahead = run
        .manifest
        .clock_skew_seconds
        .get(&log.service)
        .copied()
        .unwrap_or_default();
    let mut check = |at: Moment, wait: i64, what: &str| {
        // `infinity` is no clock's time, and nothing of ours waits for ever.
        if at > now.plus(wait + SLACK) {
            findings.plain(Invariant::I14, || {
                format!(
                    "{what} of {} is {at}, though it was {now} there (the service's own clock was \
                     {ahead} s ahead)",
                    log.service
                )
            });
        }
    };
    if let Some(relay) = state.relay {
        check(relay.written_at, 0, "relay_mark.written_at");
    }
    for account in &state.accounts {
        if let Some(agreed_at) = account.agreed_at {
            check(agreed_at, 0, "inbox_account.agreed_at");
        }
    }
    for parked in &state.parked {
        check(parked.parked_at, 0, "inbox_parked.parked_at");
        check(parked.ask_after, ASK_AGAIN, "inbox_parked.ask_after");
        check(parked.try_after, TRY_AGAIN, "inbox_parked.try_after");
    }
    for letter in &state.dead {
        check(letter.recorded_at, 0, "dead_letter.recorded_at");
        check(letter.last_at, 0, "dead_letter.last_at");
    }
    for seal in &state.seals {
        check(seal.sealed_at, 0, "audit_seal.sealed_at");
    }
    for request in state.requests.values() {
        check(request.created_at, 0, "request_log.created_at");
    }
    written_at(log, state, now, findings);
}

/// Of the events: not in the future, and with their command.
fn written_at(log: &Log, state: &State, now: Moment, findings: &mut Findings) {
    for event in &log.events {
        let written = event.written_at;
        let request = event.request_id.and_then(|id| state.requests.get(&id));
        let created = request.map_or(written, |request| request.created_at);
        let text = if written > now.plus(SLACK) {
            format!("outbox.written_at is {written}, though it was {now} there")
        } else if created != written {
            format!("it was written at {written} and its command at {created}, in one transaction")
        } else {
            continue;
        };
        findings.add(Invariant::I14, || {
            let concerns: Concerns = log.concerns(event);
            (concerns, text)
        });
    }
}
