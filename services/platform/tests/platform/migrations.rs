//! Migrations that collide, break off, or are of another version.

use std::borrow::Cow;
use std::time::Duration;

use handslag_local_infra::shared_for_tests;
use handslag_platform::database::migrations::{self, Refusal};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgPool;

/// Longest wait for what takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

async fn fresh(name: &'static str) -> PgPool {
    let made = tokio::task::spawn_blocking(move || shared_for_tests()?.fresh_database(name));
    PgPool::connect(&made.await.unwrap().unwrap())
        .await
        .unwrap()
}

/// Migrations of a service, by number, name and text.
fn migrator(all: &[(i64, &'static str, &'static str)]) -> Migrator {
    let all = all.iter().map(|(version, name, sql)| {
        Migration::new(
            *version,
            Cow::Borrowed(*name),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator {
        migrations: all.collect(),
        ..Migrator::DEFAULT
    }
}

async fn tables(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relname LIKE 'half%' ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn is_running(pool: &PgPool, part: &str) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_stat_activity
                        WHERE datname = current_database() AND pid <> pg_backend_pid()
                          AND query LIKE '%' || $1 || '%' AND state = 'active')",
    )
    .bind(part)
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
        panic!("not in time: {what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_aborted_in_the_middle_has_not_happened() {
    let pool = fresh("migrations-aborted").await;
    let slow = migrator(&[
        (100, "first", "CREATE TABLE half_first (id bigint)"),
        (
            101,
            "slow",
            "CREATE TABLE half_before (id bigint); SELECT pg_sleep(600); \
             CREATE TABLE half_after (id bigint)",
        ),
    ]);
    // In a runtime of its own, which ends as a killed process does: the connection is gone, and
    // nobody says good-bye.
    let (kill, killed) = tokio::sync::oneshot::channel::<()>();
    let options = (*pool.connect_options()).clone();
    let job = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let its_pool = PgPool::connect_with(options).await.unwrap();
            tokio::select! {
                ended = migrations::run(&its_pool, &slow) => panic!("{ended:?}"),
                _ = killed => {}
            }
        });
    });
    eventually("the slow one is under way", async || {
        is_running(&pool, "pg_sleep(600)").await
    })
    .await;
    kill.send(()).unwrap();
    tokio::task::spawn_blocking(|| job.join().unwrap())
        .await
        .unwrap();
    // The server looks whether we are still there, and does not sleep to the end.
    eventually("the server notices", async || {
        !is_running(&pool, "pg_sleep(600)").await
    })
    .await;
    assert_eq!(tables(&pool).await, ["half_first"]);
    let quick = migrator(&[
        (100, "first", "CREATE TABLE half_first (id bigint)"),
        (101, "slow", "CREATE TABLE half_before (id bigint)"),
    ]);
    let pending = migrations::pending(&pool, &quick).await.unwrap();
    assert_eq!(pending, ["migration 101 is missing"]);
    // Its lock is gone with it.
    tokio::time::timeout(PATIENCE, migrations::run(&pool, &quick))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tables(&pool).await, ["half_before", "half_first"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_take_turns() {
    let pool = fresh("migrations-at-once").await;
    let own = migrator(&[(
        100,
        "slow",
        "SELECT pg_sleep(0.3); CREATE TABLE half_once (id bigint)",
    )]);
    let jobs = futures_util::future::join_all((0..4).map(|_| migrations::run(&pool, &own)));
    for job in jobs.await {
        job.unwrap();
    }
    assert_eq!(tables(&pool).await, ["half_once"]);
    assert!(migrations::pending(&pool, &own).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_is_refused_unless_it_only_adds() {
    let pool = fresh("migrations-newer").await;
    let old = &[(100, "first", "CREATE TABLE half_first (id bigint)")];
    let expanded = [
        old[0],
        (
            101,
            "expand colour",
            "ALTER TABLE half_first ADD colour text",
        ),
    ];
    migrations::run(&pool, &migrator(&expanded)).await.unwrap();
    // The program before it goes on, and an upgrade can be taken back.
    let old = migrator(old);
    assert!(migrations::pending(&pool, &old).await.unwrap().is_empty());
    migrations::run(&pool, &old).await.unwrap();

    let contracted = [
        expanded[0],
        expanded[1],
        (102, "contract id", "ALTER TABLE half_first DROP id"),
    ];
    migrations::run(&pool, &migrator(&contracted))
        .await
        .unwrap();
    let refusal = migrations::pending(&pool, &old).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Newer { version: 102, .. }));
    let error = migrations::run(&pool, &old).await.unwrap_err();
    let said = format!("{error:#}");
    assert!(said.contains("newer than this program"), "{said}");
    assert!(said.contains("102 (contract id)"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_outside_a_transaction_is_none() {
    let pool = fresh("migrations-apart").await;
    let apart = Migrator {
        migrations: Cow::Owned(vec![Migration::new(
            100,
            Cow::Borrowed("apart"),
            MigrationType::Simple,
            "SELECT 1".into_sql_str(),
            true,
        )]),
        ..Migrator::DEFAULT
    };
    let error = migrations::run(&pool, &apart)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("would not run in a transaction"), "{error}");
}
