//! What the platform keeps: logs, seals, marks, accounts.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use super::chance::Chance;
use super::clients::Request;
use super::out::Out;
use super::{SERVICES, Said, tap};
use crate::calendar::Moment;
use crate::chain;
use crate::contract::{self, COMMITMENTS, HEARS, REGISTRY, REPORTING, event_hash};
use crate::ids::{Hash, hex, sha256};
use crate::log::OutboxRow;
use crate::record::{DATABASE_ROW, TapEvent};

/// The type of a forged event.
pub(super) const FORGED_TYPE: &str = "se.handslag.registry.spook.appeared.v1";
/// The aggregate that only forged events know.
pub(super) const FORGED_AGGREGATE: &str = "registry/spook/boo";
/// The fingerprint of a dead letter that is expected.
pub(super) const FINGERPRINT: &str = "handslag.reporting.from.registry/cut";
/// Most events of a seal.
const SEAL_EVENTS_MOST: usize = 100;

/// An event as it was appended.
#[derive(Debug, Clone)]
pub(super) struct Appended {
    pub(super) service: &'static str,
    pub(super) seq: i64,
    pub(super) id: Uuid,
    pub(super) r#type: &'static str,
    pub(super) aggregate: String,
    pub(super) version: i64,
    pub(super) subject: String,
    pub(super) time: Moment,
    actor: String,
    district: String,
    payload_hash: Hash,
}

