//! The answers that commands got.
//!
//! # Design notes
//! The row is inserted when a command begins and not when it ends: a twin with the same id waits at
//! the unique index until the first has committed or is undone. Inserted at the end, the twin would
//! run its rules against the first one's effect and be refused for it ("already accepted") instead
//! of being given the first one's answer.

use handslag_proto::RequestFields;
use prost::Message;
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::error::{ErrorCode, Fault};
use crate::rpc::{Call, Failure};
use crate::violations::FieldError;

/// How long an answer is remembered, in days. A client that repeats a command does so within
/// minutes; a queue in front of a board's system may hold one over a long weekend.
const REMEMBERED_DAYS: i32 = 7;
/// Rows deleted in one statement: keeps each below some tens of milliseconds.
const SWEEP_ROWS: i64 = 1_000;

/// What identifies a command.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    subject: &'a str,
    request_id: Uuid,
    method: &'static str,
    body_hash: [u8; 32],
}

impl<'a> Claim<'a> {
    /// # Errors
    /// `INVALID_REQUEST` when the request has no `request_id` or it is no UUID.
    pub(super) fn of<T: Message + RequestFields>(call: &'a Call<T>) -> Result<Self, Fault> {
        let text = call.request.text_field("request_id").unwrap_or_default();
        if text.is_empty() {
            return Err(("request_id", FieldError::required()).into());
        }
        let request_id = Uuid::try_parse(text).map_err(|_| {
            let error = FieldError::new(
                "REQUEST_ID_INVALID",
                "must be a UUID, a new one for each command",
                "Måste vara ett UUID.",
            );
            Fault::from(("request_id", error))
        })?;
        // Deterministic: fields are encoded in the order of their numbers, and no request holds a
        // map.
        let body_hash = Sha256::digest(call.request.encode_to_vec()).into();
        Ok(Self {
            subject: &call.principal.subject,
            request_id,
            method: call.method,
            body_hash,
        })
    }
}

/// Takes the id, or answers what it was answered with before. The transaction's events carry it as
/// their cause.
pub(super) async fn claim(tx: &mut PgConnection, claim: &Claim<'_>) -> Result<(), Failure> {
    let taken = sqlx::query!(
        r#"
        -- Waits for a twin that has inserted the row and not yet ended. The time is the database's
        -- own, by which it is forgotten too: replicas may differ in theirs.
        INSERT INTO request_log (subject, request_id, method, body_hash, created_at)
        VALUES ($1, $2, $3, $4, now())
        ON CONFLICT (subject, request_id) DO NOTHING
        RETURNING set_config('handslag.request_id', request_id::text, true) AS cause
        "#,
        claim.subject,
        claim.request_id,
        claim.method,
        &claim.body_hash,
    )
    .fetch_optional(&mut *tx)
    .await?;
    if taken.is_some() {
        return Ok(());
    }
    let first = sqlx::query!(
        r#"
        SELECT method, body_hash, response FROM request_log
        WHERE subject = $1 AND request_id = $2
        "#,
        claim.subject,
        claim.request_id
    )
    .fetch_optional(&mut *tx)
    .await?;
    match first {
        Some(first) if first.method == claim.method && first.body_hash == claim.body_hash => {
            match first.response {
                Some(response) => Err(Failure::Answered(response)),
                None => Err(Fault::internal("a committed command has no answer").into()),
            }
        }
        Some(_) => Err(Fault::new(
            ErrorCode::FailedPrecondition,
            "REQUEST_ID_REUSED",
            "this request_id belongs to another command; make a new one for each command",
            "Begärans nummer har redan använts för något annat.",
        )
        .into()),
        // The sweeper took the row between the two statements: the id is as good as new.
        None => Err(Fault::new(
            ErrorCode::Aborted,
            "CONCURRENT_CHANGE",
            "the request_id was just forgotten; try again",
            "Försök igen.",
        )
        .into()),
    }
}

/// Remembers the answer.
pub(super) async fn answer(
    tx: &mut PgConnection,
    claim: &Claim<'_>,
    response: &[u8],
) -> Result<(), Failure> {
    let updated = sqlx::query!(
        "UPDATE request_log SET response = $3 WHERE subject = $1 AND request_id = $2",
        claim.subject,
        claim.request_id,
        response
    )
    .execute(tx)
    .await?
    .rows_affected();
    if updated != 1 {
        return Err(
            Fault::internal("the command to answer was not begun in this transaction").into(),
        );
    }
    Ok(())
}

/// Forgets answers older than seven days; answers how many.
///
/// # Errors
/// When the database does not answer.
pub async fn sweep(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let mut forgotten = 0;
    loop {
        let rows = sqlx::query!(
            r#"
            -- A batch a statement, so that no lock is held for long and no snapshot grows old.
            DELETE FROM request_log
            WHERE (subject, request_id) IN (
                SELECT subject, request_id FROM request_log
                WHERE created_at < now() - make_interval(days => $1) LIMIT $2
            )
            "#,
            REMEMBERED_DAYS,
            SWEEP_ROWS
        )
        .execute(&mut *connection)
        .await?
        .rows_affected();
        forgotten += rows;
        if rows < u64::try_from(SWEEP_ROWS).unwrap_or(u64::MAX) {
            return Ok(forgotten);
        }
    }
}
