//! Dead letters: events whose effect was refused, kept until somebody acts.
//!
//! # Design notes
//! The record is a row beside the inbox, written before the delivery is given up, so nothing
//! depends on the broker's keeping it. The broker's dead-letter queue feeds the same table with
//! what it gave up itself. An operator's wish is a mark on the row; the running consumer carries it
//! out, since only it has the effects.

mod burial;

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

pub(crate) use self::burial::{Burial, bury, bury_unless_known};
use super::envelope::{Envelope, Headers, Raw};
use crate::database::begin;

/// A dead letter as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeadLetter {
    /// Its number here.
    pub id: i64,
    /// Queue in which it was delivered.
    pub queue: String,
    /// Producing service.
    pub producer: String,
    /// Aggregate type; none for garbage.
    pub aggregate: Option<String>,
    /// Aggregate id.
    pub aggregate_id: Option<String>,
    /// Version of the aggregate.
    pub version: Option<i64>,
    /// CloudEvents type.
    pub r#type: Option<String>,
    /// `rejected`, `tries`, `malformed`, `broker` or `replayed`.
    pub reason: String,
    /// The error and its causes.
    pub error: String,
    /// How often it was buried.
    pub attempts: i32,
    /// When it was first.
    #[serde(with = "time::serde::rfc3339")]
    pub recorded_at: OffsetDateTime,
    /// When it was last.
    #[serde(with = "time::serde::rfc3339")]
    pub last_at: OffsetDateTime,
    /// Whether it waits to be tried again.
    pub replay_wanted: bool,
}

/// A dead letter with its content.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Content {
    /// The letter.
    #[serde(flatten)]
    pub letter: DeadLetter,
    /// Headers of the message.
    pub headers: Headers,
    /// Body of the message.
    pub payload: Vec<u8>,
}

/// Why an operator's wish cannot be fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such dead letter.
    #[error("there is no dead letter {0}")]
    NotFound(i64),
    /// Earlier versions of the aggregate are missing, so the mark cannot move over this one.
    #[error("earlier versions of the aggregate are missing: the mark is {mark}, this is {version}")]
    NotNext {
        /// The aggregate's mark.
        mark: i64,
        /// The dead letter's version.
        version: i64,
    },
    /// The database's.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// The dead letters of a service, oldest first.
///
/// # Errors
/// The database's.
pub async fn list(pool: &PgPool) -> Result<Vec<DeadLetter>, sqlx::Error> {
    sqlx::query_as!(
        DeadLetter,
        "SELECT id, queue, producer, aggregate, aggregate_id, version, type, reason, error,
                attempts, recorded_at, last_at, replay_wanted
         FROM dead_letter ORDER BY id",
    )
    .fetch_all(pool)
    .await
}

/// One dead letter with its content.
///
/// # Errors
/// The database's.
pub async fn show(pool: &PgPool, id: i64) -> Result<Option<Content>, sqlx::Error> {
    let Some(letter) = list(pool).await?.into_iter().find(|letter| letter.id == id) else {
        return Ok(None);
    };
    let row = sqlx::query!(
        r#"SELECT headers AS "headers: Json<Headers>", payload FROM dead_letter WHERE id = $1"#,
        id,
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|row| Content {
        letter,
        headers: row.headers.0,
        payload: row.payload,
    }))
}

/// Has the running consumer try the event again, within a second; its parked successors follow.
///
/// # Errors
/// [`Refusal::NotFound`], or the database's.
pub async fn replay(pool: &PgPool, id: i64) -> Result<(), Refusal> {
    let wanted = sqlx::query!(
        "UPDATE dead_letter SET replay_wanted = true WHERE id = $1",
        id
    )
    .execute(pool)
    .await?;
    if wanted.rows_affected() == 0 {
        return Err(Refusal::NotFound(id));
    }
    Ok(())
}

/// Gives the event up: the mark moves over the hole it leaves, and its parked successors are
/// applied by the running consumer within a second. Garbage, which belongs to no aggregate, is only
/// forgotten.
///
/// # Errors
/// [`Refusal`].
pub async fn discard(pool: &PgPool, id: i64) -> Result<(), Refusal> {
    let mut tx = begin(pool).await?;
    let letter = sqlx::query!(
        "DELETE FROM dead_letter WHERE id = $1
         RETURNING producer, aggregate, aggregate_id, version",
        id,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Refusal::NotFound(id))?;
    if let (Some(aggregate), Some(aggregate_id), Some(version)) =
        (letter.aggregate, letter.aggregate_id, letter.version)
    {
        let mark = move_mark(
            &mut tx,
            &letter.producer,
            &aggregate,
            &aggregate_id,
            version,
        )
        .await?;
        if mark < version {
            return Err(Refusal::NotNext { mark, version });
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Moves the mark over `version` if it stands right before it, and answers where it stands now.
async fn move_mark(
    tx: &mut PgConnection,
    producer: &str,
    aggregate: &str,
    aggregate_id: &str,
    version: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query!(
        "INSERT INTO inbox_mark AS mark (producer, aggregate, aggregate_id, version)
         SELECT $1, $2, $3, $4::bigint
         WHERE $4::bigint = 1
            OR EXISTS (SELECT FROM inbox_mark
                       WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3)
         ON CONFLICT (producer, aggregate, aggregate_id)
         DO UPDATE SET version = $4::bigint WHERE mark.version = $4::bigint - 1",
        producer,
        aggregate,
        aggregate_id,
        version,
    )
    .execute(&mut *tx)
    .await?;
    let mark = sqlx::query_scalar!(
        "SELECT version FROM inbox_mark
         WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3",
        producer,
        aggregate,
        aggregate_id,
    )
    .fetch_optional(tx)
    .await?;
    Ok(mark.unwrap_or(0))
}

/// Events that an operator wants to be tried again. Garbage is read again too: a newer version may
/// understand it.
pub(crate) async fn wanted(
    pool: &PgPool,
    producer: &str,
    limit: i64,
) -> Result<Vec<Envelope<Raw>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id, headers AS "headers: Json<Headers>", payload FROM dead_letter
           WHERE producer = $1 AND replay_wanted ORDER BY version LIMIT $2"#,
        producer,
        limit,
    )
    .fetch_all(pool)
    .await?;
    let mut events = Vec::new();
    for row in rows {
        match Envelope::from_headers(&row.headers, row.payload) {
            Ok(event) if event.service == producer => events.push(event),
            _ => {
                sqlx::query!(
                    "UPDATE dead_letter SET replay_wanted = false, attempts = attempts + 1,
                            last_at = now() WHERE id = $1",
                    row.id
                )
                .execute(pool)
                .await?;
            }
        }
    }
    Ok(events)
}

/// Forgets the dead letter of an event that has had its effect.
pub(crate) async fn remove(pool: &PgPool, event: &Envelope<Raw>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM dead_letter
         WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3 AND version = $4",
        event.service,
        event.aggregate,
        event.aggregate_id,
        event.version,
    )
    .execute(pool)
    .await?;
    Ok(())
}
