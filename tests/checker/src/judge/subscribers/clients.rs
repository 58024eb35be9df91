//! What the subscribers' clients saw.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use uuid::Uuid;

use super::{Judge, filter};
use crate::findings::{Concerns, Findings};
use crate::lines::Lines;
use crate::record::{Seen, Subscriber};
use crate::verdict::{EventName, Invariant};

/// Judges every log of a client.
///
/// # Errors
/// When a log cannot be read.
pub(super) fn judge(
    judge: &Judge<'_>,
    known: &BTreeMap<Uuid, &Subscriber>,
    dir: &Path,
    findings: &mut Findings,
) -> Result<()> {
    for path in logs(dir, known.is_empty())? {
        let mut client = Client {
            judge,
            seen: None,
            versions: HashMap::new(),
        };
        Lines::open(&path)?.each(|line| {
            let seen: Seen<'_> = serde_json::from_slice(line).context("no sighting")?;
            client.see(&seen, findings);
            Ok(())
        })?;
        client.end(known, findings);
    }
    Ok(())
}

/// The logs, in the order of their names. Without known subscribers there need not be any.
fn logs(dir: &Path, may_be_absent: bool) -> Result<Vec<PathBuf>> {
    if may_be_absent && !dir.exists() {
        return Ok(Vec::new());
    }
    let entries = dir
        .read_dir()
        .with_context(|| format!("the run has no readable {}", dir.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path()));
    let mut paths = paths.collect::<std::io::Result<Vec<_>>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    paths.sort();
    Ok(paths)
}

/// How far a client has come.
struct Place {
    subscriber: Uuid,
    connection: u32,
    /// The last position.
    last: i64,
    /// The highest, without what a restore took back …
    highest: i64,
    /// … and with it.
    reached: i64,
}

struct Client<'a> {
    judge: &'a Judge<'a>,
    seen: Option<Place>,
    versions: HashMap<(u8, u32), i64>,
}

impl Client<'_> {
    fn see(&mut self, seen: &Seen<'_>, findings: &mut Findings) {
        let concerns = || Concerns {
            event: Some(EventName {
                id: Some(seen.event_id),
                version: Some(seen.subject_version),
            }),
            ..self.judge.event(seen.event_id)
        };
        let mut wrong = |invariant, what: &str| {
            findings.add(invariant, || {
                let (whose, position) = (&seen.subscriber, seen.position);
                (
                    concerns(),
                    format!("the client of {whose} saw it at {position} {what}"),
                )
            });
        };
        let subscriber = filter::id("subscribers", &seen.subscriber).unwrap_or_default();
        let inbox = self.judge.inboxes.notifications.get(&subscriber);
        let held = inbox.and_then(|rows| {
            let row = rows
                .binary_search_by_key(&seen.position, |(position, _)| *position)
                .ok()?;
            Some(rows[row].1)
        });
        let restored = self.judge.run.manifest.restored.as_ref();
        let kept = restored
            .and_then(|one| one.took_from_inbox(seen.at_ms, &seen.subscriber, seen.position));
        if held != Some(seen.event_id) && kept.is_none() {
            wrong(Invariant::I6, "where its inbox holds something else");
        }
        let at = self.judge.run.logs.by_id(seen.event_id);
        if let Some(at) = at {
            let (log, event) = self.judge.run.logs.at(at);
            let said = (log.r#type(event), log.subject(event), event.version);
            if said != (&*seen.event_type, &*seen.subject, seen.subject_version) {
                wrong(
                    Invariant::I6,
                    "with another type, subject or version than it has",
                );
            }
        }
        let is_new = self.step(subscriber, seen, kept, &mut wrong);
        if let Some(at) = at.filter(|_| is_new) {
            let (_, event) = self.judge.run.logs.at(at);
            let version = self.versions.entry((at.log, event.aggregate)).or_insert(0);
            if event.version <= *version {
                wrong(
                    Invariant::I7,
                    "first after a later version of its aggregate",
                );
            }
            *version = event.version.max(*version);
        }
    }

    /// Positions follow each other within a connection, and no connection leaves any out. What a
    /// restore took back, down to the position that it `kept`, has not been seen for what comes
    /// after it. True for the first sighting of a position.
    fn step(
        &mut self,
        subscriber: Uuid,
        seen: &Seen<'_>,
        kept: Option<i64>,
        wrong: &mut impl FnMut(Invariant, &str),
    ) -> bool {
        let (position, connection) = (seen.position, seen.connection);
        let Some(place) = &mut self.seen else {
            self.seen = Some(Place {
                subscriber,
                connection,
                last: position,
                highest: kept.unwrap_or(position),
                reached: position,
            });
            return kept.is_none();
        };
        if place.subscriber != subscriber {
            wrong(Invariant::I6, "in the log of another subscriber's client");
        }
        if connection == place.connection && position != place.last + 1 {
            wrong(
                Invariant::I6,
                &format!("right after {} on one connection", place.last),
            );
        }
        let before = match kept {
            Some(_) => place.reached,
            None => place.highest,
        };
        if position > before + 1 {
            wrong(Invariant::I6, &format!("without anything since {before}"));
        }
        place.connection = connection;
        place.last = position;
        place.reached = position.max(place.reached);
        if kept.is_some() {
            return false;
        }
        let is_new = position > place.highest;
        place.highest = position.max(place.highest);
        is_new
    }

    /// A client that stayed to the end has seen the last position.
    fn end(&self, known: &BTreeMap<Uuid, &Subscriber>, findings: &mut Findings) {
        let Some(place) = &self.seen else { return };
        let Some(known) = known.get(&place.subscriber).filter(|known| known.to_end) else {
            return;
        };
        let row = self.judge.inboxes.subscribers.get(&place.subscriber);
        let last = row.map_or(0, |row| row.last_position);
        if place.highest < last {
            findings.plain(Invariant::I6, || {
                let (name, highest) = (&known.name, place.highest);
                format!("the client of {name} saw nothing after {highest}, and {last} is the last")
            });
        }
    }
}
