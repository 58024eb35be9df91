//! What an operator sees of messaging: counters of the process, and the state in the tables.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{Shared, incarnation};

/// How often the gauges that come from tables are read.
const OBSERVE_EVERY: Duration = Duration::from_secs(2);
/// Events flow when none waits for its publication longer than this: the relay needs milliseconds,
const UNPUBLISHED_MS_MOST: i64 = 5_000;
/// and when the last agreement with each producer is younger than this: a digest comes each 5 s, and
/// one that finds the consumer in the midst of a batch is followed by the next.
const AGREED_MS_MOST: i64 = 12_000;
/// The longest time after which a flow that stopped is told: the bound, and the pause between two
/// looks.
pub const DELIVERY_TOLD_AFTER: Duration =
    Duration::from_millis(AGREED_MS_MOST.unsigned_abs() + 2_000);
/// There was no look or no agreement yet.
const NEVER: i64 = i64::MAX;

/// Counters and gauges of a running process. Each is read by the method of its name.
#[derive(Debug)]
pub struct Metrics {
    leader: AtomicBool,
    published: AtomicU64,
    replayed: AtomicU64,
    holes: AtomicI64,
    unconfirmed: AtomicU64,
    applied: AtomicU64,
    duplicates: AtomicU64,
    parked_events: AtomicU64,
    dead_letters: AtomicU64,
    foreign: AtomicU64,
    outbox_age_ms: AtomicI64,
    agreed_age_ms: AtomicI64,
    parked: AtomicI64,
    dead: AtomicI64,
    differing: Mutex<BTreeSet<String>>,
    audit_broken: AtomicBool,
    audit_checked: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            leader: AtomicBool::default(),
            published: AtomicU64::default(),
            replayed: AtomicU64::default(),
            holes: AtomicI64::default(),
            unconfirmed: AtomicU64::default(),
            applied: AtomicU64::default(),
            duplicates: AtomicU64::default(),
            parked_events: AtomicU64::default(),
            dead_letters: AtomicU64::default(),
            foreign: AtomicU64::default(),
            outbox_age_ms: AtomicI64::default(),
            agreed_age_ms: AtomicI64::new(NEVER),
            parked: AtomicI64::default(),
            dead: AtomicI64::default(),
            differing: Mutex::default(),
            audit_broken: AtomicBool::default(),
            audit_checked: AtomicU64::default(),
        }
    }
}

/// The values of [`Metrics`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Reading {
    /// Whether this process leads the relay.
    pub leader: bool,
    /// Events confirmed by the broker since the process started.
    pub published_total: u64,
    /// Events sent again because somebody asked.
    pub replayed_total: u64,
    /// Numbers of the log that are missing and may still come.
    pub holes: i64,
    /// Events read but not confirmed yet.
    pub unconfirmed: u64,
    /// Events that had their effect here.
    pub applied_total: u64,
    /// Deliveries that had had it before.
    pub duplicates_total: u64,
    /// Deliveries that had to wait for their predecessors.
    pub parked_total: u64,
    /// Dead letters recorded.
    pub dead_letters_total: u64,
    /// Messages of another incarnation than the database's, which were put aside.
    pub foreign_total: u64,
    /// Age of the oldest event that is not published yet; 0 when there is none.
    pub outbox_age_ms: i64,
    /// Age of the oldest of the last agreements with the producers heard; 0 for who hears nobody.
    pub agreed_age_ms: i64,
    /// Events that wait for their predecessors now.
    pub parked: i64,
    /// Dead letters now.
    pub dead_letters: i64,
    /// Producers with which this process, if it is the one that listens, differs.
    pub differing: i64,
    /// Whether the log was found to say something else than when it was sealed.
    pub audit_broken: bool,
    /// Seals that were looked at again and hold, since the process started.
    pub audit_checked_total: u64,
}

impl Reading {
    /// Whether events flow, both ways.
    #[must_use]
    pub fn delivers(&self) -> bool {
        self.outbox_age_ms <= UNPUBLISHED_MS_MOST && self.agreed_age_ms <= AGREED_MS_MOST
    }
}

impl Metrics {
    /// All values.
    #[must_use]
    pub fn read(&self) -> Reading {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let gauge = |gauge: &AtomicI64| gauge.load(Ordering::Relaxed);
        Reading {
            leader: self.leader.load(Ordering::Relaxed),
            published_total: count(&self.published),
            replayed_total: count(&self.replayed),
            holes: gauge(&self.holes),
            unconfirmed: count(&self.unconfirmed),
            applied_total: count(&self.applied),
            duplicates_total: count(&self.duplicates),
            parked_total: count(&self.parked_events),
            dead_letters_total: count(&self.dead_letters),
            foreign_total: count(&self.foreign),
            outbox_age_ms: gauge(&self.outbox_age_ms),
            agreed_age_ms: gauge(&self.agreed_age_ms),
            parked: gauge(&self.parked),
            dead_letters: gauge(&self.dead),
            differing: i64::try_from(self.lock_differing().len()).unwrap_or(i64::MAX),
            audit_broken: self.audit_broken.load(Ordering::Relaxed),
            audit_checked_total: count(&self.audit_checked),
        }
    }

