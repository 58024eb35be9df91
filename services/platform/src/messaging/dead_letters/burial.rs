//! Recording a dead letter.

use sha2::{Digest as _, Sha256};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use crate::database::begin;
use crate::error::BoxError;
use crate::messaging::envelope::{Envelope, Headers, Raw};
use crate::messaging::{account, inbox};

/// Longest error text kept, in characters.
const ERROR_LENGTH: usize = 2_000;

/// A message about to become a dead letter.
#[derive(Debug)]
pub(crate) struct Burial {
    fingerprint: String,
    queue: String,
    producer: String,
    event: Option<Envelope<Raw>>,
    reason: &'static str,
    error: String,
    headers: Headers,
    payload: Vec<u8>,
}

impl Burial {
    /// Of an event whose effect was refused.
    pub(crate) fn of_event(
        queue: &str,
        event: &Envelope<Raw>,
        reason: &'static str,
        error: &BoxError,
    ) -> Self {
        let Envelope {
            service,
            aggregate,
            aggregate_id,
            version,
            ..
        } = event;
        Self {
            fingerprint: format!("{service}/{aggregate}/{aggregate_id}/{version}"),
            queue: queue.to_owned(),
            producer: event.service.clone(),
            reason,
            error: chain(error),
            headers: event.headers(),
            payload: event.body.payload.clone(),
            event: Some(event.clone()),
        }
    }

    /// Of a message that is no event.
    pub(crate) fn of_garbage(
        queue: &str,
        producer: &str,
        mut headers: Headers,
        payload: Vec<u8>,
        error: String,
    ) -> Self {
        // The broker's own headers change with every delivery.
        headers.retain(|name, _| !name.starts_with("x-"));
        let mut hash = Sha256::new();
        for (name, value) in &headers {
            hash.update(name);
            hash.update([0]);
            hash.update(value);
            hash.update([0]);
        }
        hash.update(&payload);
        let hash = data_encoding::HEXLOWER.encode(&hash.finalize());
        Self {
            fingerprint: format!("{queue}/{hash}"),
            queue: queue.to_owned(),
            producer: producer.to_owned(),
            event: None,
            reason: "malformed",
            error,
            headers,
            payload,
        }
    }
}

/// Records a dead letter, or that it died once more.
pub(crate) async fn bury(pool: &PgPool, burial: &Burial) -> Result<(), sqlx::Error> {
    let mut tx = begin(pool).await?;
    write(&mut tx, burial).await?;
    tx.commit().await?;
    tracing::error!(
        queue = burial.queue,
        dead_letter = burial.fingerprint,
        reason = burial.reason,
        error = burial.error,
        "an event is a dead letter: later events of its aggregate wait until somebody acts"
    );
    Ok(())
}

/// Records a dead letter unless it is recorded already, or has had its effect by another delivery.
pub(crate) async fn bury_unless_known(pool: &PgPool, burial: &Burial) -> Result<bool, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM dead_letter WHERE fingerprint = $1)
               OR EXISTS (SELECT FROM inbox_mark
                          WHERE producer = $2 AND aggregate = $3 AND aggregate_id = $4
                            AND version >= $5) AS "known!""#,
        burial.fingerprint,
        burial.producer,
        burial.event.as_ref().map(|event| event.aggregate.as_str()),
        burial
            .event
            .as_ref()
            .map(|event| event.aggregate_id.as_str()),
        burial.event.as_ref().map(|event| event.version),
    )
    .fetch_one(pool)
    .await?;
    if !known {
        bury(pool, burial).await?;
    }
    Ok(!known)
}

async fn write(tx: &mut PgConnection, burial: &Burial) -> Result<(), sqlx::Error> {
    let event = burial.event.as_ref();
    sqlx::query!(
        "INSERT INTO dead_letter AS letter (fingerprint, queue, producer, aggregate, aggregate_id,
                                            version, type, reason, error, headers, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (fingerprint) DO UPDATE
         SET attempts = letter.attempts + 1, last_at = now(), replay_wanted = false,
             reason = excluded.reason, error = excluded.error",
        burial.fingerprint,
        burial.queue,
        burial.producer,
        event.map(|event| event.aggregate.as_str()),
        event.map(|event| event.aggregate_id.as_str()),
        event.map(|event| event.version),
        event.map(|event| event.r#type.as_str()),
        burial.reason,
        burial.error,
        Json(&burial.headers) as _,
        burial.payload,
    )
    .execute(&mut *tx)
    .await?;
    if let Some(event) = event {
        // It is here, if not applied: the digest must not ask for it again and again.
        inbox::unpark(tx, event).await?;
        account::note(tx, &burial.producer, std::iter::once(event)).await?;
    }
    Ok(())
}

/// An error with its causes, as one bounded line without NUL.
fn chain(error: &BoxError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text.replace('\0', "\u{fffd}")
        .chars()
        .take(ERROR_LENGTH)
        .collect()
}
