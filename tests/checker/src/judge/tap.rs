//! I4, I5, I7 and I11 by what the tap saw.
//!
//! **I4** Every message that the tap got is an event of a log, equal in all that it carries: body,
//! type, producer, aggregate, version, number, subject, actor, time and routing key. What the run
//! itself forged is left out. When the databases were restored, what lies behind the restored end of
//! its log and was seen before the services came back is unknown, as it should be.
//!
//! **I5** Every event of the logs was seen. Not judged when the tap's own queue lost messages.
//!
//! **I7** Of each aggregate, the versions rise from one first sighting to the next. Not judged when
//! the tap's own queue lost messages: what is published again fills the hole late.
//!
//! **I11** No event was seen more often than the bound allows, and all repetitions together are no
//! more than the leaderships of the relays explain. What the broker marks as redelivered is its own
//! doing, and what the run repeated on purpose the run's: neither counts.

use std::collections::HashSet;

use anyhow::{Context as _, Result};
use uuid::Uuid;

use crate::calendar::Moment;
use crate::findings::{Concerns, Findings};
use crate::ids::{IdMap, read_hash};
use crate::lines::Lines;
use crate::log::{EventRef, Logs};
use crate::record::{Manifest, Restored, TAP, TAP_GARBAGE, TapEvent, TapGarbage};
use crate::run::Run;
use crate::verdict::{Aggregate, EventName, Invariant};

/// What the tap knows of the logs beyond what it was judged for, to locate what was changed.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// By log: which events were seen.
    pub(crate) seen: Vec<Vec<bool>>,
    /// Events that were seen as something else, and what differs.
    pub(crate) changed: Vec<(EventRef, String)>,
    /// Events that were seen and are in no log.
    pub(crate) unknown: Vec<Unknown>,
}

/// An event that was seen and is in no log.
#[derive(Debug)]
pub(crate) struct Unknown {
    pub(crate) aggregate: Aggregate,
    pub(crate) event: EventName,
    pub(crate) seq: i64,
}

/// Judges the tap's log.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn judge(run: &Run, findings: &mut Findings) -> Result<Witness> {
    let mut tap = Tap::new(run);
    Lines::open(&run.dir.join(TAP))?.each(|line| {
        let event: TapEvent<'_> = serde_json::from_slice(line).context("no sighting")?;
        tap.see(&event, findings);
        Ok(())
    })?;
    garbage(run, findings)?;
    tap.unseen(findings);
    tap.repetitions(findings);
    Ok(tap.witness)
}

struct Tap<'a> {
    logs: &'a Logs,
    manifest: &'a Manifest,
    forged: HashSet<Uuid>,
    repeated: HashSet<Uuid>,
    witness: Witness,
    /// By log and aggregate: the highest version seen.
    versions: Vec<Vec<i64>>,
    /// How often events were seen again by the producer's doing.
    again: IdMap<u64>,
}

impl<'a> Tap<'a> {
    fn new(run: &'a Run) -> Self {
        let (logs, manifest) = (&run.logs, &run.manifest);
        let seen = logs
            .logs
            .iter()
            .map(|log| vec![false; log.events.len()])
            .collect();
        let versions = logs
            .logs
            .iter()
            .map(|log| vec![0; log.aggregates.len()])
            .collect();
        Self {
            logs,
            manifest,
            forged: manifest.injected.event_ids.iter().copied().collect(),
            repeated: manifest
                .injected
                .repeated_event_ids
                .iter()
                .copied()
                .collect(),
            witness: Witness {
                seen,
                ..Witness::default()
            },
            versions,
            again: IdMap::default(),
        }
    }

    fn see(&mut self, event: &TapEvent<'_>, findings: &mut Findings) {
        if self.forged.contains(&event.id) {
            return;
        }
        let Some(at) = self.logs.by_id(event.id) else {
            self.unknown(event, findings);
            return;
        };
        if let Some(difference) = difference(self.logs, at, event) {
            findings.add(Invariant::I4, || {
                let text = format!("the tap saw another {difference} than the log has");
                (self.logs.concerns(at), text)
            });
            self.witness.changed.push((at, difference));
        }
        let seen = &mut self.witness.seen[usize::from(at.log)][at.index as usize];
        if std::mem::replace(seen, true) {
            if !event.redelivered && !self.repeated.contains(&event.id) {
                *self.again.entry(event.id).or_default() += 1;
            }
        } else {
            self.first(at, findings);
        }
    }

    fn first(&mut self, at: EventRef, findings: &mut Findings) {
        let (log, event) = self.logs.at(at);
        let before = &mut self.versions[usize::from(at.log)][event.aggregate as usize];
        if event.version <= *before && !self.manifest.tap_lost_messages {
            findings.add(Invariant::I7, || {
                let text = format!("the tap saw it first after version {before} of its aggregate");
                (log.concerns(event), text)
            });
        }
        *before = event.version.max(*before);
    }

