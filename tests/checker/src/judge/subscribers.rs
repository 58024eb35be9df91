//! I6 and I7: what each subscriber was told, and what its client saw.
//!
//! **I6** An inbox is numbered 1, 2, 3 … up to the subscriber's last position, and holds events in
//! the order in which the notifications took them in, each once. What it holds is what its
//! subscriptions ask for: for each subscription an unbroken stretch of the events that match it, up
//! to the end when it is still in force. When the run knows an instant at which all subscriptions
//! of a subscriber were in force, the inbox holds everything that matches after it, and nothing
//! else. The subscriptions are the ones that the run asked for. A client saw the inbox: from its
//! first position on each one, equal in all that it shows; repetitions come on a new connection
//! alone; up to the last position when the subscription lasted to the end. When the databases were restored,
//! what a client saw before the services came back, at positions behind the restored end of its inbox,
//! was taken back: it may be anything, and the client has seen the inbox from that end on anew.
//!
//! **I7** Of each aggregate, the versions rise with the position in an inbox, and from one first
//! sighting of a client to the next.
//!
//! # Design notes
//! When a subscription began and ended among the events is nowhere written down, and no clock may
//! tell it. So the judge looks for *some* stretches that explain an inbox: a subscription in force
//! can have begun no earlier than behind the last matching event that it does not hold, and of one
//! that has ended each unbroken run of events is tried. An inbox that no choice explains is a
//! breach.

mod clients;
mod filter;
mod stretches;

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use uuid::Uuid;

use self::filter::{Asks, SubscriptionRow};
use self::stretches::Inbox;
use crate::contract::{COMMITMENTS, REGISTRY};
use crate::findings::{Concerns, Findings};
use crate::ids::encode;
use crate::lines::DumpLine;
use crate::log::{EventRef, Logs};
use crate::record::{SUBSCRIBERS, Subscriber};
use crate::run::Run;
use crate::told::{Boards, Classes};
use crate::verdict::{Aggregate, EventName, Invariant};

/// What the notifications keep for their subscribers.
pub(crate) struct Inboxes {
    /// What the events are, for whoever asks for them.
    pub(crate) classes: Classes,
    /// The district boards by their names.
    pub(crate) boards: Boards,
    /// The events that are kept, with the number of each.
    kept: Vec<(i64, EventRef)>,
    /// By log and event: whether it is kept.
    is_kept: Vec<Vec<bool>>,
    subscribers: BTreeMap<Uuid, SubscriberRow>,
    subscriptions: Vec<SubscriptionRow>,
    /// By subscriber: position and event.
    notifications: BTreeMap<Uuid, Vec<(i64, Uuid)>>,
}

#[derive(Deserialize)]
struct SubscriberRow {
    id: Uuid,
    district_board: Option<String>,
    last_position: i64,
}

#[derive(Deserialize)]
struct NotificationRow {
    subscriber: Uuid,
    position: i64,
    event: Uuid,
}

impl Inboxes {
    /// With nothing read yet.
    pub(crate) fn new(classes: Classes, boards: Boards, logs: &Logs) -> Self {
        Self {
            classes,
            boards,
            kept: Vec::new(),
            is_kept: logs
                .logs
                .iter()
                .map(|log| vec![false; log.events.len()])
                .collect(),
            subscribers: BTreeMap::new(),
            subscriptions: Vec::new(),
            notifications: BTreeMap::new(),
        }
    }

