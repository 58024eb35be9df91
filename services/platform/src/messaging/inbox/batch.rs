//! Claiming the events of a batch at once.
//!
//! # Design notes
//! Two statements serve a batch instead of one each event, if each of its events is the next of its
//! aggregate or a duplicate, and nothing of these aggregates is parked or dead. Whatever else there
//! is goes the careful way, one event at a time; a batch like that has had no effect yet.
//!
//! Both are written so that rows are looked up in an index one by one. A join or an `EXISTS` would
//! leave it to the planner to hash the other side instead, and it does as long as the tables have
//! no statistics or a kept plan was made without: every batch then reads all marks of the producer.

use std::collections::HashMap;
use std::hash::Hash;

use sqlx::PgConnection;

use super::{Decision, decide};
use crate::messaging::envelope::{Envelope, Raw};

/// How a batch moves the marks of its aggregates.
#[derive(Debug, PartialEq, Eq)]
pub struct Advance<K> {
    /// What to do with each event: never a gap.
    pub decisions: Vec<Decision>,
    /// One for each aggregate that has news.
    pub moves: Vec<Move<K>>,
}

/// From the version before `first` to `last`, with all between.
#[derive(Debug, PartialEq, Eq)]
pub struct Move<K> {
    /// The aggregate.
    pub key: K,
    /// The first version that is applied.
    pub first: i64,
    /// The last one.
    pub last: i64,
}

/// Decides about events in order, each given as its aggregate, that aggregate's mark before the
/// batch, and its own version. `None` when one of them leaves a gap. Public because the simulation
/// (`tests/simulation`) claims from a model of the tables.
pub fn advance<K: Eq + Hash + Copy>(
    events: impl Iterator<Item = (K, i64, i64)>,
) -> Option<Advance<K>> {
    let mut decisions = Vec::new();
    let mut moves: Vec<Move<K>> = Vec::new();
    let mut moved = HashMap::new();
    for (key, mark, version) in events {
        let place = moved.get(&key).copied();
        let mark = place.map_or(mark, |place: usize| moves[place].last);
        let decision = decide(mark, version);
        match decision {
            Decision::Gap { .. } => return None,
            Decision::Duplicate => {}
            Decision::Apply => match place {
                Some(place) => moves[place].last = version,
                None => {
                    moved.insert(key, moves.len());
                    moves.push(Move {
                        key,
                        first: version,
                        last: version,
                    });
                }
            },
        }
        decisions.push(decision);
    }
    Some(Advance { decisions, moves })
}

/// What came of claiming a batch.
#[derive(Debug)]
pub enum Together {
    /// The marks have moved.
    Claimed(Vec<Decision>),
    /// Nothing was written: something of it is parked, dead or missing.
    Careful,
    /// Another process moved a mark meanwhile: the transaction is of no use.
    Raced,
}

/// Moves the marks of a batch of one producer's events, if nothing of it has to wait.
pub(crate) async fn claim(
    tx: &mut PgConnection,
    producer: &str,
    events: &[&Envelope<Raw>],
) -> Result<Together, sqlx::Error> {
    let Some(marks) = marks(tx, producer, events).await? else {
        return Ok(Together::Careful);
    };
    let heard = events.iter().zip(marks).map(|(event, mark)| {
        let key = (event.aggregate.as_str(), event.aggregate_id.as_str());
        (key, mark, event.version)
    });
    let Some(Advance { decisions, moves }) = advance(heard) else {
        return Ok(Together::Careful);
    };
    if moves.is_empty() || move_marks(tx, producer, moves).await? {
        Ok(Together::Claimed(decisions))
    } else {
        Ok(Together::Raced)
    }
}

/// The mark before each event; `None` when something of their aggregates is parked or dead.
async fn marks(
    tx: &mut PgConnection,
    producer: &str,
    events: &[&Envelope<Raw>],
) -> Result<Option<Vec<i64>>, sqlx::Error> {
    let (aggregates, ids): (Vec<String>, Vec<String>) = events
        .iter()
        .map(|event| (event.aggregate.clone(), event.aggregate_id.clone()))
        .unzip();
    let rows = sqlx::query!(
        r#"
        SELECT coalesce((SELECT version FROM inbox_mark m
                         WHERE m.producer = q.producer AND m.aggregate = heard.aggregate
                           AND m.aggregate_id = heard.aggregate_id), 0) AS "mark!",
               coalesce((SELECT true FROM inbox_parked p
                         WHERE p.producer = q.producer AND p.aggregate = heard.aggregate
                           AND p.aggregate_id = heard.aggregate_id LIMIT 1),
                        (SELECT true FROM dead_letter d
                         WHERE d.producer = q.producer AND d.aggregate = heard.aggregate
                           AND d.aggregate_id = heard.aggregate_id LIMIT 1),
                        false) AS "careful!"
        -- Hides from the planner what is asked: a plan of its own for each batch would cost more
        -- than the look-ups of a small one.
        FROM (SELECT $1::text AS producer, $2::text[] AS aggregates, $3::text[] AS ids
              OFFSET 0) AS q
        CROSS JOIN LATERAL unnest(q.aggregates, q.ids) WITH ORDINALITY
             AS heard (aggregate, aggregate_id, place)
        ORDER BY heard.place
        "#,
        producer,
        &aggregates,
        &ids,
    )
    .fetch_all(tx)
    .await?;
    if rows.iter().any(|row| row.careful) {
        return Ok(None);
    }
    Ok(Some(rows.into_iter().map(|row| row.mark).collect()))
}

