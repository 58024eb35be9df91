//! The drill: the databases are lost and come back from a backup, as they were at an instant.
//!
//! # Design notes
//! * The order is that of the runbook: base backup and log under load; the loss; every service
//!   stopped; the databases restored to the point; `migrate --incarnation` in each; the services
//!   started. Only the point is set by the run and not by a clock, so that it is known to the
//!   millisecond what was answered before it.
//! * Nothing is shown by a future that nobody knows of. Reporting is away from the point on, so that
//!   the whole future waits in its queues; the notifications hear and tell the first half of it.
//!   A run in which nothing waited or nobody was told is no run.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::FutureExt as _;
use handslag_checker::record::Restored;
use handslag_local_infra::Infra;
use handslag_runner::ports::SERVICES;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::{Allows, Fault};
use crate::fleet::process::{Orders, Process};
use crate::quiet;
use crate::scene::Scene;
use crate::site::Site;

/// The name of the point in the log.
const POINT: &str = "handslag_drill";
/// That of a database restored for the first time.
const INCARNATION: &str = "2";
/// How long the future goes on at least before it is lost.
const FUTURE_LEAST: Duration = Duration::from_secs(2);
/// The broker tells how much its queues hold some seconds late.
const COUNT_LIMIT: Duration = Duration::from_secs(10);

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "restore-broker-ahead",
            "databases restored to a point, the broker knows what came after it",
            |scene| restore(scene, true).boxed(),
        )
        // What of its queues is of the former incarnation is put aside.
        .allows(Allows {
            broker_loses: true,
            tap_loses: false,
        }),
        Fault::new(
            "restore-broker-empty",
            "databases restored to a point, the broker lost everything",
            |scene| restore(scene, false).boxed(),
        )
        .allows(Allows {
            broker_loses: true,
            tap_loses: true,
        }),
    ]
}

/// Processes that are down and that nobody starts.
type Away<'a> = Vec<MutexGuard<'a, Process>>;

async fn restore(scene: &mut Scene, keep_broker: bool) -> Result<()> {
    let part = scene.time / 4;
    scene.servers(Infra::start_archive).await?;
    tokio::time::sleep(part).await;
    scene.servers(Infra::back_up).await?;
    tokio::time::sleep(part).await;
    let fleet = Arc::clone(&scene.fleet);
    let mut away = Vec::new();
    let answered = answered(scene);
    let mut restored = set_point(scene).await?;
    let future = part.max(FUTURE_LEAST);
    let told = go_on(scene, future, &fleet.processes, &mut away).await?;
    let lost = self::answered(scene) - answered;
    restored.lost_until_ms = scene.world.history.now_ms();
    scene.servers(Infra::lose_database).await?;
    take_away(&mut away, &fleet.processes, |_| true).await?;

    if !keep_broker {
        scene.servers(Infra::wipe_broker).await?;
    }
    scene.servers(|infra| infra.restore_database(POINT)).await?;
    restored.newest = newest(scene).await?;
    restored.positions = positions(scene).await?;
    let taken_back = taken_back(&told, &restored.positions);
    ensure!(lost > 0 && taken_back > 0, "nobody was told of a future");
    let waiting = if keep_broker {
        waiting(scene).await?
    } else {
        0
    };
    ensure!(!keep_broker || waiting > 0, "no future waited for anybody");
    restored.back_at_ms = start_again(scene, away).await?;
    fleet.ready().await?;
    scene.servers(Infra::stop_archive).await?;
    scene.remark = format!(
        "{lost} commands lost, {taken_back} notifications taken back, {waiting} messages waiting"
    );
    scene.restored = Some(restored);
    scene.struck = 1;
    tokio::time::sleep(part).await;
    Ok(())
}

/// Sets the point to which the databases will come back.
async fn set_point(scene: &Scene) -> Result<Restored> {
    let kept_until_ms = scene.world.history.now_ms();
    let point = format!("SELECT pg_create_restore_point('{POINT}')");
    scene
        .servers(move |infra| infra.sql("postgres", &point))
        .await?;
    Ok(Restored {
        kept_until_ms,
        lost_from_ms: scene.world.history.now_ms(),
        ..Restored::default()
    })
}