    /// Takes in a row of the notifications' dump, if it is an inbox's.
    ///
    /// # Errors
    /// When it has not the form of its table.
    pub(crate) fn read(&mut self, line: DumpLine<'_>) -> Result<()> {
        match line.table {
            "subscriber" => {
                let row: SubscriberRow = line.row()?;
                self.subscribers.insert(row.id, row);
            }
            "subscription" => self.subscriptions.push(line.row()?),
            "notification" => {
                let row: NotificationRow = line.row()?;
                let inbox = self.notifications.entry(row.subscriber).or_default();
                inbox.push((row.position, row.event));
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes that an event is kept; false when it is already.
    pub(crate) fn keep(&mut self, seq: i64, at: EventRef) -> bool {
        let kept = &mut self.is_kept[usize::from(at.log)][at.index as usize];
        let first = !std::mem::replace(kept, true);
        if first {
            self.kept.push((seq, at));
        }
        first
    }

    /// Says which events of the producers are not kept.
    pub(crate) fn untold(&self, run: &Run, findings: &mut Findings) {
        let heard = [REGISTRY, COMMITMENTS]
            .into_iter()
            .flat_map(|of| run.logs.places(of));
        for at in heard {
            let kept = self.is_kept[usize::from(at.log)][at.index as usize];
            if !kept && self.classes.of(at).is_some() {
                findings.add(Invariant::I6, || {
                    (
                        run.logs.concerns(at),
                        "the notifications do not keep it".to_owned(),
                    )
                });
            }
        }
    }
}

/// The inboxes, ready to be judged.
struct Judge<'a> {
    run: &'a Run,
    inboxes: &'a Inboxes,
    /// The kept events in the order in which they were taken in.
    order: Vec<(i64, EventRef)>,
    /// By log and event: its place in that order.
    ranks: Vec<Vec<u32>>,
}

const UNRANKED: u32 = u32::MAX;

/// Judges the inboxes and the logs of the subscribers' clients.
///
/// # Errors
/// When a log cannot be read, or the manifest names what cannot be a subscriber or a filter.
pub(crate) fn judge(run: &Run, inboxes: &mut Inboxes, findings: &mut Findings) -> Result<()> {
    for inbox in inboxes.notifications.values_mut() {
        inbox.sort_unstable();
    }
    let mut order = inboxes.kept.clone();
    order.sort_unstable();
    let mut ranks: Vec<Vec<u32>> = run
        .logs
        .logs
        .iter()
        .map(|log| vec![UNRANKED; log.events.len()])
        .collect();
    for (rank, (_, at)) in (0_u32..).zip(&order) {
        ranks[usize::from(at.log)][at.index as usize] = rank;
    }
    let judge = Judge {
        run,
        inboxes,
        order,
        ranks,
    };
    let known = known(&run.manifest.subscribers)?;
    for subscriber in inboxes.subscribers.values() {
        judge.inbox(subscriber, known.get(&subscriber.id).copied(), findings)?;
    }
    for (id, known) in &known {
        if !inboxes.subscribers.contains_key(id) {
            findings.plain(Invariant::I6, || format!("{} has no row", known.name));
        }
    }
    for owner in inboxes.notifications.keys() {
        if !inboxes.subscribers.contains_key(owner) {
            findings.plain(Invariant::I6, || {
                format!("there are notifications of nobody: {owner}")
            });
        }
    }
    clients::judge(&judge, &known, &run.dir.join(SUBSCRIBERS), findings)
}

/// The subscribers of the manifest by their ids.
fn known(subscribers: &[Subscriber]) -> Result<BTreeMap<Uuid, &Subscriber>> {
    let by_id = subscribers.iter().map(|one| {
        let id = filter::id("subscribers", &one.name);
        Ok((
            id.with_context(|| format!("{:?} is no name of a subscriber", one.name))?,
            one,
        ))
    });
    by_id.collect()
}

impl Judge<'_> {
    fn inbox(
        &self,
        subscriber: &SubscriberRow,
        known: Option<&Subscriber>,
        findings: &mut Findings,
    ) -> Result<()> {
        let rows = self.inboxes.notifications.get(&subscriber.id);
        let rows = rows.map_or(&[][..], Vec::as_slice);
        self.positions(subscriber, rows, findings);
        let told = self.told(subscriber, rows, findings);
        let own = |row: &&SubscriptionRow| row.subscriber == subscriber.id;
        let subscriptions: Vec<_> = self.inboxes.subscriptions.iter().filter(own).collect();
        if let Some(known) = known {
            filter::as_asked(known, &subscriptions, findings)?;
        }
        let board = subscriber.district_board.as_deref();
        let asks: Vec<Asks> = subscriptions
            .iter()
            .map(|row| Asks::new(row, board, &self.inboxes.classes))
            .collect();
        let inbox = Inbox {
            judge: self,
            subscriber: subscriber.id,
            asks: &asks,
            told: &told,
        };
        inbox.judge(known.and_then(|known| known.complete_after), findings);
        Ok(())
    }

    /// Positions are 1, 2, 3 … up to the last.
    fn positions(&self, subscriber: &SubscriberRow, rows: &[(i64, Uuid)], findings: &mut Findings) {
        let mut expected = 1;
        for (position, event) in rows {
            if *position != expected {
                findings.add(Invariant::I6, || {
                    let name = name(subscriber.id);
                    let text = format!("{name} has it at {position} where {expected} is next");
                    (self.event(*event), text)
                });
            }
            expected = position + 1;
        }
        if expected != subscriber.last_position + 1 {
            findings.plain(Invariant::I6, || {
                format!(
                    "the inbox of {} ends at {}, and its last position is {}",
                    name(subscriber.id),
                    expected - 1,
                    subscriber.last_position
                )
            });
        }
    }

    /// Which of the kept events the inbox holds, by their rank; judges their order.
    fn told(
        &self,
        subscriber: &SubscriberRow,
        rows: &[(i64, Uuid)],
        findings: &mut Findings,
    ) -> Vec<bool> {
        let mut told = vec![false; self.order.len()];
        let mut versions = HashMap::new();
        let mut before = None;
        for (position, id) in rows {
            let place = self.run.logs.by_id(*id).map(|at| (at, self.rank(at)));
            let Some((at, rank)) = place.and_then(|(at, rank)| Some((at, rank?))) else {
                if !self.run.is_injected(*id) {
                    findings.add(Invariant::I6, || {
                        let text = format!("{} was told of it at {position}", name(subscriber.id));
                        (
                            self.event(*id),
                            format!("{text}, and the notifications do not keep it"),
                        )
                    });
                }
                continue;
            };
            let (log, event) = self.run.logs.at(at);
            let mut wrong = |invariant, what: &str| {
                findings.add(invariant, || {
                    let name = name(subscriber.id);
                    (
                        log.concerns(event),
                        format!("{name} was told of it at {position} {what}"),
                    )
                });
            };
            if std::mem::replace(&mut told[rank], true) {
                wrong(Invariant::I6, "once more");
                continue;
            }
            if before.replace(rank) > Some(rank) {
                wrong(Invariant::I6, "after an event that was taken in later");
            }
            let version = versions.entry((at.log, event.aggregate)).or_insert(0);
            if event.version <= *version {
                wrong(Invariant::I7, "after a later version of its aggregate");
            }
            *version = event.version.max(*version);
        }
        told
    }

    fn rank(&self, at: EventRef) -> Option<usize> {
        let rank = self.ranks[usize::from(at.log)][at.index as usize];
        (rank != UNRANKED).then_some(rank as usize)
    }

    /// The class of the event of a rank.
    fn class(&self, rank: usize) -> Option<usize> {
        self.inboxes
            .classes
            .of(self.order[rank].1)
            .map(|(number, _)| number)
    }

    /// What a breach says that concerns an event of which only the id is known.
    fn event(&self, id: Uuid) -> Concerns {
        match self.run.logs.by_id(id) {
            Some(at) => self.run.logs.concerns(at),
            None => Concerns {
                aggregate: None::<Aggregate>,
                event: Some(EventName {
                    id: Some(id),
                    version: None,
                }),
            },
        }
    }
}

fn name(subscriber: Uuid) -> String {
    format!("subscribers/{}", encode(subscriber))
}
