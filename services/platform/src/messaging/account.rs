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

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use super::broker::Outgoing;
use super::envelope::{Envelope, Raw, control_properties};
use super::relay::holes::{Mark, event_hash};
use super::relay::replay::Wanted;
use super::topology;

/// The control message that carries a digest.
pub(crate) const DIGEST: &str = "digest";
/// Differences before a replay is asked for.
const DIFFERENCES: u32 = 2;
/// Replays without agreement before everything is counted again.
const REPLAYS: u32 = 3;
/// How long a replay may be silent before it is taken for lost.
const REPLAY_SILENCE: Duration = Duration::from_secs(30);

/// What a producer has said so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Digest {
    pub(crate) producer: String,
    pub(crate) seq: i64,
    pub(crate) count: i64,
    pub(crate) hash: i64,
}

impl Digest {
    pub(crate) fn new(producer: &str, mark: Mark) -> Self {
        Self {
            producer: producer.to_owned(),
            seq: mark.seq,
            count: mark.count,
            hash: mark.hash,
        }
    }

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

/// What the comparison says to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Both agree, or it is too early to say.
    Wait,
    /// Ask the producer for this.
    Ask(Wanted),
    /// Forget the sums and count the whole log again.
    Recount,
}

/// What a consumer remembers of its comparisons while it runs. Losing it costs a few seconds.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    differences: u32,
    replays: u32,
    replaying_since: Option<Instant>,
}

impl Comparison {
    /// Something of a replay has arrived.
    pub(crate) fn progress(&mut self) {
        if let Some(since) = &mut self.replaying_since {
            *since = Instant::now();
        }
    }

    /// A replay of the whole log was asked for.
    pub(crate) fn replaying(&mut self) {
        self.replaying_since = Some(Instant::now());
    }

    /// The replay has come to its end.
    pub(crate) fn replayed(&mut self) {
        self.replaying_since = None;
        self.differences = DIFFERENCES - 1;
    }

    /// Judges a comparison of what was `heard` up to the digest, the last agreement being at
    /// `agreed`.
    fn judge(&mut self, digest: &Digest, agreed: i64, heard: (i64, i64)) -> Verdict {
        if heard == (digest.count, digest.hash) {
            *self = Self::default();
            return Verdict::Wait;
        }
        if self
            .replaying_since
            .is_some_and(|since| since.elapsed() < REPLAY_SILENCE)
        {
            return Verdict::Wait;
        }
        self.differences += 1;
        if self.differences < DIFFERENCES {
            return Verdict::Wait;
        }
        self.differences = 0;
        self.replays += 1;
        self.replaying();
        if self.replays > REPLAYS {
            self.replays = 0;
            return Verdict::Recount;
        }
        Verdict::Ask(Wanted::Range {
            after: agreed,
            last: Some(digest.seq),
        })
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
    let mut tx = pool.begin().await?;
    let account = sqlx::query!(
        "INSERT INTO inbox_account AS account (producer) VALUES ($1)
         ON CONFLICT (producer) DO UPDATE SET producer = account.producer
         RETURNING seq, count, hash",
        digest.producer,
    )
    .fetch_one(&mut *tx)
    .await?;
    if digest.seq < account.seq {
        // Of a leader that began again at its durable mark: it will come back to where it was
        // within a second.
        return Ok(Verdict::Wait);
    }
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
    let heard = (
        account.count + since.count,
        account.hash.wrapping_add(since.hash),
    );
    let verdict = comparison.judge(digest, account.seq, heard);
    if heard == (digest.count, digest.hash) {
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

#[cfg(test)]
mod tests {
    use super::{Comparison, Digest, REPLAY_SILENCE, Verdict, Wanted};

    fn digest(seq: i64, count: i64) -> Digest {
        Digest {
            producer: "registry".to_owned(),
            seq,
            count,
            hash: count,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn asks_after_the_second_difference_and_not_while_a_replay_runs() {
        let mut comparison = Comparison::default();
        assert_eq!(comparison.judge(&digest(9, 9), 4, (8, 8)), Verdict::Wait);
        let range = Wanted::Range {
            after: 4,
            last: Some(9),
        };
        assert_eq!(
            comparison.judge(&digest(9, 9), 4, (8, 8)),
            Verdict::Ask(range)
        );
        for _ in 0..5 {
            assert_eq!(comparison.judge(&digest(9, 9), 4, (8, 8)), Verdict::Wait);
        }
        tokio::time::advance(REPLAY_SILENCE).await;
        assert_eq!(comparison.judge(&digest(9, 9), 4, (8, 8)), Verdict::Wait);
        assert!(matches!(
            comparison.judge(&digest(9, 9), 4, (8, 8)),
            Verdict::Ask(_)
        ));
    }

    #[tokio::test(start_paused = true)]
    async fn counts_again_when_replays_bring_no_agreement() {
        let mut comparison = Comparison::default();
        let mut verdicts = Vec::new();
        for _ in 0..5 {
            verdicts.push(comparison.judge(&digest(9, 9), 4, (10, 10)));
            comparison.replayed();
        }
        let asked = verdicts
            .iter()
            .filter(|verdict| matches!(verdict, Verdict::Ask(_)))
            .count();
        assert_eq!((asked, verdicts.last()), (3, Some(&Verdict::Recount)));
    }

    #[test]
    fn an_agreement_forgets_earlier_differences() {
        let mut comparison = Comparison::default();
        comparison.judge(&digest(9, 9), 4, (8, 8));
        assert_eq!(comparison.judge(&digest(9, 9), 4, (9, 9)), Verdict::Wait);
        assert_eq!(comparison.judge(&digest(10, 10), 9, (9, 9)), Verdict::Wait);
    }
}