/// The future that will not have happened: reporting hears nothing of it, the notifications hear
/// and tell its first half. Answers how far the inboxes came.
async fn go_on<'a>(
    scene: &Scene,
    future: Duration,
    processes: &'a [Mutex<Process>],
    away: &mut Away<'a>,
) -> Result<BTreeMap<String, i64>> {
    take_away(away, processes, |name| name == "reporting").await?;
    tokio::time::sleep(future / 2).await;
    // Else the point might lie in the part of the log that is lost with the server.
    scene.servers(Infra::archive_log).await?;
    take_away(away, processes, |name| name == "notifications").await?;
    tokio::time::sleep(future / 2).await;
    positions(scene).await
}

/// Says to each database that it was restored, and starts its service; answers when the first one
/// was about to start.
async fn start_again(scene: &Scene, mut away: Away<'_>) -> Result<u64> {
    for process in &away {
        begin_incarnation(process.orders.clone(), process.failpoints.clone()).await?;
    }
    let back_at_ms = scene.world.history.now_ms();
    for process in &mut away {
        process.start()?;
    }
    Ok(back_at_ms)
}

fn answered(scene: &Scene) -> u64 {
    scene.world.tally.answered.load(Ordering::Relaxed)
}

/// Kills the processes of services and keeps them, so that nobody starts them again.
async fn take_away<'a>(
    away: &mut Away<'a>,
    processes: &'a [Mutex<Process>],
    which: impl Fn(&str) -> bool,
) -> Result<()> {
    for process in processes {
        // One that is away is locked and would be waited for.
        let Some(mut process) = lock_unless(process, away).await else {
            continue;
        };
        if which(process.service()) {
            process.kill()?;
            away.push(process);
        }
    }
    Ok(())
}

/// Locks a process that is not among those that are away.
async fn lock_unless<'a>(
    process: &'a Mutex<Process>,
    away: &[MutexGuard<'a, Process>],
) -> Option<MutexGuard<'a, Process>> {
    let is_away = away
        .iter()
        .any(|one| std::ptr::eq(MutexGuard::mutex(one), process));
    if is_away {
        return None;
    }
    Some(process.lock().await)
}

/// By service, the newest number of its log.
async fn newest(scene: &Scene) -> Result<BTreeMap<String, i64>> {
    let (sql, databases) = (scene.fleet.sql.clone(), scene.fleet.databases.clone());
    let read = move || {
        let ask = "SELECT coalesce(max(seq), 0) FROM outbox";
        let services = SERVICES.iter().zip(&databases);
        services
            .map(|(service, database)| {
                let newest = sql.run(database, ask)?.trim().parse()?;
                Ok(((*service).to_owned(), newest))
            })
            .collect()
    };
    tokio::task::spawn_blocking(read).await?
}

/// By subscriber, the last position of the inbox.
async fn positions(scene: &Scene) -> Result<BTreeMap<String, i64>> {
    let site: Arc<dyn Site> = scene.fleet.clone();
    let positions = quiet::positions(&site).await?;
    Ok(positions.into_iter().collect())
}

/// How many notifications were told that are not any more.
fn taken_back(before: &BTreeMap<String, i64>, now: &BTreeMap<String, i64>) -> i64 {
    let last = |name: &String| now.get(name).copied().unwrap_or(0);
    before
        .iter()
        .map(|(name, position)| (position - last(name)).max(0))
        .sum()
}

/// How many messages wait in the services' queues.
async fn waiting(scene: &Scene) -> Result<u64> {
    let limit = Instant::now() + COUNT_LIMIT;
    loop {
        let state = quiet::broker(&*scene.fleet, false).await?;
        let events = state
            .queues
            .iter()
            .filter(|queue| queue.name.contains(".from."));
        let ready = events.map(|queue| queue.ready).sum();
        if ready > 0 || Instant::now() > limit {
            return Ok(ready);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Says to a service's database that it was restored, as an operator does.
async fn begin_incarnation(orders: Orders, failpoints: String) -> Result<()> {
    let said = move || -> Result<()> {
        let service = SERVICES[orders.place];
        let output = Command::new(std::env::current_exe()?)
            .arg0(format!("handslag-{service}"))
            .args(["migrate", "--wait", "30", "--incarnation", INCARNATION])
            .envs(orders.environment.iter().cloned())
            .env("FAILPOINTS", failpoints)
            .output()?;
        ensure!(
            output.status.success(),
            "{service} takes no new incarnation: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    };
    tokio::task::spawn_blocking(said).await?
}