    fn unknown(&mut self, event: &TapEvent<'_>, findings: &mut Findings) {
        let unknown = Unknown {
            aggregate: Aggregate {
                service: event.service.to_string(),
                r#type: event.aggregate.to_string(),
                id: event.aggregate_id.to_string(),
            },
            event: EventName {
                id: Some(event.id),
                version: Some(event.version),
            },
            seq: event.seq,
        };
        let restored = self.manifest.restored.as_ref();
        let log = self.logs.of(&event.service);
        let hole = log.is_some_and(|log| !log.has(event.seq));
        let took = |one: &Restored| one.took_from_log(event.at_ms, &event.service, event.seq, hole);
        if !restored.is_some_and(took) {
            findings.add(Invariant::I4, || {
                let concerns = Concerns {
                    aggregate: Some(unknown.aggregate.clone()),
                    event: Some(unknown.event),
                };
                (concerns, "the tap saw it, and it is in no log".to_owned())
            });
        }
        self.witness.unknown.push(unknown);
    }

    fn unseen(&self, findings: &mut Findings) {
        if self.manifest.tap_lost_messages {
            return;
        }
        for (log, seen) in self.logs.logs.iter().zip(&self.witness.seen) {
            for (event, _) in log.events.iter().zip(seen).filter(|(_, seen)| !**seen) {
                findings.add(Invariant::I5, || {
                    (
                        log.concerns(event),
                        "the broker never carried it to the tap".to_owned(),
                    )
                });
            }
        }
    }

    fn repetitions(&self, findings: &mut Findings) {
        let bound = self.manifest.duplicates;
        for (id, again) in &self.again {
            let sightings = again + 1;
            if bound.sightings_per_event > 0 && sightings > bound.sightings_per_event {
                findings.add(Invariant::I11, || {
                    let concerns = self.logs.by_id(*id).map(|at| self.logs.concerns(at));
                    let text = format!(
                        "it was published {sightings} times, and {} are allowed",
                        bound.sightings_per_event
                    );
                    (concerns.unwrap_or_default(), text)
                });
            }
        }
        let all: u64 = self.again.values().sum();
        let explained = bound
            .leaderships
            .saturating_mul(bound.duplicates_per_leadership);
        if all > explained {
            findings.plain(Invariant::I11, || {
                format!("{all} publications were repetitions, and {explained} are explained")
            });
        }
    }
}

/// What the sighting says otherwise than the log.
fn difference(logs: &Logs, at: EventRef, seen: &TapEvent<'_>) -> Option<String> {
    let (log, event) = logs.at(at);
    let (aggregate, aggregate_id) = log.aggregate(event.aggregate);
    let (r#type, district) = (log.r#type(event), log.district(event));
    let texts = [
        ("type", r#type, &seen.r#type),
        ("producer", &log.service, &seen.service),
        ("aggregate type", aggregate, &seen.aggregate),
        ("aggregate", aggregate_id, &seen.aggregate_id),
        ("subject", log.subject(event), &seen.subject),
        ("actor", log.actor(event), &seen.actor),
    ];
    let differing = texts
        .into_iter()
        .find(|(_, logged, seen)| *logged != **seen);
    if let Some((what, ..)) = differing {
        return Some(what.to_owned());
    }
    let short = r#type.strip_prefix("se.handslag.").unwrap_or(r#type);
    let key = seen
        .routing_key
        .strip_prefix(short)
        .and_then(|rest| rest.strip_prefix('.'));
    let what = if event.version != seen.version {
        "version"
    } else if event.seq != seen.seq {
        "number in the log"
    } else if Moment::parse(&seen.time) != Some(event.time) {
        "time"
    } else if key != Some(district) {
        "routing key"
    } else if read_hash(&seen.payload_hash) != Some(event.payload_hash) {
        "body"
    } else {
        return None;
    };
    Some(what.to_owned())
}

/// What the tap got and is no event must be what the run put there.
fn garbage(run: &Run, findings: &mut Findings) -> Result<()> {
    let path = run.dir.join(TAP_GARBAGE);
    if !path.exists() {
        return Ok(());
    }
    let injected = &run.manifest.injected;
    Lines::open(&path)?.each(|line| {
        let garbage: TapGarbage<'_> = serde_json::from_slice(line).context("no garbage")?;
        let known = injected
            .payload_hashes
            .iter()
            .any(|hash| *hash == garbage.payload_hash)
            || garbage.id.is_some_and(|id| run.is_injected(id));
        if !known {
            findings.add(Invariant::I4, || {
                let event = garbage.id.map(|id| EventName {
                    id: Some(id),
                    version: None,
                });
                let text = format!(
                    "the tap saw a message under {} that is no event, with a body of hash {}",
                    garbage.routing_key, garbage.payload_hash
                );
                (
                    Concerns {
                        aggregate: None,
                        event,
                    },
                    text,
                )
            });
        }
        Ok(())
    })
}
