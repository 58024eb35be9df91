//! The logs of the services: every event that was said.
//!
//! # Design notes
//! A million events are held at once, since nearly every promise is about all of them. So an event
//! is a row of numbers: what repeats (aggregates, types, actors, districts) is kept once and
//! referred to, and texts and payloads lie end to end in one buffer for each log.

mod words;

use std::borrow::Cow;
use std::ops::Range;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use uuid::Uuid;

use self::words::Words;
use crate::calendar::Moment;
use crate::chain;
use crate::findings::Concerns;
use crate::ids::{Hash, IdMap, read_bytea, sha256};
use crate::verdict::{Aggregate, EventName};

/// A row of the table `outbox`.
#[derive(Debug, Deserialize)]
pub(crate) struct OutboxRow<'a> {
    pub(crate) seq: i64,
    #[serde(borrow)]
    pub(crate) aggregate: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) aggregate_id: Cow<'a, str>,
    pub(crate) version: i64,
    pub(crate) id: Uuid,
    #[serde(borrow)]
    pub(crate) r#type: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) district: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) subject: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) actor: Cow<'a, str>,
    pub(crate) time: Moment,
    pub(crate) request_id: Option<Uuid>,
    pub(crate) written_at: Moment,
    #[serde(borrow)]
    pub(crate) payload: Cow<'a, str>,
}

/// An event of a log.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Its number in the log.
    pub(crate) seq: i64,
    /// Its id.
    pub(crate) id: Uuid,
    /// Which aggregate: an index into [`Log::aggregates`].
    pub(crate) aggregate: u32,
    /// The aggregate's version after it.
    pub(crate) version: i64,
    /// When it was decided.
    pub(crate) time: Moment,
    /// When its transaction began, by the database's clock.
    pub(crate) written_at: Moment,
    /// The command that caused it.
    pub(crate) request_id: Option<Uuid>,
    /// SHA-256 of the payload.
    pub(crate) payload_hash: Hash,
    /// What the audit chain has of it.
    pub(crate) digest: Hash,
    r#type: u32,
    district: u32,
    actor: u32,
    subject: Range<usize>,
    payload: Range<usize>,
}

/// The log of one service, by `seq`.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The service.
    pub(crate) service: String,
    /// Its events, by `seq`.
    pub(crate) events: Vec<Event>,
    /// The aggregates: type and id of each.
    pub(crate) aggregates: Vec<(u32, Box<str>)>,
    known: words::Pairs,
    aggregate_types: Words,
    types: Words,
    districts: Words,
    actors: Words,
    bytes: Vec<u8>,
}

