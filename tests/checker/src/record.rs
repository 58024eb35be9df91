//! What a run leaves behind for the judge: one directory of JSON and JSON lines.
//!
//! | File | Holds |
//! |---|---|
//! | `run.json` | one [`Manifest`]: what was done to the system, and which bounds it had |
//! | `clients.jsonl` | [`ClientRecord`]s, in the order in which the clients saw them |
//! | `dump/<service>.jsonl` | one line for each row of each table, see [`dump_line`] |
//! | `tap.jsonl` | [`TapEvent`]s, in the order in which a queue bound `#` got them |
//! | `tap-garbage.jsonl` | [`TapGarbage`]: what that queue got and is no event; may be absent |
//! | `subscribers/<client>.jsonl` | [`Seen`]s, in the order in which one client saw them |
//! | `samples.jsonl` | [`Sample`]s of the processes; may be absent |
//! | `broker.json` | one [`BrokerState`], read after the quiet |
//!
//! # Design notes
//! The same types write and read, so that recorder and judge cannot disagree about a name. Texts
//! are [`Cow`]s: a recorder puts in what it has, and the judge borrows from the line it has just
//! read, of which there are millions. A file that is absent and not said to be optional is an error
//! of the run, never an empty history: a judge that finds nothing because nothing was recorded is
//! worthless.

mod restored;

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use restored::Restored;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Name of the [`Manifest`]'s file.
pub const MANIFEST: &str = "run.json";
/// Name of the clients' history.
pub const CLIENTS: &str = "clients.jsonl";
/// Directory of the databases' dumps.
pub const DUMPS: &str = "dump";
/// Name of the tap's log.
pub const TAP: &str = "tap.jsonl";
/// Name of the log of what the tap got and is no event.
pub const TAP_GARBAGE: &str = "tap-garbage.jsonl";
/// Directory of the subscribers' logs.
pub const SUBSCRIBERS: &str = "subscribers";
/// Name of the samples' file.
pub const SAMPLES: &str = "samples.jsonl";
/// Name of the [`BrokerState`]'s file.
pub const BROKER: &str = "broker.json";
/// The pseudo table under which a dump says what the database itself knew: a [`DatabaseRow`].
pub const DATABASE_ROW: &str = "_database";

/// What was done to the system, and within which bounds it had to stay.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// The services that ran; each has a dump.
    pub services: Vec<String>,
    /// The longest that recovery may take after the last fault, in seconds.
    pub recovered_within_seconds: f64,
    /// How long it took until nothing was left to do: the relays' marks at the end of their logs,
    /// the logs sealed, the consumers agreed, nothing parked, the queues empty. `None` when that
    /// never came.
    pub quiet_seconds: Option<f64>,
    /// Whether a fault of this run takes messages away from the broker. Replays from the producers'
    /// logs are then what repairs them; without such a fault a replay means that one was lost.
    pub broker_lost_messages: bool,
    /// Whether that fault takes messages away from the tap's own queue as well, so that the tap
    /// need not have seen everything, nor in order.
    pub tap_lost_messages: bool,
    /// That the databases were restored to an earlier instant, if they were.
    pub restored: Option<Restored>,
    /// How often an event may be seen again.
    pub duplicates: DuplicateBound,
    /// The most memory that a process may hold resident at any sample, in bytes.
    pub memory_bytes_most: Option<u64>,
    /// The most sockets that a process may hold open at any sample.
    pub sockets_most: Option<u64>,
    /// The longest that the oldest unpublished event may have waited at any sample, in
    /// milliseconds.
    pub outbox_age_ms_most: Option<u64>,
    /// What the run itself put into the broker.
    pub injected: Injected,
    /// The subscribers whose subscriptions the run made and knows. Subscribers that the load made
    /// need not stand here: they are judged by their rows alone.
    pub subscribers: Vec<Subscriber>,
    /// How far each service's own clock was ahead of the database's, in seconds.
    pub clock_skew_seconds: BTreeMap<String, i64>,
    /// What each service counted, as far as its last process knows.
    pub counters: BTreeMap<String, Counters>,
}

