//! What a service has heard: a high-water mark per aggregate.
//!
//! # Design notes
//! A mark instead of a list of seen ids: it never expires, is one row per aggregate, and shows
//! gaps. The usual case, the next version, is one statement that moves the mark, clears what the
//! event heals and tells whether a successor is parked; only duplicates and gaps ask a second
//! question. A batch of usual cases is claimed by two statements ([`batch`]).

pub mod batch;

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::envelope::{Envelope, Headers, Raw};

/// What to do with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is the next one.
    Apply,
    /// It has had its effect.
    Duplicate,
    /// Its predecessors are missing, the first of them `missing`.
    Gap {
        /// The first missing version.
        missing: i64,
    },
}

/// Decides by the aggregate's mark (0 when nothing has been heard of it).
#[must_use]
pub fn decide(mark: i64, version: i64) -> Decision {
    if version <= mark {
        Decision::Duplicate
    } else if version == mark + 1 {
        Decision::Apply
    } else {
        Decision::Gap { missing: mark + 1 }
    }
}

/// An event that waits for its predecessors.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pub(crate) event: Envelope<Raw>,
    pub(crate) attempts: i32,
}

/// What came of claiming an event, which moves its aggregate's mark if it is the next one. Public
/// because the simulation (`tests/simulation`) claims from a model of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What to do with it.
    pub decision: Decision,
    /// Whether its successor may follow at once.
    pub successor_parked: bool,
}

impl Claim {
    /// The mark has moved to the event's version.
    #[must_use]
    pub fn moved(successor_parked: bool) -> Self {
        Self {
            decision: Decision::Apply,
            successor_parked,
        }
    }

    /// The mark stands where it cannot move to `version`.
    #[must_use]
    pub fn kept(mark: i64, version: i64) -> Self {
        let decision = match decide(mark, version) {
            // Another process moved the mark between the two statements; the sweep finds this one
            // parked.
            Decision::Apply => Decision::Gap { missing: version },
            decision => decision,
        };
        Self {
            decision,
            successor_parked: false,
        }
    }
}

/// Moves the aggregate's mark to the event's version if it is the next one.
pub(crate) async fn claim(
    tx: &mut PgConnection,
    event: &Envelope<Raw>,
) -> Result<Claim, sqlx::Error> {
    let moved = sqlx::query!(
        r#"
        WITH first AS (
            INSERT INTO inbox_mark (producer, aggregate, aggregate_id, version)
            SELECT $1, $2, $3, $4::bigint WHERE $4::bigint = 1
            ON CONFLICT DO NOTHING RETURNING 1
        ), later AS (
            UPDATE inbox_mark SET version = $4::bigint
            WHERE $4::bigint > 1 AND producer = $1 AND aggregate = $2 AND aggregate_id = $3
              AND version = $4::bigint - 1
            RETURNING 1
        ), moved AS (
            SELECT 1 FROM first UNION ALL SELECT 1 FROM later
        ), healed AS (
            -- The version has come after all: it is no dead letter and waits for nobody.
            DELETE FROM dead_letter
            WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3 AND version = $4::bigint
              AND EXISTS (SELECT FROM moved)
        ), unparked AS (
            DELETE FROM inbox_parked
            WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3 AND version = $4::bigint
              AND EXISTS (SELECT FROM moved)
        )
        SELECT EXISTS (SELECT FROM moved) AS "moved!",
               EXISTS (SELECT FROM inbox_parked
                       WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3
                         AND version = $4::bigint + 1) AS "successor_parked!"
        "#,
        event.service,
        event.aggregate,
        event.aggregate_id,
        event.version,
    )
    .fetch_one(&mut *tx)
    .await?;
    if moved.moved {
        return Ok(Claim::moved(moved.successor_parked));
    }
    Ok(Claim::kept(mark(tx, event).await?, event.version))
}

async fn mark(tx: &mut PgConnection, event: &Envelope<Raw>) -> Result<i64, sqlx::Error> {
    let mark = sqlx::query_scalar!(
        "SELECT version FROM inbox_mark
         WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3 FOR UPDATE",
        event.service,
        event.aggregate,
        event.aggregate_id,
    )
    .fetch_optional(tx)
    .await?;
    Ok(mark.unwrap_or(0))
}

/// Keeps an event until its predecessors have come; asks for them after a while, since they may be
/// on their way.
pub(crate) async fn park(
    tx: &mut PgConnection,
    event: &Envelope<Raw>,
    ask_in_seconds: f64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO inbox_parked (producer, aggregate, aggregate_id, version, headers, payload,
                                   ask_after)
         VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
         ON CONFLICT DO NOTHING",
        event.service,
        event.aggregate,
        event.aggregate_id,
        event.version,
        Json(event.headers()) as _,
        event.body.payload,
        ask_in_seconds,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The parked successor of an event, if its effect may be tried now.
pub(crate) async fn successor(
    tx: &mut PgConnection,
    event: &Envelope<Raw>,
) -> Result<Option<Envelope<Raw>>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT headers AS "headers: Json<Headers>", payload FROM inbox_parked
           WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3 AND version = $4::bigint + 1
             AND try_after <= now()
           FOR UPDATE"#,
        event.service,
        event.aggregate,
        event.aggregate_id,
        event.version,
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.and_then(|row| Envelope::from_headers(&row.headers, row.payload).ok()))
}

