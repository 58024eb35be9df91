//! The refused designs of messaging, for builds that the judge of the fault runs must catch.
//!
//! # Design notes
//! Each is the design as somebody would have written it in good faith, and no more than that. They
//! are compiled with the feature `failpoints` alone and asleep until a run names one of them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::broker::{self, Outgoing};
use super::relay::log::{Logged, Read};
use super::{Shared, topology};
use crate::failpoint;

/// Rows of one read, as in the relay.
const BATCH: i64 = 1_000;

/// Where the cursor over `(xid, seq)` stands.
static CURSOR: Mutex<(i64, i64)> = Mutex::new((0, 0));

/// Longest wait for the broker with a transaction open.
const SAID_WITHIN: Duration = Duration::from_secs(5);

/// An event to say, and who waits for the broker's confirmation.
type Said = (Logged, oneshot::Sender<()>);

type Early = (
    UnboundedSender<Said>,
    Mutex<Option<UnboundedReceiver<Said>>>,
);

fn early() -> &'static Early {
    static EARLY: OnceLock<Early> = OnceLock::new();
    EARLY.get_or_init(|| {
        let (sender, receiver) = unbounded_channel();
        (sender, Mutex::new(Some(receiver)))
    })
}

#[derive(sqlx::FromRow)]
struct Row {
    xid: i64,
    seq: i64,
    aggregate: String,
    aggregate_id: String,
    version: i64,
    id: uuid::Uuid,
    r#type: String,
    district: String,
    subject: String,
    actor: String,
    time: time::OffsetDateTime,
    traceparent: Option<String>,
    payload: Vec<u8>,
}

impl From<Row> for Logged {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            aggregate: row.aggregate,
            aggregate_id: row.aggregate_id,
            version: row.version,
            id: row.id,
            r#type: row.r#type,
            district: row.district,
            subject: row.subject,
            actor: row.actor,
            time: row.time,
            traceparent: row.traceparent,
            payload: row.payload,
        }
    }
}

/// `xmin-order`: everything below the oldest running transaction, in the order of transactions.
pub(super) async fn read_by_xid(connection: &mut PgConnection) -> Result<Read, sqlx::Error> {
    let (xid, seq) = *CURSOR.lock().unwrap_or_else(PoisonError::into_inner);
    let found: Vec<Row> = sqlx::query_as(
        "SELECT xid::text::bigint AS xid, seq, aggregate, aggregate_id, version, id, type, district,
                subject, actor, time, traceparent, payload
         FROM outbox
         WHERE (xid::text::bigint, seq) > ($1, $2)
           AND xid < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY xid::text::bigint, seq LIMIT $3",
    )
    .bind(xid)
    .bind(seq)
    .bind(BATCH)
    .fetch_all(connection)
    .await?;
    if let Some(last) = found.last() {
        *CURSOR.lock().unwrap_or_else(PoisonError::into_inner) = (last.xid, last.seq);
    }
    Ok(Read {
        rows: found.into_iter().map(Logged::from).collect(),
        // No hole is ever waited for.
        oldest_running: i64::MAX,
    })
}

/// `publish-before-commit`: says the event that was appended last, while its transaction is open, and
/// goes on when the broker has it.
pub(super) async fn say_before_commit(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    if !failpoint::defect("publish-before-commit") {
        return Ok(());
    }
    let row: Row = sqlx::query_as(
        "SELECT xid::text::bigint AS xid, seq, aggregate, aggregate_id, version, id, type, district,
                subject, actor, time, traceparent, payload
         FROM outbox WHERE xid = pg_current_xact_id() ORDER BY seq DESC LIMIT 1",
    )
    .fetch_one(tx)
    .await?;
    let (said, confirmed) = oneshot::channel();
    // Nobody listens any more when the process ends, or while the broker is away.
    let _ = early().0.send((row.into(), said));
    let _ = tokio::time::timeout(SAID_WITHIN, confirmed).await;
    Ok(())
}

/// Publishes what [`say_before_commit`] gave, until `stop`.
pub(super) async fn publish_early(shared: Arc<Shared>, stop: CancellationToken) {
    let taken = early()
        .1
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(mut events) = taken else { return };
    let name = format!("{} early", shared.settings.service);
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => return,
            event = events.recv() => event,
        };
        let Some(event) = event else { return };
        let Ok(connection) = broker::connect(&shared.settings.broker, name.clone()).await else {
            continue;
        };
        let Ok(channel) = broker::confirming_channel(&connection).await else {
            continue;
        };
        let mut next = Some(event);
        while let Some((event, said)) = next {
            let routing_key = event.routing_key();
            let envelope = event.into_envelope(&shared.settings.service);
            let message = Outgoing {
                exchange: topology::EVENTS,
                routing_key,
                properties: envelope.properties(),
                payload: envelope.body.payload,
                mandatory: false,
            };
            if broker::publish(channel.clone(), message).await.is_err() {
                break;
            }
            let _ = said.send(());
            next = tokio::select! {
                () = stop.cancelled() => None,
                event = events.recv() => event,
            };
        }
    }
}

/// `inbox-apart`: the mark has a transaction of its own, the effect another one.
pub(super) async fn commit_the_mark_first(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    if failpoint::defect("inbox-apart") {
        sqlx::raw_sql("COMMIT; BEGIN").execute(&mut *tx).await?;
        failpoint::at("consumer-applied");
    }
    Ok(())
}