impl Appended {
    /// How the tap sees it.
    pub(super) fn sighting(&self, redelivered: bool) -> TapEvent<'_> {
        let of = contract::descriptor(self.r#type);
        TapEvent {
            id: self.id,
            r#type: self.r#type.into(),
            service: self.service.into(),
            aggregate: of.map_or("", |event| event.aggregate).into(),
            aggregate_id: self.aggregate.as_str().into(),
            version: self.version,
            seq: self.seq,
            subject: self.subject.as_str().into(),
            actor: self.actor.as_str().into(),
            time: self.time.to_string().into(),
            routing_key: contract::routing_key(self.r#type, &self.district).into(),
            payload_hash: hex(&self.payload_hash).into(),
            redelivered,
            at_ms: 0,
        }
    }
}

/// A log.
#[derive(Debug, Default)]
struct Log {
    seq: i64,
    count: i64,
    hash: i64,
    latest: Option<Moment>,
    /// By type and id of the aggregate.
    versions: BTreeMap<(&'static str, String), i64>,
    unsealed: Vec<Hash>,
    seal: Hash,
}

/// The logs of all services.
#[derive(Debug, Default)]
pub(super) struct Platform {
    logs: BTreeMap<&'static str, Log>,
    events: u64,
}

impl Platform {
    /// How many events there are.
    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// Appends to the log of a service. Now and then somebody drew a number and rolled back.
    pub(super) fn append(
        &mut self,
        said: &Said,
        request: Option<&Request>,
        (now, decided): (Moment, Moment),
        chance: &mut Chance,
        out: &mut Out,
    ) -> Result<Appended> {
        let log = self.logs.entry(said.service).or_default();
        self.events += 1;
        log.seq += 1 + (chance.up_to(21) - 20).max(0);
        let (r#type, payload) = (said.body.r#type(), said.body.encode());
        let of = contract::descriptor(r#type).map_or("", |event| event.aggregate);
        let board = said.body.scope().map_or("", |scope| &scope.district_board);
        let district = board
            .strip_prefix("districtBoards/")
            .unwrap_or("all")
            .to_owned();
        let actor = request.map_or("service:reporting", |request| &request.subject);
        let row = OutboxRow {
            seq: log.seq,
            aggregate: of.into(),
            aggregate_id: said.aggregate_id.as_str().into(),
            version: said.version,
            id: chance.id(now),
            r#type: r#type.into(),
            district: district.as_str().into(),
            subject: said.subject.as_str().into(),
            actor: actor.into(),
            time: decided,
            request_id: request.map(|request| request.id),
            written_at: now,
            payload: format!("\\x{}", hex(&payload)).into(),
        };
        out.row(said.service, "outbox", &json_of(&row))?;
        log.take(of, &row, &payload);
        if log.unsealed.len() >= SEAL_EVENTS_MOST || chance.one_in(60) {
            log.seal(said.service, now, out)?;
        }
        Ok(Appended {
            service: said.service,
            seq: row.seq,
            id: row.id,
            r#type,
            aggregate: said.aggregate_id.clone(),
            version: said.version,
            subject: said.subject.clone(),
            time: decided,
            actor: actor.to_owned(),
            payload_hash: sha256(&payload),
            district,
        })
    }

    /// What consumers keep of forged messages: a mark, a parked event, dead letters.
    pub(super) fn forge(&mut self, id: Uuid, now: Moment, out: &mut Out) -> Result<()> {
        let headers = json!({
            "cloudEvents_id": id,
            "cloudEvents_type": FORGED_TYPE,
            "cloudEvents_sequence": "1",
        });
        let mark = json!({
            "producer": REGISTRY, "aggregate": "spook", "aggregate_id": "boo", "version": 1,
        });
        out.row(REPORTING, "inbox_mark", &mark)?;
        let seq = tap::FORGED_SEQ;
        let heard = json!({ "producer": REGISTRY, "seq": seq, "hash": event_hash(seq, id) });
        out.row(REPORTING, "inbox_seen", &heard)?;
        let parked = json!({
            "producer": REGISTRY, "aggregate": "spook", "aggregate_id": "boo", "version": 3,
            "headers": headers, "payload": "\\x", "attempts": 0, "parked_at": now,
            "ask_after": now.plus(5_000_000), "try_after": "-infinity",
        });
        out.row(REPORTING, "inbox_parked", &parked)?;
        // One is known by its body, one by its fingerprint, one by the id of its event.
        for (number, fingerprint, headers, payload) in [
            (
                1,
                "handslag.reporting.from.registry/0a0b",
                json!({}),
                tap::poison_bytea(),
            ),
            (2, FINGERPRINT, json!({}), "\\x00".to_owned()),
            (3, "registry/spook/boo/2", headers, "\\x01".to_owned()),
        ] {
            let letter = json!({
                "id": number, "fingerprint": fingerprint,
                "queue": "handslag.reporting.from.registry",
                "producer": REGISTRY, "aggregate": null, "aggregate_id": null, "version": null,
                "type": null, "reason": "malformed", "error": "the header is missing",
                "attempts": 1, "headers": headers, "payload": payload, "recorded_at": now,
                "last_at": now, "replay_wanted": false,
            });
            out.row(REPORTING, "dead_letter", &letter)?;
        }
        Ok(())
    }

    /// Everything is published, sealed and agreed on.
    pub(super) fn finish(&mut self, now: Moment, out: &mut Out) -> Result<()> {
        for service in SERVICES {
            let log = self.logs.entry(service).or_default();
            log.seal(service, now, out)?;
            let mark = json!({
                "only_row": true, "low_water": log.seq, "count": log.count, "hash": log.hash,
                "timeline": "00000001", "written_at": now,
            });
            out.row(service, "relay_mark", &mark)?;
            let database = json!({ "now": now.plus(1_000), "connections_in_transaction": 0 });
            out.row(service, DATABASE_ROW, &database)?;
        }
        for (consumer, producer) in HEARS {
            let Some(log) = self.logs.get(producer) else {
                continue;
            };
            let account = json!({
                "producer": producer, "seq": log.seq, "count": log.count, "hash": log.hash,
                "replay_wanted": false, "agreed_at": now,
            });
            out.row(consumer, "inbox_account", &account)?;
            for ((aggregate, id), version) in &log.versions {
                let mark = json!({
                    "producer": producer, "aggregate": aggregate, "aggregate_id": id,
                    "version": version,
                });
                out.row(consumer, "inbox_mark", &mark)?;
            }
        }
        for producer in [REGISTRY, COMMITMENTS] {
            let Some(log) = self.logs.get(producer) else {
                continue;
            };
            let as_of = log.latest.unwrap_or_default();
            let fresh = json!({ "producer": producer, "events": log.count, "as_of": as_of });
            out.row(REPORTING, "freshness", &fresh)?;
        }
        Ok(())
    }
}

impl Log {
    fn take(&mut self, aggregate: &'static str, row: &OutboxRow<'_>, payload: &[u8]) {
        self.count += 1;
        self.hash = self.hash.wrapping_add(event_hash(row.seq, row.id));
        self.latest = self.latest.max(Some(row.time));
        self.versions
            .insert((aggregate, row.aggregate_id.to_string()), row.version);
        self.unsealed.push(chain::row_digest(row, payload));
    }

    fn seal(&mut self, service: &str, now: Moment, out: &mut Out) -> Result<()> {
        if self.unsealed.is_empty() {
            return Ok(());
        }
        self.seal = chain::seal(&self.seal, &self.unsealed);
        let seal = json!({
            "last_seq": self.seq, "count": self.unsealed.len(),
            "digest": format!("\\x{}", hex(&self.seal)), "sealed_at": now,
        });
        self.unsealed.clear();
        out.row(service, "audit_seal", &seal)
    }
}

fn json_of(row: &OutboxRow<'_>) -> serde_json::Value {
    json!({
        "xid": row.seq + 1_000, "seq": row.seq, "aggregate": row.aggregate,
        "aggregate_id": row.aggregate_id, "version": row.version, "id": row.id,
        "type": row.r#type, "district": row.district, "subject": row.subject,
        "actor": row.actor, "time": row.time, "traceparent": null, "payload": row.payload,
        "request_id": row.request_id, "written_at": row.written_at,
    })
}
