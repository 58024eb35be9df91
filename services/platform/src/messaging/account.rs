//! Digests: producer and consumer compare what was said with what was heard.
//!
//! # Design notes
//! Every few seconds the relay says how many events lie below its mark and what their hashes sum up
//! to. The message travels through the same queue behind the events it sums up, so a consumer that
//! has less has lost something: a purged queue, a missing binding, a broker restored from
//! yesterday. It differs twice (a rejected delivery may still be on its way back) and asks for what
//! came since the last agreement. A consumer that was never there before differs from the start,
//! and so reads its history without anybody's help.
//!
//! Since the sums are kept from the first event on and only what came after the last agreement is
//! kept one by one, both sides stay small. If three replays bring no agreement, the consumer
//! forgets its sums and counts the whole log again; the marks stay, so no effect happens twice.

use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use super::broker::Outgoing;
use super::comparison::{Comparison, Digest, Verdict};
use super::envelope::{Envelope, Raw, control_properties};
use super::relay::holes::{Mark, event_hash};
use super::topology;
use crate::database::begin;

/// The control message that carries a digest.
pub(crate) const DIGEST: &str = "digest";
impl Digest {
    /// As a message to all consumers. It is no error to have none.
    pub(crate) fn message(&self) -> Outgoing {
        Outgoing {
            exchange: topology::DIGESTS,
            routing_key: self.producer.clone(),
            properties: control_properties(DIGEST),
            payload: serde_json::to_vec(self).unwrap_or_default(),
            mandatory: false,
        }
    }
}

/// Notes that events have arrived, whatever becomes of them: applied, duplicate, parked or dead.
pub(crate) async fn note<'a>(
    tx: &mut PgConnection,
    producer: &str,
    events: impl Iterator<Item = &'a Envelope<Raw>>,
) -> Result<(), sqlx::Error> {
    let (seqs, hashes): (Vec<i64>, Vec<i64>) = events
        .map(|event| (event.seq, event_hash(event.seq, event.id)))
        .unzip();
    sqlx::query!(
        "INSERT INTO inbox_seen (producer, seq, hash)
         SELECT $1, new.seq, new.hash
         FROM unnest($2::bigint[], $3::bigint[]) AS new (seq, hash)
         -- What was agreed on is counted already.
         WHERE new.seq > coalesce((SELECT seq FROM inbox_account WHERE producer = $1), 0)
         ON CONFLICT DO NOTHING",
        producer,
        &seqs,
        &hashes,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Compares a digest with what was heard; an agreement is written down and replaces what it sums
/// up.
pub(crate) async fn compare(
    pool: &PgPool,
    comparison: &mut Comparison,
    digest: &Digest,
) -> Result<Verdict, sqlx::Error> {
    let mut tx = begin(pool).await?;
    let account = sqlx::query!(
        "INSERT INTO inbox_account AS account (producer) VALUES ($1)
         ON CONFLICT (producer) DO UPDATE SET producer = account.producer
         RETURNING seq, count, hash",
        digest.producer,
    )
    .fetch_one(&mut *tx)
    .await?;
    let since = sqlx::query!(
        // The sum may exceed a bigint; both sides let it wrap, as two's complement does.
        r#"SELECT count(*) AS "count!",
                  (((coalesce(sum(hash), 0) % 18446744073709551616) + 27670116110564327424)
                      % 18446744073709551616 - 9223372036854775808)::bigint AS "hash!"
           FROM inbox_seen WHERE producer = $1 AND seq <= $2"#,
        digest.producer,
        digest.seq,
    )
    .fetch_one(&mut *tx)
    .await?;
    let agreed = Mark {
        seq: account.seq,
        count: account.count,
        hash: account.hash,
    };
    let now = Instant::now().into_std();
    let verdict = comparison.judge(digest, agreed, (since.count, since.hash), now);
    if verdict == Verdict::Agree {
        agree(&mut tx, digest).await?;
    }
    tx.commit().await?;
    Ok(verdict)
}

async fn agree(tx: &mut PgConnection, digest: &Digest) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE inbox_account SET seq = $2, count = $3, hash = $4, agreed_at = now()
         WHERE producer = $1",
        digest.producer,
        digest.seq,
        digest.count,
        digest.hash,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "DELETE FROM inbox_seen WHERE producer = $1 AND seq <= $2",
        digest.producer,
        digest.seq,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets the sums, so that the whole log is asked for and counted again.
pub(crate) async fn recount(tx: &mut PgConnection, producer: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO inbox_account (producer, replay_wanted) VALUES ($1, true)
         ON CONFLICT (producer) DO UPDATE
         SET seq = 0, count = 0, hash = 0, replay_wanted = true, agreed_at = NULL",
        producer,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!("DELETE FROM inbox_seen WHERE producer = $1", producer)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether the whole log is to be asked for.
pub(crate) async fn replay_wanted(pool: &PgPool, producer: &str) -> Result<bool, sqlx::Error> {
    let wanted = sqlx::query_scalar!(
        "SELECT replay_wanted FROM inbox_account WHERE producer = $1",
        producer
    )
    .fetch_optional(pool)
    .await?;
    Ok(wanted.unwrap_or(false))
}

/// The whole log has been asked for.
pub(crate) async fn replay_asked(pool: &PgPool, producer: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE inbox_account SET replay_wanted = false WHERE producer = $1",
        producer
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Forgets everything heard from `producer` and has its log replayed from the first event. The
/// caller empties the read model in the same transaction; the running consumer asks for the replay
/// within a second.
///
/// # Errors
/// The database's.
pub async fn rebuild(tx: &mut PgConnection, producer: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM inbox_mark WHERE producer = $1", producer)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("DELETE FROM inbox_parked WHERE producer = $1", producer)
        .execute(&mut *tx)
        .await?;
    sqlx::query!("DELETE FROM dead_letter WHERE producer = $1", producer)
        .execute(&mut *tx)
        .await?;
    recount(tx, producer).await
}