impl Log {
    /// The empty log of a service.
    pub(crate) fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            ..Self::default()
        }
    }

    /// Takes in a row.
    ///
    /// # Errors
    /// When its payload is no text of bytes.
    pub(crate) fn push(&mut self, row: &OutboxRow<'_>) -> Result<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(row.subject.as_bytes());
        let middle = self.bytes.len();
        read_bytea(&row.payload, &mut self.bytes).context("the payload is no bytea")?;
        let payload = &self.bytes[middle..];
        let aggregate_type = self.aggregate_types.number(&row.aggregate);
        let aggregate = self.known.number(aggregate_type, &row.aggregate_id);
        if aggregate as usize == self.aggregates.len() {
            self.aggregates
                .push((aggregate_type, row.aggregate_id.as_ref().into()));
        }
        self.events.push(Event {
            seq: row.seq,
            id: row.id,
            aggregate,
            version: row.version,
            time: row.time,
            written_at: row.written_at,
            request_id: row.request_id,
            payload_hash: sha256(payload),
            digest: chain::row_digest(row, payload),
            r#type: self.types.number(&row.r#type),
            district: self.districts.number(&row.district),
            actor: self.actors.number(&row.actor),
            subject: start..middle,
            payload: middle..self.bytes.len(),
        });
        Ok(())
    }

    /// Puts the events into the order of the log, however the dump was ordered.
    pub(crate) fn settle(&mut self) {
        self.events.sort_by_key(|event| event.seq);
    }

    /// The type of an event.
    pub(crate) fn r#type(&self, event: &Event) -> &str {
        self.types.word(event.r#type)
    }

    /// The number of the event's type among [`types`](Self::types).
    pub(crate) fn type_number(&self, event: &Event) -> usize {
        event.r#type as usize
    }

    /// The types of its events, by number.
    pub(crate) fn types(&self) -> impl Iterator<Item = &str> {
        self.types.all()
    }

    /// The district under which it is published.
    pub(crate) fn district(&self, event: &Event) -> &str {
        self.districts.word(event.district)
    }

    /// Who did it.
    pub(crate) fn actor(&self, event: &Event) -> &str {
        self.actors.word(event.actor)
    }

    /// What it is about.
    pub(crate) fn subject(&self, event: &Event) -> &str {
        std::str::from_utf8(&self.bytes[event.subject.clone()]).unwrap_or_default()
    }

    /// Its encoded body.
    pub(crate) fn payload(&self, event: &Event) -> &[u8] {
        &self.bytes[event.payload.clone()]
    }

    /// Type and id of an aggregate.
    pub(crate) fn aggregate(&self, number: u32) -> (&str, &str) {
        let (r#type, id) = &self.aggregates[number as usize];
        (self.aggregate_types.word(*r#type), id)
    }

    /// The number of an aggregate, if the log has it.
    pub(crate) fn find(&self, r#type: &str, id: &str) -> Option<u32> {
        self.known.find(self.aggregate_types.find(r#type)?, id)
    }

    /// What a breach says that concerns an aggregate.
    pub(crate) fn about(&self, aggregate: u32) -> Concerns {
        let (r#type, id) = self.aggregate(aggregate);
        Concerns {
            aggregate: Some(Aggregate {
                service: self.service.clone(),
                r#type: r#type.to_owned(),
                id: id.to_owned(),
            }),
            event: None,
        }
    }

    /// What a breach says that concerns an event.
    pub(crate) fn concerns(&self, event: &Event) -> Concerns {
        let event_name = EventName {
            id: Some(event.id),
            version: Some(event.version),
        };
        Concerns {
            event: Some(event_name),
            ..self.about(event.aggregate)
        }
    }

    /// Whether an event has this number.
    pub(crate) fn has(&self, seq: i64) -> bool {
        self.events
            .binary_search_by_key(&seq, |event| event.seq)
            .is_ok()
    }

    /// The highest number, 0 when the log is empty.
    pub(crate) fn newest(&self) -> i64 {
        self.events.last().map_or(0, |event| event.seq)
    }
}

/// Where an event lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EventRef {
    pub(crate) log: u8,
    pub(crate) index: u32,
}

/// All logs, and where to find what.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    /// One for each service that ran.
    pub(crate) logs: Vec<Log>,
    by_id: IdMap<EventRef>,
    by_request: IdMap<EventRef>,
    /// Ids and requests that stand for more than one event.
    pub(crate) twice_id: Vec<EventRef>,
    pub(crate) twice_request: Vec<EventRef>,
}

impl Logs {
    /// Indexes the logs.
    pub(crate) fn new(logs: Vec<Log>) -> Self {
        let events = logs.iter().map(|log| log.events.len()).sum();
        let mut all = Self {
            logs,
            ..Self::default()
        };
        all.by_id.reserve(events);
        all.by_request.reserve(events);
        for (number, log) in (0_u8..).zip(&all.logs) {
            for (index, event) in (0_u32..).zip(&log.events) {
                let at = EventRef { log: number, index };
                if all.by_id.insert(event.id, at).is_some() {
                    all.twice_id.push(at);
                }
                let Some(request) = event.request_id else {
                    continue;
                };
                if let Some(first) = all.by_request.insert(request, at) {
                    // The first stays findable, so that the second is the one too many.
                    all.by_request.insert(request, first);
                    all.twice_request.push(at);
                }
            }
        }
        all
    }

    /// The event of an id.
    pub(crate) fn by_id(&self, id: Uuid) -> Option<EventRef> {
        self.by_id.get(&id).copied()
    }

    /// The first event of a command.
    pub(crate) fn by_request(&self, request: Uuid) -> Option<EventRef> {
        self.by_request.get(&request).copied()
    }

    /// The event at a place, with its log.
    pub(crate) fn at(&self, at: EventRef) -> (&Log, &Event) {
        let log = &self.logs[usize::from(at.log)];
        (log, &log.events[at.index as usize])
    }

    /// What a breach says that concerns the event at a place.
    pub(crate) fn concerns(&self, at: EventRef) -> Concerns {
        let (log, event) = self.at(at);
        log.concerns(event)
    }

    /// The log of a service.
    pub(crate) fn of(&self, service: &str) -> Option<&Log> {
        self.logs.iter().find(|log| log.service == service)
    }

    /// All places of a service's log, in its order.
    pub(crate) fn places(&self, service: &str) -> impl Iterator<Item = EventRef> + '_ {
        let found = (0_u8..)
            .zip(&self.logs)
            .find(|(_, log)| log.service == service);
        let places = found.map(|(log, of)| {
            (0_u32..)
                .zip(&of.events)
                .map(move |(index, _)| EventRef { log, index })
        });
        places.into_iter().flatten()
    }

    /// How many events there are.
    pub(crate) fn count(&self) -> u64 {
        self.logs.iter().map(|log| log.events.len() as u64).sum()
    }
}
