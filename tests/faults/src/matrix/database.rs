//! What happens to PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use handslag_local_infra::Infra;
use rand::RngExt as _;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::time::Instant;

use super::Fault;
use crate::proxy::{Cut, address_of};
use crate::scene::Scene;

/// Longest time that the database is away or stands still at a stretch.
const AWAY_MOST: Duration = Duration::from_secs(5);
/// Longest pause between two strikes.
const PAUSE_MOST: Duration = Duration::from_secs(3);

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "kill-database",
            "kill -9 of PostgreSQL, started again seconds later",
            |scene| down(scene, Infra::kill_database).boxed(),
        )
        .short(),
        Fault::new(
            "crash-database",
            "stop -m immediate of PostgreSQL",
            |scene| down(scene, Infra::crash_database).boxed(),
        ),
        Fault::new(
            "stop-database",
            "SIGSTOP of the database or of one of its sessions",
            |scene| stand_still(scene).boxed(),
        ),
        Fault::new(
            "idle-transaction",
            "an idle transaction and an old snapshot stay open",
            |scene| idle_transaction(scene).boxed(),
        ),
        Fault::new(
            "failover",
            "a synchronous standby takes the dead server's place",
            |scene| failover(scene, Cut::Reset).boxed(),
        ),
        Fault::new(
            "vanished",
            "the same, and the dead server's connections stay open without a word",
            |scene| failover(scene, Cut::Silence).boxed(),
        ),
        Fault::new(
            "disk-full",
            "no room on the servers' disk, then room again",
            |scene| disk_full(scene).boxed(),
        )
        .on_small_disk(),
    ]
}

async fn down(scene: &mut Scene, how: fn(&Infra) -> Result<()>) -> Result<()> {
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        scene.servers(how).await?;
        scene.struck += 1;
        scene.pause(AWAY_MOST).await;
        scene.servers(Infra::start_database).await?;
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

/// Once for the random composition.
pub(super) async fn down_once(scene: &mut Scene) -> Result<()> {
    scene.servers(Infra::crash_database).await?;
    scene.pause(AWAY_MOST).await;
    scene.servers(Infra::start_database).await
}

async fn stand_still(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        let whole: bool = scene.chance.random();
        let database = scene.fleet.databases[scene.chance.random_range(0..4)].clone();
        let paused = scene
            .servers(move |infra| {
                if whole {
                    return infra.pause_database().map(Some);
                }
                let sessions = "SELECT pid FROM pg_stat_activity
                    WHERE datname = current_database() AND application_name LIKE 'handslag-%'
                    ORDER BY random() LIMIT 1";
                match infra.sql(&database, sessions)?.trim().parse() {
                    Ok(pid) => Ok(infra.pause_session(pid).ok()),
                    Err(_) => Ok(None),
                }
            })
            .await?;
        scene.struck += u64::from(paused.is_some());
        scene.pause(AWAY_MOST).await;
        drop(paused);
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

/// Somebody's forgotten session: a transaction that has written and one that only looks.
async fn idle_transaction(scene: &mut Scene) -> Result<()> {
    let mut held = Vec::new();
    for url in &scene.fleet.database_urls {
        let mut writer = PgConnection::connect(url).await?;
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS forgotten (n int)")
            .execute(&mut writer)
            .await?;
        sqlx::raw_sql("BEGIN; INSERT INTO forgotten VALUES (1)")
            .execute(&mut writer)
            .await?;
        let mut reader = PgConnection::connect(url).await?;
        let look = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM outbox";
        sqlx::raw_sql(look).execute(&mut reader).await?;
        held.push((writer, reader));
        scene.struck += 2;
    }
    let answered = || {
        scene
            .world
            .tally
            .answered
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    let before = answered();
    tokio::time::sleep(scene.time).await;
    scene.remark = format!("{} commands meanwhile", answered() - before);
    for ((mut writer, reader), url) in held.into_iter().zip(&scene.fleet.database_urls) {
        sqlx::raw_sql("ROLLBACK").execute(&mut writer).await?;
        reader.close().await?;
        writer.close().await?;
        let mut last = PgConnection::connect(url).await?;
        sqlx::raw_sql("DROP TABLE forgotten")
            .execute(&mut last)
            .await?;
    }
    Ok(())
}

/// The first server dies under load and stays dead; what it had confirmed, the standby has.
async fn failover(scene: &mut Scene, cut: Cut) -> Result<()> {
    let standby = scene.servers(Infra::start_standby).await?;
    let standby = Arc::new(standby);
    tokio::time::sleep(scene.time / 2).await;
    // First, so that nobody hears of the server's death.
    scene.fleet.to_database.cut(cut);
    scene.servers(Infra::kill_database).await?;
    let promoted = Arc::clone(&standby);
    tokio::task::spawn_blocking(move || promoted.promote()).await??;
    let address = address_of(&standby.postgres_url("postgres"))?;
    scene.fleet.to_database.repoint(address);
    scene.fleet.sql.promoted(standby);
    scene.struck = 1;
    tokio::time::sleep(scene.time / 2).await;
    Ok(())
}

async fn disk_full(scene: &mut Scene) -> Result<()> {
    let disk = scene
        .disk
        .clone()
        .context("the run stands on no small disk")?;
    let full = Arc::clone(&disk);
    tokio::task::spawn_blocking(move || full.fill()).await??;
    scene.struck = 1;
    tokio::time::sleep(scene.time).await;
    tokio::task::spawn_blocking(move || disk.free()).await??;
    // A database that could not write its log has given up, as it should. A broker may have lost
    // queues' processes and go on without them, refusing every session with INTERNAL_ERROR until
    // somebody starts it anew, which is what its operator would do.
    scene.servers(Infra::start_database).await?;
    scene.servers(Infra::kill_broker).await?;
    scene.servers(Infra::start_broker).await
}
