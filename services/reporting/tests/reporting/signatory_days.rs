//! The sums that the database keeps are those of the histories that they sum up.

use std::collections::BTreeMap;

use handslag_reporting::domain::curve::{Day, days};
use handslag_reporting::domain::figures::SignatoryState;
use handslag_reporting::domain::history::{Change, History};
use proptest::prelude::any;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sqlx::PgPool;
use time::macros::date;
use time::{Date, Duration};
use uuid::Uuid;

use crate::town::Town;

/// What one organisation does, step by step: days since a first day, and the state; and whether it is example data.
type Walk = (Vec<(i64, usize)>, bool);

#[tokio::test]
async fn the_database_sums_up_as_the_histories_do_however_changes_come() {
    let town = Town::bare("signatory-days").await;
    let pool = town.bed.database().pool();
    let mut runner = TestRunner::deterministic();
    let steps = proptest::collection::vec((0_i64..60, 0_usize..SignatoryState::ALL.len()), 1..6);
    let walks = proptest::collection::vec((steps, any::<bool>()), 30);
    let sizes = proptest::collection::vec(1_usize..9, 200);
    for round in 0..12 {
        let agreement = Uuid::from_u128(round);
        let walks: Vec<Walk> = sample(&mut runner, &walks);
        let mut changes: Vec<Row> = rows(&walks);
        // Versions of one organisation come in order; those of different ones in any.
        let order = sample(
            &mut runner,
            &proptest::collection::vec(any::<u64>(), walks.len()),
        );
        changes.sort_by_key(|row| (row.version, order[row.organisation]));
        let mut left = &changes[..];
        for size in sample(&mut runner, &sizes) {
            let (now, later) = left.split_at(size.min(left.len()));
            insert(pool, agreement, now).await;
            left = later;
        }
        assert!(left.is_empty(), "every change is written");
        assert_eq!(
            kept(pool, agreement).await,
            expected(&walks),
            "round {round}"
        );
    }
    sqlx::query("TRUNCATE signatory_change")
        .execute(pool)
        .await
        .expect("emptied");
    assert!(kept(pool, Uuid::from_u128(0)).await.is_empty());
    town.bed.end().await;
}

fn sample<S: proptest::strategy::Strategy>(runner: &mut TestRunner, strategy: &S) -> S::Value {
    let tree = strategy.new_tree(runner).expect("a value");
    tree.current()
}

/// A change as it is written.
#[derive(Clone, Copy)]
struct Row {
    organisation: usize,
    version: i64,
    state: SignatoryState,
    day: Date,
    example: bool,
}

fn rows(walks: &[Walk]) -> Vec<Row> {
    let walk = |(organisation, (steps, example)): (usize, &Walk)| {
        let example = *example;
        let steps = steps.clone().into_iter().zip(1..);
        steps
            .map(move |((days, state), version)| Row {
                organisation,
                version,
                state: SignatoryState::ALL[state],
                day: date!(2012 - 06 - 01) + Duration::days(days),
                example,
            })
            .collect::<Vec<_>>()
    };
    walks.iter().enumerate().flat_map(walk).collect()
}

/// Several in one statement, as no event does and a rebuild might.
async fn insert(pool: &PgPool, agreement: Uuid, rows: &[Row]) {
    let organisations: Vec<Uuid> = rows
        .iter()
        .map(|row| Uuid::from_u128(row.organisation as u128))
        .collect();
    let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
    let states: Vec<&str> = rows.iter().map(|row| row.state.code()).collect();
    let days: Vec<Date> = rows.iter().map(|row| row.day).collect();
    let examples: Vec<bool> = rows.iter().map(|row| row.example).collect();
    sqlx::query(
        "INSERT INTO signatory_change (agreement, organisation, version, state, certain_on, example)
         SELECT $1, * FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::date[], $6::boolean[])",
    )
    .bind(agreement)
    .bind(&organisations)
    .bind(&versions)
    .bind(&states)
    .bind(&days)
    .bind(&examples)
    .execute(pool)
    .await
    .expect("written");
}

fn expected(walks: &[Walk]) -> Vec<Day> {
    let mut histories: BTreeMap<usize, (Vec<Change<SignatoryState>>, bool)> = BTreeMap::new();
    for row in rows(walks) {
        let history = histories.entry(row.organisation).or_default();
        history.1 = row.example;
        history.0.push(Change {
            version: row.version,
            day: row.day,
            state: row.state,
        });
    }
    let histories: Vec<_> = histories
        .into_values()
        .map(|(changes, example)| (History::new(changes), example))
        .collect();
    let mut days = days(
        histories
            .iter()
            .map(|(history, example)| (history, *example)),
    );
    days.retain(adds);
    days
}

async fn kept(pool: &PgPool, agreement: Uuid) -> Vec<Day> {
    let rows: Vec<(Date, bool, i32, i32, i32)> = sqlx::query_as(
        "SELECT day, example, signed, decided, begun FROM signatory_day
         WHERE agreement = $1 ORDER BY day, example",
    )
    .bind(agreement)
    .fetch_all(pool)
    .await
    .expect("read");
    let mut days: Vec<Day> = rows
        .into_iter()
        .map(|(day, example, signed, decided, begun)| Day {
            day,
            example,
            signed,
            decided,
            begun,
        })
        .collect();
    days.retain(adds);
    days
}

/// Sums that have come to nothing may stay.
fn adds(day: &Day) -> bool {
    day.signed != 0 || day.decided != 0 || day.begun != 0
}