/// The bound of I11. A relay that takes over publishes again from the durable mark, which is
/// written once a second, so each leadership may repeat about a second of publishing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DuplicateBound {
    /// How often one event may be seen in the tap at most, the first time included. 0 sets no
    /// bound.
    pub sightings_per_event: u64,
    /// How many leaderships of relays began in the run, over all services.
    pub leaderships: u64,
    /// How many events one leadership may repeat at most.
    pub duplicates_per_leadership: u64,
}

/// What the run itself put into the broker, so that its traces are no breach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Injected {
    /// Ids of events that the run forged. The tap may show them, and their dead letters are
    /// expected; nothing else may follow from them.
    pub event_ids: Vec<Uuid>,
    /// SHA-256, in lower-case hex, of the bodies of poison.
    pub payload_hashes: Vec<String>,
    /// Fingerprints of the dead letters to expect, where they are known before.
    pub fingerprints: Vec<String>,
    /// Aggregates that only forged events know, as `service/aggregate/id`: that a consumer keeps a
    /// mark or a parked event of them is expected.
    pub aggregates: Vec<String>,
    /// Ids of true events whose copies the run put into the broker once more.
    pub repeated_event_ids: Vec<Uuid>,
}

/// A subscriber that the run made, and what it asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscriber {
    /// Resource name, `subscribers/{id}`.
    pub name: String,
    /// Its subscriptions.
    pub filters: Vec<Filter>,
    /// The highest `event.seq` of the notifications service when all its subscriptions were in
    /// force and nothing was under way: everything after it must be told. `None` when there was no
    /// such instant, since the load was running already.
    #[serde(default)]
    pub complete_after: Option<i64>,
    /// Whether its subscriptions lasted to the end.
    pub to_end: bool,
}

/// What a subscription asks for, as `SubscriptionFilter` says it: resource names, empty lists and
/// severity 0 ask for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// CloudEvents types.
    pub event_types: Vec<String>,
    /// `areas/{code}`.
    pub areas: Vec<String>,
    /// `agreements/{id}`.
    pub agreements: Vec<String>,
    /// `districtBoards/{code}`.
    pub district_boards: Vec<String>,
    /// 0 to 3.
    pub minimum_severity: i32,
}

/// What a process counted while the load ran, from its metrics. What it counted before is left out:
/// a consumer that is new reads its history by a replay, and that is no loss.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Events that came by a replay.
    pub replayed: Option<u64>,
    /// Messages that became dead letters.
    pub dead_letters: Option<u64>,
}

/// One line of the clients' history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientRecord<'a> {
    /// A command was sent. A repetition of it, with the same request id, is sent anew.
    #[serde(borrow)]
    Invoke(Invoke<'a>),
    /// It was answered.
    #[serde(borrow)]
    Ok(Answer<'a>),
    /// It was refused: the service says that nothing happened.
    #[serde(borrow)]
    Refused(Refusal<'a>),
    /// Nobody knows: the connection broke, the deadline passed, the answer was an internal error.
    Unknown(Unknown),
}

/// A command was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoke<'a> {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Which client.
    pub client: u32,
    /// The command's id.
    pub request_id: Uuid,
    /// The method, `handslag.registry.v1.RegistryService/CreateArea`; a slash in front is ignored.
    #[serde(borrow)]
    pub method: Cow<'a, str>,
}

/// A command was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer<'a> {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The command's id.
    pub request_id: Uuid,
    /// SHA-256 of the encoded response, in lower-case hex.
    #[serde(borrow)]
    pub answer_hash: Cow<'a, str>,
    /// The resource that the answer names with its etag, where it names one whose etag is the
    /// version of an aggregate: a subscription's is not, it counts apart from its subscriber.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource<'a>>,
}

/// An aggregate at a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource<'a> {
    /// Type of the aggregate, as events call it: `signatory`.
    #[serde(borrow)]
    pub aggregate: Cow<'a, str>,
    /// Its id or code, as events have it.
    #[serde(borrow)]
    pub aggregate_id: Cow<'a, str>,
    /// Its version.
    pub version: i64,
}

/// A command was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal<'a> {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The command's id.
    pub request_id: Uuid,
    /// Status code, `FAILED_PRECONDITION`.
    #[serde(borrow)]
    pub code: Cow<'a, str>,
    /// Reason, `ALREADY_ACCEPTED`.
    #[serde(borrow)]
    pub reason: Cow<'a, str>,
}

/// Nobody knows what became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// The command's id.
    pub request_id: Uuid,
}