/// Moves marks that stand where they were read; false when one does not any more.
async fn move_marks(
    tx: &mut PgConnection,
    producer: &str,
    mut moves: Vec<Move<(&str, &str)>>,
) -> Result<bool, sqlx::Error> {
    // Two replicas that both believe to be the consumer lock in the same order.
    moves.sort_unstable_by_key(|one| one.key);
    let aggregates: Vec<String> = moves.iter().map(|one| one.key.0.to_owned()).collect();
    let ids: Vec<String> = moves.iter().map(|one| one.key.1.to_owned()).collect();
    let firsts: Vec<i64> = moves.iter().map(|one| one.first).collect();
    let lasts: Vec<i64> = moves.iter().map(|one| one.last).collect();
    let moved = sqlx::query_scalar!(
        r#"
        WITH move AS (
            SELECT * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
                          AS move (aggregate, aggregate_id, first, last)
        ), begun AS (
            INSERT INTO inbox_mark (producer, aggregate, aggregate_id, version)
            SELECT $1, aggregate, aggregate_id, last FROM move WHERE first = 1
            ON CONFLICT DO NOTHING RETURNING 1
        ), moved AS (
            -- By the row's place, which the subquery looks up: a join could be hashed. A row that
            -- somebody else has moved meanwhile is not in its place any more, and is not counted.
            UPDATE inbox_mark mark SET version = move.last
            FROM move CROSS JOIN LATERAL (
                SELECT ctid FROM inbox_mark
                WHERE producer = $1 AND aggregate = move.aggregate
                  AND aggregate_id = move.aggregate_id AND version = move.first - 1
                OFFSET 0
            ) AS stands
            WHERE move.first > 1 AND mark.ctid = stands.ctid
            RETURNING 1
        )
        SELECT (SELECT count(*) FROM begun) + (SELECT count(*) FROM moved) AS "moved!"
        "#,
        producer,
        &aggregates,
        &ids,
        &firsts,
        &lasts,
    )
    .fetch_one(tx)
    .await?;
    Ok(usize::try_from(moved) == Ok(moves.len()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::{prop, prop_assert_eq, proptest};

    use super::{Advance, Move, advance};
    use crate::messaging::inbox::{Decision, decide};

    #[test]
    fn neighbours_of_an_aggregate_make_one_move() {
        let heard = [("a", 0, 1), ("b", 4, 5), ("a", 0, 2), ("b", 4, 3)];
        let Advance { decisions, moves } = advance(heard.into_iter()).unwrap();
        use Decision::{Apply, Duplicate};
        assert_eq!(decisions, [Apply, Apply, Apply, Duplicate]);
        let one = |key, first, last| Move { key, first, last };
        assert_eq!(moves, [one("a", 1, 2), one("b", 5, 5)]);
    }

    proptest! {
        // A batch is decided as its events would be one after the other.
        #[test]
        fn decides_as_one_by_one(
            before in prop::array::uniform3(0_i64..4),
            events in prop::collection::vec((0_usize..3, 1_i64..8), 0..30),
        ) {
            let heard = events.iter().map(|(key, version)| (*key, before[*key], *version));
            let mut marks = before;
            let mut alone = Vec::new();
            for (key, version) in &events {
                alone.push(decide(marks[*key], *version));
                if alone.last() == Some(&Decision::Apply) {
                    marks[*key] = *version;
                }
            }
            let gap = alone.iter().any(|one| matches!(one, Decision::Gap { .. }));
            match advance(heard) {
                None => prop_assert_eq!(gap, true),
                Some(Advance { decisions, moves }) => {
                    prop_assert_eq!(decisions, alone);
                    let moved: HashMap<usize, (i64, i64)> = moves
                        .iter()
                        .map(|one| (one.key, (one.first, one.last)))
                        .collect();
                    for key in 0..3 {
                        let (first, last) =
                            moved.get(&key).copied().unwrap_or((before[key] + 1, before[key]));
                        prop_assert_eq!((first, last), (before[key] + 1, marks[key]));
                    }
                }
            }
        }
    }
}