/// Parked events whose turn has come: their predecessor was applied or discarded elsewhere.
pub(crate) async fn due(
    pool: &PgPool,
    producer: &str,
    limit: i64,
) -> Result<Vec<Parked>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.headers AS "headers: Json<Headers>", p.payload, p.attempts
           FROM inbox_parked p
           LEFT JOIN inbox_mark m USING (producer, aggregate, aggregate_id)
           WHERE p.producer = $1 AND p.version <= coalesce(m.version, 0) + 1
             AND p.try_after <= now()
           LIMIT $2"#,
        producer,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let event = Envelope::from_headers(&row.headers, row.payload).ok()?;
            Some(Parked {
                event,
                attempts: row.attempts,
            })
        })
        .collect())
}

/// Removes a parked event, because it was a duplicate or became a dead letter.
pub(crate) async fn unpark(
    tx: &mut PgConnection,
    event: &Envelope<Raw>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM inbox_parked
         WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3 AND version = $4",
        event.service,
        event.aggregate,
        event.aggregate_id,
        event.version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts a failed try of a parked event, and waits before the next.
pub(crate) async fn postpone(
    pool: &PgPool,
    event: &Envelope<Raw>,
    seconds: f64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE inbox_parked
         SET attempts = attempts + 1, try_after = now() + make_interval(secs => $5)
         WHERE producer = $1 AND aggregate = $2 AND aggregate_id = $3 AND version = $4",
        event.service,
        event.aggregate,
        event.aggregate_id,
        event.version,
        seconds,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Missing versions before parked events.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    pub(crate) aggregate: String,
    pub(crate) aggregate_id: String,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// Gaps whose time has come to be asked for; the next time is set. A gap whose missing version is a
/// dead letter is not asked for: it is known, and an operator decides.
pub(crate) async fn gaps(
    pool: &PgPool,
    producer: &str,
    ask_again_in_seconds: f64,
    limit: i64,
) -> Result<Vec<Gap>, sqlx::Error> {
    sqlx::query_as!(
        Gap,
        r#"
        WITH gap AS (
            SELECT p.aggregate, p.aggregate_id, coalesce(m.version, 0) + 1 AS first,
                   min(p.version) - 1 AS last
            FROM inbox_parked p
            LEFT JOIN inbox_mark m USING (producer, aggregate, aggregate_id)
            WHERE p.producer = $1
            GROUP BY p.aggregate, p.aggregate_id, m.version
            HAVING min(p.version) > coalesce(m.version, 0) + 1 AND min(p.ask_after) <= now()
            LIMIT $3
        ), asked AS (
            UPDATE inbox_parked p SET ask_after = now() + make_interval(secs => $2)
            FROM gap
            WHERE p.producer = $1 AND p.aggregate = gap.aggregate
              AND p.aggregate_id = gap.aggregate_id
        )
        SELECT gap.aggregate AS "aggregate!", gap.aggregate_id AS "aggregate_id!",
               gap.first AS "first!", gap.last AS "last!"
        FROM gap
        WHERE NOT EXISTS (
            SELECT FROM dead_letter d
            WHERE d.producer = $1 AND d.aggregate = gap.aggregate
              AND d.aggregate_id = gap.aggregate_id AND d.version = gap.first)
        "#,
        producer,
        ask_again_in_seconds,
        limit,
    )
    .fetch_all(pool)
    .await
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::{Decision, decide};

    #[test]
    fn decides_by_the_mark() {
        assert_eq!(decide(0, 1), Decision::Apply);
        assert_eq!(decide(4, 4), Decision::Duplicate);
        assert_eq!(decide(4, 7), Decision::Gap { missing: 5 });
    }

    proptest! {
        // However events are doubled and shuffled, applying what is due and parking the rest gives
        // 1, 2, 3 … once.
        #[test]
        fn applies_each_version_once_and_in_order(
            deliveries in prop::collection::vec(1_i64..=12, 0..80),
        ) {
            let mut mark = 0;
            let mut parked = std::collections::BTreeSet::new();
            let mut applied = Vec::new();
            for version in deliveries.into_iter().chain((1..=12).rev()) {
                match decide(mark, version) {
                    Decision::Apply => {
                        mark = version;
                        applied.push(version);
                        while parked.remove(&(mark + 1)) {
                            mark += 1;
                            applied.push(mark);
                        }
                    }
                    Decision::Duplicate => {}
                    Decision::Gap { missing } => {
                        prop_assert_eq!(missing, mark + 1);
                        parked.insert(version);
                    }
                }
            }
            prop_assert_eq!(applied, (1..=12).collect::<Vec<_>>());
        }
    }
}