/// What the database itself knew when it was dumped: asked in the transaction of the tables, and
/// after them, so that nothing that they hold was written later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseRow<'a> {
    /// `clock_timestamp()` of the database, as `row_to_json` writes it.
    #[serde(borrow)]
    pub now: Cow<'a, str>,
    /// Connections of the service that stood idle in a transaction.
    pub connections_in_transaction: u64,
}

/// An event that the tap got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapEvent<'a> {
    /// `cloudEvents_id`.
    pub id: Uuid,
    /// `cloudEvents_type`.
    #[serde(borrow)]
    pub r#type: Cow<'a, str>,
    /// `cloudEvents_source` without its `/handslag/`.
    #[serde(borrow)]
    pub service: Cow<'a, str>,
    /// `cloudEvents_aggregate`.
    #[serde(borrow)]
    pub aggregate: Cow<'a, str>,
    /// `cloudEvents_aggregateid`.
    #[serde(borrow)]
    pub aggregate_id: Cow<'a, str>,
    /// `cloudEvents_sequence`.
    pub version: i64,
    /// `cloudEvents_seq`.
    pub seq: i64,
    /// `cloudEvents_subject`.
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    /// `cloudEvents_actor`.
    #[serde(borrow)]
    pub actor: Cow<'a, str>,
    /// `cloudEvents_time`, RFC 3339.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// Under which it was published.
    #[serde(borrow)]
    pub routing_key: Cow<'a, str>,
    /// SHA-256 of the body, in lower-case hex.
    #[serde(borrow)]
    pub payload_hash: Cow<'a, str>,
    /// Whether the broker says that it delivers it again.
    pub redelivered: bool,
    /// Milliseconds since the run began. Only a run with a restore asks for it.
    #[serde(default)]
    pub at_ms: u64,
}

/// A message that the tap got and that is no event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapGarbage<'a> {
    /// `cloudEvents_id`, when that at least could be read.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Under which it was published.
    #[serde(borrow)]
    pub routing_key: Cow<'a, str>,
    /// SHA-256 of the body, in lower-case hex.
    #[serde(borrow)]
    pub payload_hash: Cow<'a, str>,
}

/// A notification that a subscriber's client saw, by stream or by pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen<'a> {
    /// Resource name, `subscribers/{id}`.
    #[serde(borrow)]
    pub subscriber: Cow<'a, str>,
    /// The event.
    pub event_id: Uuid,
    /// Its type.
    #[serde(borrow)]
    pub event_type: Cow<'a, str>,
    /// What it is about: a resource name.
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    /// Version of the subject.
    pub subject_version: i64,
    /// Number in the subscriber's inbox.
    pub position: i64,
    /// Which connection of this client, from 1: what was not acknowledged comes again on the next.
    /// A client that pulls begins a new one whenever it asks from an older cursor.
    pub connection: u32,
    /// Milliseconds since the run began. Only a run with a restore asks for it.
    #[serde(default)]
    pub at_ms: u64,
}

/// One look at one process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample<'a> {
    /// Milliseconds since the run began.
    pub at_ms: u64,
    /// Which service.
    #[serde(borrow)]
    pub service: Cow<'a, str>,
    /// Resident memory.
    pub resident_bytes: u64,
    /// Open sockets.
    pub sockets: u64,
    /// Connections of its pool that stand idle in a transaction and have for longer than a command
    /// may take.
    #[serde(default)]
    pub in_transaction: u64,
    /// Age of the oldest event that is not published yet.
    #[serde(default)]
    pub outbox_age_ms: Option<u64>,
}

/// The broker after the quiet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerState {
    /// Every queue of the virtual host but the tap's, `handslag.unrouted` included.
    pub queues: Vec<QueueState>,
}

/// A queue after the quiet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// Messages that wait.
    pub ready: u64,
    /// Messages that are delivered and not acknowledged.
    pub unacknowledged: u64,
}

/// A line of a dump, without its line feed: the table, and the row as `row_to_json` has written it.
///
/// # Errors
/// When the name of the table cannot be encoded, which no text is known to cause.
pub fn dump_line(table: &str, row: &str) -> serde_json::Result<String> {
    let table = serde_json::to_string(table)?;
    Ok(format!("{{\"table\":{table},\"row\":{row}}}"))
}
