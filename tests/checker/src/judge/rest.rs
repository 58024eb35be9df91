//! I10: after the last fault, everything comes to rest in time.
//!
//! **I10** The quiet came within the time that the run allows. Then, of every service: the relay's
//! mark lies at the end of its log or beyond, with the count and the sum of the events below it;
//! each consumer agrees with its producer up to the end of the producer's log, has nothing parked
//! and wants no replay. There are no dead letters but those that the run's own messages made, and
//! every queue is empty, that of the unrouted too. When no fault took messages from the broker,
//! nobody needed a replay.

use crate::contract::{HEARS, event_hash};
use crate::findings::{Concerns, Findings};
use crate::ids::hex;
use crate::log::Log;
use crate::run::Run;
use crate::state::{Account, DeadLetter, Heard, Parked, State};
use crate::verdict::{Aggregate, EventName, Invariant};

/// Judges I10.
pub(crate) fn judge(run: &Run, findings: &mut Findings) {
    quiet(run, findings);
    for (log, state) in run.services() {
        relay(log, state, findings);
        inbox(run, log, state, findings);
        for letter in &state.dead {
            dead(run, log, letter, findings);
        }
    }
    for queue in &run.broker.queues {
        if queue.ready + queue.unacknowledged > 0 {
            plain(findings, || {
                format!(
                    "the queue {} still holds {} messages, {} of them unacknowledged",
                    queue.name,
                    queue.ready + queue.unacknowledged,
                    queue.unacknowledged
                )
            });
        }
    }
    if !run.manifest.broker_lost_messages {
        for (service, counters) in &run.manifest.counters {
            if let Some(replayed @ 1..) = counters.replayed {
                plain(findings, || {
                    format!("{service} replayed {replayed} events though no fault took any away")
                });
            }
        }
    }
}

fn plain(findings: &mut Findings, text: impl FnOnce() -> String) {
    findings.plain(Invariant::I10, text);
}

fn quiet(run: &Run, findings: &mut Findings) {
    let allowed = run.manifest.recovered_within_seconds;
    match run.manifest.quiet_seconds {
        None => plain(findings, || {
            format!(
                "the quiet never came; {allowed} s were allowed, and what else is found may lag"
            )
        }),
        Some(took) if took > allowed => {
            plain(findings, || {
                format!("the quiet came after {took} s, {allowed} s were allowed")
            });
        }
        Some(_) => {}
    }
}

/// Count and sum of the events up to a number of the log.
fn sums(log: &Log, seq: i64) -> (i64, i64) {
    let below = log.events.iter().take_while(|event| event.seq <= seq);
    below.fold((0, 0_i64), |(count, sum), event| {
        (count + 1, sum.wrapping_add(event_hash(event.seq, event.id)))
    })
}

fn relay(log: &Log, state: &State, findings: &mut Findings) {
    let service = &log.service;
    let Some(mark) = state.relay else {
        plain(findings, || format!("{service} has no relay mark"));
        return;
    };
    if mark.low_water < log.newest() {
        plain(findings, || {
            let newest = log.newest();
            format!(
                "the relay of {service} stands at {}, its log at {newest}",
                mark.low_water
            )
        });
    }
    let right = sums(log, mark.low_water);
    if (mark.count, mark.hash) != right {
        plain(findings, || {
            format!(
                "the relay of {service} counts {} events with the sum {} up to {}, and there are \
                 {} with the sum {}",
                mark.count, mark.hash, mark.low_water, right.0, right.1
            )
        });
    }
}

fn inbox(run: &Run, log: &Log, state: &State, findings: &mut Findings) {
    let consumer = &log.service;
    for (_, producer) in HEARS.into_iter().filter(|(hears, _)| hears == consumer) {
        let Some(said) = run.logs.of(producer) else {
            continue;
        };
        match state
            .accounts
            .iter()
            .find(|account| account.producer == producer)
        {
            Some(account) => agreement(consumer, account, said, findings),
            None if said.events.is_empty() => {}
            None => plain(findings, || {
                format!("{consumer} has never agreed with {producer} on what it heard")
            }),
        }
        let later = state.seen.iter().filter(|heard| heard.producer == producer);
        let later = later.filter(|heard| !is_settled(run, state, heard)).count();
        if later > 0 {
            plain(findings, || {
                format!("{consumer} has heard {later} events of {producer} that are not agreed on")
            });
        }
    }
    for parked in state.parked.iter().filter(|parked| !is_forged(run, parked)) {
        findings.add(Invariant::I10, || {
            let concerns = Concerns {
                aggregate: Some(Aggregate {
                    service: parked.producer.clone(),
                    r#type: parked.aggregate.clone(),
                    id: parked.aggregate_id.clone(),
                }),
                event: Some(EventName {
                    id: parked.event_id(),
                    version: Some(parked.version),
                }),
            };
            (concerns, format!("it is still parked at {consumer}"))
        });
    }
}

/// Whether the account covers what was heard, or the run has forged it: the hash of an event holds
/// its id.
fn is_settled(run: &Run, state: &State, heard: &Heard) -> bool {
    let mut accounts = state.accounts.iter();
    let mut forged = run.manifest.injected.event_ids.iter();
    accounts.any(|account| account.producer == heard.producer && heard.seq <= account.seq)
        || forged.any(|id| event_hash(heard.seq, *id) == heard.hash)
}

fn is_forged(run: &Run, parked: &Parked) -> bool {
    parked.event_id().is_some_and(|id| run.is_injected(id))
}

fn agreement(consumer: &str, account: &Account, said: &Log, findings: &mut Findings) {
    let producer = &said.service;
    if account.seq < said.newest() {
        plain(findings, || {
            let newest = said.newest();
            format!(
                "{consumer} agrees with {producer} up to {}, and its log goes to {newest}",
                account.seq
            )
        });
    }
    let right = sums(said, account.seq);
    if (account.count, account.hash) != right {
        plain(findings, || {
            format!(
                "{consumer} has heard {} events of {producer} with the sum {} up to {}, and there \
                 are {} with the sum {}",
                account.count, account.hash, account.seq, right.0, right.1
            )
        });
    }
    if account.replay_wanted {
        plain(findings, || {
            format!("{consumer} still wants a replay of {producer}")
        });
    }
}

fn dead(run: &Run, log: &Log, letter: &DeadLetter, findings: &mut Findings) {
    let injected = &run.manifest.injected;
    let hash = hex(&letter.payload_hash);
    let expected = injected.fingerprints.contains(&letter.fingerprint)
        || injected.payload_hashes.contains(&hash)
        || letter.event_id.is_some_and(|id| run.is_injected(id));
    if expected {
        return;
    }
    findings.add(Invariant::I10, || {
        let aggregate = letter.aggregate.clone().zip(letter.aggregate_id.clone());
        let aggregate = aggregate.map(|(r#type, id)| Aggregate {
            service: letter.producer.clone(),
            r#type,
            id,
        });
        let event = letter.event_id.map(|id| EventName {
            id: Some(id),
            version: letter.version,
        });
        let text = format!(
            "it is a dead letter at {} ({}: {})",
            log.service, letter.reason, letter.error
        );
        (Concerns { aggregate, event }, text)
    });
}
