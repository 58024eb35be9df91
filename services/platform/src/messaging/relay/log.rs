//! Reading the outbox log.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use super::course::Numbered;
use super::holes::{Mark, event_hash};
use crate::messaging::envelope::{Envelope, Raw};
use crate::messaging::topology;

/// Rows of one read. Large enough that the read's round trip disappears behind the publishing of
/// its rows.
pub(crate) const BATCH: i64 = 1_000;

/// A row of the log.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) seq: i64,
    pub(crate) aggregate: String,
    pub(crate) aggregate_id: String,
    pub(crate) version: i64,
    pub(crate) id: Uuid,
    pub(crate) r#type: String,
    pub(crate) district: String,
    pub(crate) subject: String,
    pub(crate) actor: String,
    pub(crate) time: OffsetDateTime,
    pub(crate) traceparent: Option<String>,
    pub(crate) payload: Vec<u8>,
}

impl Numbered for Logged {
    fn seq(&self) -> i64 {
        self.seq
    }

    fn hash(&self) -> i64 {
        event_hash(self.seq, self.id)
    }
}

impl Logged {
    pub(crate) fn routing_key(&self) -> String {
        topology::routing_key(&self.r#type, &self.district)
    }

    pub(crate) fn into_envelope(self, service: &str) -> Envelope<Raw> {
        Envelope {
            id: self.id,
            r#type: self.r#type,
            service: service.to_owned(),
            aggregate: self.aggregate,
            aggregate_id: self.aggregate_id,
            subject: self.subject,
            version: self.version,
            seq: self.seq,
            time: self.time,
            actor: self.actor,
            traceparent: self.traceparent,
            body: Raw {
                payload: self.payload,
            },
        }
    }
}

/// What one read found, all of it in one snapshot.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) rows: Vec<Logged>,
    /// The oldest transaction that was running.
    pub(crate) oldest_running: i64,
}

/// Reads what is new after `newest` and what has turned up in the holes.
pub(crate) async fn read(
    connection: &mut PgConnection,
    newest: i64,
    holes: (Vec<i64>, Vec<i64>),
) -> Result<Read, sqlx::Error> {
    let found = sqlx::query!(
        r#"
        -- One statement, so that rows and oldest transaction come from the same snapshot.
        SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS "oldest_running!",
               o.seq AS "seq?", o.aggregate AS "aggregate?", o.aggregate_id AS "aggregate_id?",
               o.version AS "version?", o.id AS "id?", o.type AS "type?",
               o.district AS "district?", o.subject AS "subject?", o.actor AS "actor?",
               o.time AS "time?", o.traceparent AS "traceparent?", o.payload AS "payload?"
        FROM (VALUES (1)) AS always (one)
        LEFT JOIN (
            -- Hole by hole: as a join, the planner would walk the whole log in order of seq and
            -- look for each row's hole, at every poll and when there is no hole at all.
            (SELECT late.* FROM unnest($2::bigint[], $3::bigint[]) AS hole (first, last)
             CROSS JOIN LATERAL (
                 SELECT * FROM outbox WHERE seq BETWEEN hole.first AND hole.last
                 ORDER BY seq LIMIT $4) AS late
             ORDER BY late.seq LIMIT $4)
            UNION ALL
            (SELECT * FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $4)
        ) AS o ON true
        ORDER BY o.seq
        "#,
        newest,
        &holes.0,
        &holes.1,
        BATCH,
    )
    .fetch_all(connection)
    .await?;
    let oldest_running = found.first().map_or(0, |row| row.oldest_running);
    let rows: Vec<Logged> = found
        .into_iter()
        .filter_map(|row| {
            Some(Logged {
                seq: row.seq?,
                aggregate: row.aggregate?,
                aggregate_id: row.aggregate_id?,
                version: row.version?,
                id: row.id?,
                r#type: row.r#type?,
                district: row.district?,
                subject: row.subject?,
                actor: row.actor?,
                time: row.time?,
                traceparent: row.traceparent,
                payload: row.payload?,
            })
        })
        .collect();
    Ok(Read {
        rows,
        oldest_running,
    })
}

/// A transaction number that is higher than that of every transaction begun so far.
pub(crate) async fn fresh_transaction_number(
    connection: &mut PgConnection,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_current_xact_id()::text::bigint AS "number!""#)
        .fetch_one(connection)
        .await
}

/// The durable mark, and the timeline on which it was written.
pub(crate) async fn mark(connection: &mut PgConnection) -> Result<(Mark, String), sqlx::Error> {
    let row = sqlx::query!("SELECT low_water, count, hash, timeline FROM relay_mark")
        .fetch_one(connection)
        .await?;
    Ok((
        Mark {
            seq: row.low_water,
            count: row.count,
            hash: row.hash,
        },
        row.timeline,
    ))
}

/// Writes the mark. Only the holder of the leader's lock may, and it does so on the lock's own
/// connection.
pub(crate) async fn save_mark(
    connection: &mut PgConnection,
    mark: Mark,
    timeline: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE relay_mark
         SET low_water = $1, count = $2, hash = $3, timeline = $4, written_at = now()",
        mark.seq,
        mark.count,
        mark.hash,
        timeline,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Committed rows with `after < seq <= last`, at most a batch.
pub(crate) async fn range(
    pool: &PgPool,
    after: i64,
    last: i64,
) -> Result<Vec<Logged>, sqlx::Error> {
    sqlx::query_as!(
        Logged,
        "SELECT seq, aggregate, aggregate_id, version, id, type, district, subject, actor, time,
                traceparent, payload
         FROM outbox WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        after,
        last,
        BATCH,
    )
    .fetch_all(pool)
    .await
}

/// Versions `first..=last` of one aggregate, at most a batch.
pub(crate) async fn versions(
    pool: &PgPool,
    aggregate: &str,
    aggregate_id: &str,
    first: i64,
    last: i64,
) -> Result<Vec<Logged>, sqlx::Error> {
    sqlx::query_as!(
        Logged,
        "SELECT seq, aggregate, aggregate_id, version, id, type, district, subject, actor, time,
                traceparent, payload
         FROM outbox
         WHERE aggregate = $1 AND aggregate_id = $2 AND version BETWEEN $3 AND $4
         ORDER BY version LIMIT $5",
        aggregate,
        aggregate_id,
        first,
        last,
        BATCH,
    )
    .fetch_all(pool)
    .await
}
