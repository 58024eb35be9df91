//! The tap: what the relays published, in the order in which it came.

use std::collections::{BTreeMap, VecDeque};

use anyhow::Result;
use uuid::Uuid;

use super::chance::Chance;
use super::out::Out;
use super::platform::{Appended, FORGED_TYPE};
use crate::calendar::Moment;
use crate::contract::{REGISTRY, routing_key};
use crate::ids::{hex, sha256};
use crate::record::{TapEvent, TapGarbage};

/// How often an event may be seen at most.
pub(super) const SIGHTINGS_MOST: u64 = 4;
/// How many events a new leader publishes again at most.
pub(super) const WINDOW: usize = 12;
/// The number that a forged event claims.
pub(super) const FORGED_SEQ: i64 = 1_000_000_000;
/// What no consumer can read.
const POISON: &[u8] = b"\xff\xff\xff\xff";

/// A producer's events under way: those that wait to be published and those just published.
#[derive(Debug, Default)]
struct Relay {
    waiting: Option<Appended>,
    recent: VecDeque<(Appended, u64)>,
}

/// The tap.
#[derive(Debug, Default)]
pub(super) struct Tap {
    relays: BTreeMap<&'static str, Relay>,
    /// How many leaderships began.
    pub(super) leaderships: u64,
    /// Ids of forged events.
    pub(super) forged: Vec<Uuid>,
}

impl Tap {
    /// An event is published: at once, or behind its successor in the log when that concerns
    /// another aggregate, since numbers become visible out of order. Now and then a relay is
    /// followed by another one.
    pub(super) fn publish(
        &mut self,
        event: &Appended,
        chance: &mut Chance,
        out: &mut Out,
    ) -> Result<()> {
        let relay = self.relays.entry(event.service).or_default();
        if let Some(waiting) = relay.waiting.take() {
            let overtakes = waiting.aggregate != event.aggregate && chance.one_in(2);
            if overtakes {
                relay.see(event.clone(), out)?;
                return relay.see(waiting, out);
            }
            relay.see(waiting, out)?;
        }
        if chance.one_in(5) {
            relay.waiting = Some(event.clone());
        } else {
            relay.see(event.clone(), out)?;
        }
        if chance.one_in(150) {
            self.leaderships += 1;
            relay.again(chance, out)?;
        }
        if chance.one_in(200) {
            relay.redelivered(out)?;
        }
        Ok(())
    }

    /// What waits is published.
    pub(super) fn flush(&mut self, out: &mut Out) -> Result<()> {
        for relay in self.relays.values_mut() {
            if let Some(waiting) = relay.waiting.take() {
                relay.see(waiting, out)?;
            }
        }
        Ok(())
    }

    /// A forged event of a type that nobody knows, and a message that is no event at all.
    pub(super) fn forge(&mut self, id: Uuid, out: &mut Out) -> Result<()> {
        self.forged.push(id);
        out.tap(&TapEvent {
            id,
            r#type: FORGED_TYPE.into(),
            service: REGISTRY.into(),
            aggregate: "spook".into(),
            aggregate_id: "boo".into(),
            version: 1,
            seq: FORGED_SEQ,
            subject: "spooks/boo".into(),
            actor: "nobody".into(),
            time: Moment(0).to_string().into(),
            routing_key: routing_key(FORGED_TYPE, "all").into(),
            payload_hash: hex(&sha256(b"boo")).into(),
            redelivered: false,
            at_ms: 0,
        })?;
        out.garbage(&TapGarbage {
            id: None,
            routing_key: "registry.area.created.v1.all".into(),
            payload_hash: poison_hash().into(),
        })
    }
}

/// The hash of the poison's body.
pub(super) fn poison_hash() -> String {
    hex(&sha256(POISON))
}

/// The poison's body as a dump shows it.
pub(super) fn poison_bytea() -> String {
    format!("\\x{}", hex(POISON))
}

impl Relay {
    fn see(&mut self, event: Appended, out: &mut Out) -> Result<()> {
        out.tap(&event.sighting(false))?;
        self.recent.push_back((event, 1));
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
        Ok(())
    }

    /// A new leader publishes again from the durable mark.
    fn again(&mut self, chance: &mut Chance, out: &mut Out) -> Result<()> {
        let from = chance.below(self.recent.len());
        for (event, sightings) in self.recent.iter_mut().skip(from) {
            if *sightings < SIGHTINGS_MOST {
                *sightings += 1;
                out.tap(&event.sighting(false))?;
            }
        }
        Ok(())
    }

    /// The broker delivers the last one again.
    fn redelivered(&self, out: &mut Out) -> Result<()> {
        match self.recent.back() {
            Some((event, _)) => out.tap(&event.sighting(true)),
            None => Ok(()),
        }
    }
}