    pub(crate) fn leader(&self, leads: bool) {
        self.leader.store(leads, Ordering::Relaxed);
        if !leads {
            self.holes(0);
            self.unconfirmed(0);
        }
    }

    pub(crate) fn published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn replayed(&self, events: u64) {
        self.replayed.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn holes(&self, missing: i64) {
        self.holes.store(missing, Ordering::Relaxed);
    }

    pub(crate) fn unconfirmed(&self, waiting: usize) {
        self.unconfirmed.store(
            u64::try_from(waiting).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    pub(crate) fn consumed(&self, applied: u64, duplicates: u64, parked: u64) {
        self.applied.fetch_add(applied, Ordering::Relaxed);
        self.duplicates.fetch_add(duplicates, Ordering::Relaxed);
        self.parked_events.fetch_add(parked, Ordering::Relaxed);
    }

    pub(crate) fn dead(&self) {
        self.dead_letters.fetch_add(1, Ordering::Relaxed);
    }

    /// Answers how many there were with this one.
    pub(crate) fn foreign(&self) -> u64 {
        self.foreign.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn differs(&self, producer: &str, differs: bool) {
        let mut differing = self.lock_differing();
        if differs {
            differing.insert(producer.to_owned());
        } else {
            differing.remove(producer);
        }
    }

    /// What a seal said that was looked at again. Answers whether that is news.
    pub(crate) fn audited(&self, holds: bool) -> bool {
        if holds {
            self.audit_checked.fetch_add(1, Ordering::Relaxed);
        }
        self.audit_broken.swap(!holds, Ordering::Relaxed) == holds
    }

    fn lock_differing(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.differing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state of a service's messaging, from its tables.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Status {
    /// The incarnation of the log and the inbox.
    #[serde(default = "incarnation::first")]
    pub incarnation: i64,
    /// Highest number of the log.
    pub newest: i64,
    /// Number up to which everything is published.
    pub low_water: i64,
    /// Events above it: written, and either under way or not published yet.
    pub unpublished: i64,
    /// Age of the oldest of them, 0 when there is none.
    pub outbox_age_ms: i64,
    /// Events that wait for their predecessors.
    pub parked: i64,
    /// Dead letters.
    pub dead_letters: i64,
    /// Number up to which the log is sealed.
    pub sealed: i64,
    /// Aggregates whose events wait, the longest wait first, at most ten.
    pub waiting: Vec<Waiting>,
    /// Per producer heard of.
    pub producers: Vec<Producer>,
}

/// An aggregate whose events wait for one that has not come.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Waiting {
    /// The producing service.
    pub producer: String,
    /// Aggregate type.
    pub aggregate: String,
    /// Aggregate id.
    pub aggregate_id: String,
    /// The version that is missing.
    pub missing: i64,
    /// How many later ones wait.
    pub parked: i64,
    /// For how long.
    pub waits_ms: i64,
    /// The dead letter that the missing version is, if it is one.
    pub dead_letter: Option<i64>,
}

/// What was heard of one producer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Producer {
    /// The producing service.
    pub producer: String,
    /// Number of its log up to which both sides agree.
    pub agreed_seq: i64,
    /// How many events that are.
    pub agreed_count: i64,
    /// Events that came since.
    pub since: i64,
    /// Aggregates heard of.
    pub aggregates: i64,
    /// How long ago both sides agreed last; nothing when they never did.
    pub agreed_ms_ago: Option<i64>,
    /// Whether the whole log is being asked for.
    pub replay_wanted: bool,
}

/// Reads the state.
///
/// # Errors
/// The database's.
pub async fn read(pool: &PgPool) -> Result<Status, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT mark.low_water,
                  (SELECT max(number) FROM log_incarnation) AS "incarnation!",
                  (SELECT coalesce(max(seq), 0) FROM outbox) AS "newest!",
                  (SELECT count(*) FROM outbox WHERE seq > mark.low_water) AS "unpublished!",
                  (SELECT count(*) FROM inbox_parked) AS "parked!",
                  (SELECT count(*) FROM dead_letter) AS "dead_letters!",
                  (SELECT coalesce(max(last_seq), 0) FROM audit_seal) AS "sealed!"
           FROM relay_mark mark"#
    )
    .fetch_one(pool)
    .await?;
    let producers = sqlx::query_as!(
        Producer,
        r#"SELECT producer, account.seq AS agreed_seq, account.count AS agreed_count,
                  (SELECT count(*) FROM inbox_seen s
                   WHERE s.producer = account.producer) AS "since!",
                  (SELECT count(*) FROM inbox_mark m
                   WHERE m.producer = account.producer) AS "aggregates!",
                  (extract(epoch FROM now() - agreed_at) * 1000)::bigint AS agreed_ms_ago,
                  replay_wanted
           FROM inbox_account account ORDER BY producer"#
    )
    .fetch_all(pool)
    .await?;
    Ok(Status {
        incarnation: row.incarnation,
        newest: row.newest,
        low_water: row.low_water,
        unpublished: row.unpublished,
        outbox_age_ms: outbox_age_ms(pool).await?,
        parked: row.parked,
        dead_letters: row.dead_letters,
        sealed: row.sealed,
        waiting: waiting(pool).await?,
        producers,
    })
}

async fn waiting(pool: &PgPool) -> Result<Vec<Waiting>, sqlx::Error> {
    sqlx::query_as!(
        Waiting,
        r#"SELECT p.producer AS "producer!", p.aggregate AS "aggregate!",
                  p.aggregate_id AS "aggregate_id!",
                  coalesce(m.version, 0) + 1 AS "missing!", count(*) AS "parked!",
                  (extract(epoch FROM now() - min(p.parked_at)) * 1000)::bigint AS "waits_ms!",
                  min(d.id) AS dead_letter
           FROM inbox_parked p
           LEFT JOIN inbox_mark m USING (producer, aggregate, aggregate_id)
           LEFT JOIN dead_letter d
             ON d.producer = p.producer AND d.aggregate = p.aggregate
                AND d.aggregate_id = p.aggregate_id AND d.version = coalesce(m.version, 0) + 1
           GROUP BY p.producer, p.aggregate, p.aggregate_id, m.version
           ORDER BY min(p.parked_at) LIMIT 10"#
    )
    .fetch_all(pool)
    .await
}

/// By the database's clock alone: two clocks would make an age out of their difference.
async fn outbox_age_ms(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let age = sqlx::query_scalar!(
        r#"SELECT greatest(0, extract(epoch FROM now() - written_at) * 1000)::bigint AS "age!"
           FROM outbox WHERE seq > (SELECT low_water FROM relay_mark) ORDER BY seq LIMIT 1"#
    )
    .fetch_optional(pool)
    .await?;
    Ok(age.unwrap_or(0))
}

/// By the database's clock alone as well. A producer with whom there was no agreement yet makes it
/// [`NEVER`].
async fn agreed_age_ms(pool: &PgPool, heard: &[String]) -> Result<i64, sqlx::Error> {
    let (agreed, oldest): (i64, Option<i64>) = sqlx::query_as(
        "SELECT count(agreed_at), (extract(epoch FROM now() - min(agreed_at)) * 1000)::bigint
         FROM inbox_account WHERE producer = ANY($1)",
    )
    .bind(heard)
    .fetch_one(pool)
    .await?;
    let all = usize::try_from(agreed).is_ok_and(|agreed| agreed == heard.len());
    Ok(if all { oldest.unwrap_or(0) } else { NEVER })
}

/// Keeps the gauges that come from tables. Every replica does, so that a relay without a leader is
/// seen too. When the database does not answer, nothing is known of the flow.
pub(crate) async fn observe(shared: Arc<Shared>, heard: Vec<String>, stop: CancellationToken) {
    loop {
        let state = async {
            let age = outbox_age_ms(&shared.pool).await?;
            let agreed = agreed_age_ms(&shared.pool, &heard).await?;
            let row = sqlx::query!(
                r#"SELECT (SELECT count(*) FROM inbox_parked) AS "parked!",
                          (SELECT count(*) FROM dead_letter) AS "dead!""#
            )
            .fetch_one(&shared.pool)
            .await?;
            Ok::<_, sqlx::Error>((age, agreed, row.parked, row.dead))
        };
        let metrics = &shared.metrics;
        match state.await {
            Ok((age, agreed, parked, dead)) => {
                metrics.outbox_age_ms.store(age, Ordering::Relaxed);
                metrics.agreed_age_ms.store(agreed, Ordering::Relaxed);
                metrics.parked.store(parked, Ordering::Relaxed);
                metrics.dead.store(dead, Ordering::Relaxed);
            }
            Err(_) => metrics.agreed_age_ms.store(NEVER, Ordering::Relaxed),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(OBSERVE_EVERY) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AGREED_MS_MOST, Metrics, Reading, UNPUBLISHED_MS_MOST};

    #[test]
    fn events_flow_when_both_ways_are_quick_and_known() {
        assert!(Reading::default().delivers());
        let late = Reading {
            outbox_age_ms: UNPUBLISHED_MS_MOST + 1,
            ..Reading::default()
        };
        let apart = Reading {
            agreed_age_ms: AGREED_MS_MOST + 1,
            ..Reading::default()
        };
        assert!(!late.delivers() && !apart.delivers());
        // Before the first look nothing is known.
        assert!(!Metrics::default().read().delivers());
    }
}
