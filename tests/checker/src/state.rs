//! What the platform keeps in a service's database beside its log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use uuid::Uuid;

use crate::calendar::Moment;
use crate::ids::{Hash, IdMap, read_bytea, sha256};
use crate::lines::DumpLine;
use crate::record::{DATABASE_ROW, DatabaseRow};

/// The platform's tables of one database.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The database's own clock when it was dumped.
    pub(crate) now: Option<Moment>,
    /// Connections of the service that stood idle in a transaction.
    pub(crate) in_transaction: u64,
    /// How far the relay had come.
    pub(crate) relay: Option<RelayMark>,
    /// What the service has agreed on with those it hears.
    pub(crate) accounts: Vec<Account>,
    /// Events that wait for their predecessors.
    pub(crate) parked: Vec<Parked>,
    /// What was heard since the last agreement.
    pub(crate) seen: Vec<Heard>,
    /// Dead letters.
    pub(crate) dead: Vec<DeadLetter>,
    /// The answers that commands got.
    pub(crate) requests: IdMap<Request>,
    /// The seals of the log, by `last_seq`.
    pub(crate) seals: Vec<Seal>,
}

/// The row of `relay_mark`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct RelayMark {
    pub(crate) low_water: i64,
    pub(crate) count: i64,
    pub(crate) hash: i64,
    pub(crate) written_at: Moment,
}

/// A row of `inbox_account`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Account {
    pub(crate) producer: String,
    pub(crate) seq: i64,
    pub(crate) count: i64,
    pub(crate) hash: i64,
    pub(crate) replay_wanted: bool,
    pub(crate) agreed_at: Option<Moment>,
}

/// A row of `inbox_seen`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Heard {
    pub(crate) producer: String,
    pub(crate) seq: i64,
    pub(crate) hash: i64,
}

/// A row of `inbox_parked`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Parked {
    pub(crate) producer: String,
    pub(crate) aggregate: String,
    pub(crate) aggregate_id: String,
    pub(crate) version: i64,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) parked_at: Moment,
    pub(crate) ask_after: Moment,
    pub(crate) try_after: Moment,
}

/// A row of `dead_letter`.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetter {
    pub(crate) fingerprint: String,
    pub(crate) producer: String,
    pub(crate) aggregate: Option<String>,
    pub(crate) aggregate_id: Option<String>,
    pub(crate) version: Option<i64>,
    pub(crate) reason: String,
    pub(crate) error: String,
    pub(crate) event_id: Option<Uuid>,
    pub(crate) payload_hash: Hash,
    pub(crate) recorded_at: Moment,
    pub(crate) last_at: Moment,
}

/// Rows of `request_log` with one id.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The method as the row has it.
    pub(crate) method: String,
    /// SHA-256 of the answer.
    pub(crate) answer: Option<Hash>,
    pub(crate) created_at: Moment,
}

/// A row of `audit_seal`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seal {
    pub(crate) last_seq: i64,
    pub(crate) count: i64,
    pub(crate) digest: Hash,
    pub(crate) sealed_at: Moment,
}

#[derive(Deserialize)]
struct DeadRow<'a> {
    fingerprint: String,
    producer: String,
    aggregate: Option<String>,
    aggregate_id: Option<String>,
    version: Option<i64>,
    reason: String,
    error: String,
    headers: BTreeMap<String, String>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
    recorded_at: Moment,
    last_at: Moment,
}

#[derive(Deserialize)]
struct RequestRow<'a> {
    request_id: Uuid,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    response: Option<Cow<'a, str>>,
    created_at: Moment,
}

#[derive(Deserialize)]
struct SealRow<'a> {
    last_seq: i64,
    count: i64,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    sealed_at: Moment,
}

impl State {
    /// Takes in a line of the dump, if it is of one of the platform's tables.
    ///
    /// # Errors
    /// When the row has not the form of its table.
    pub(crate) fn read(&mut self, line: DumpLine<'_>) -> Result<()> {
        match line.table {
            DATABASE_ROW => {
                let row: DatabaseRow<'_> = line.row()?;
                self.now = Some(Moment::parse(&row.now).context("`now` is no moment")?);
                self.in_transaction = row.connections_in_transaction;
            }
            "relay_mark" => self.relay = Some(line.row()?),
            "inbox_account" => self.accounts.push(line.row()?),
            "inbox_parked" => self.parked.push(line.row()?),
            "inbox_seen" => self.seen.push(line.row()?),
            "dead_letter" => self.dead.push(DeadLetter::new(line.row()?)?),
            "request_log" => self.request(line.row()?)?,
            "audit_seal" => self.seals.push(Seal::new(&line.row()?)?),
            _ => {}
        }
        Ok(())
    }

    /// Puts what has an order into it, however the dump was ordered.
    pub(crate) fn settle(&mut self) {
        self.seals.sort_by_key(|seal| seal.last_seq);
    }

    fn request(&mut self, row: RequestRow<'_>) -> Result<()> {
        let answer = row.response.as_deref().map(bytes).transpose()?;
        let request = Request {
            method: row.method.into_owned(),
            answer: answer.map(|bytes| sha256(&bytes)),
            created_at: row.created_at,
        };
        self.requests.insert(row.request_id, request);
        Ok(())
    }
}

impl DeadLetter {
    fn new(row: DeadRow<'_>) -> Result<Self> {
        let id = row.headers.get("cloudEvents_id");
        Ok(Self {
            event_id: id.and_then(|id| id.parse().ok()),
            payload_hash: sha256(&bytes(&row.payload)?),
            fingerprint: row.fingerprint,
            producer: row.producer,
            aggregate: row.aggregate,
            aggregate_id: row.aggregate_id,
            version: row.version,
            reason: row.reason,
            error: row.error,
            recorded_at: row.recorded_at,
            last_at: row.last_at,
        })
    }
}

impl Parked {
    /// The id of the event that waits.
    pub(crate) fn event_id(&self) -> Option<Uuid> {
        self.headers.get("cloudEvents_id")?.parse().ok()
    }
}

impl Seal {
    fn new(row: &SealRow<'_>) -> Result<Self> {
        let digest = bytes(&row.digest)?;
        Ok(Self {
            last_seq: row.last_seq,
            count: row.count,
            digest: digest
                .try_into()
                .ok()
                .context("the digest has not 32 bytes")?,
            sealed_at: row.sealed_at,
        })
    }
}

fn bytes(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_bytea(text, &mut bytes).context("no bytea")?;
    Ok(bytes)
}
