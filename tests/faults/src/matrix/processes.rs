//! What happens to the services' own processes.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use handslag_local_infra::{Need, install};
use handslag_runner::ports::SERVICES;
use rand::RngExt as _;
use tokio::time::Instant;

use super::Fault;
use crate::scene::Scene;

/// Longest pause between two strikes.
const PAUSE_MOST: Duration = Duration::from_millis(1_500);
/// How far a clock is set wrong.
const SKEW_SECONDS: i64 = 3_600;

const FAKETIME: Need = Need {
    what: "libfaketime, which gives a process another clock",
    apt: "faketime",
    dnf: "libfaketime",
    apk: "libfaketime",
    brew: "libfaketime",
    pacman: "libfaketime",
};

/// Where distributions put the library.
const FAKETIME_LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "nothing",
            "no fault: the judge has nothing to say",
            |scene| nothing(scene).boxed(),
        )
        .short(),
        Fault::new(
            "kill-services",
            "kill -9 of any process at any instant",
            |scene| kill_services(scene).boxed(),
        )
        .short(),
        Fault::new(
            "kill-in-write",
            "a process ends inside a command's transaction",
            |scene| {
                let points = "command-appended=2%return;command-committed=2%return";
                mislead(scene, &["registry", "commitments"], points).boxed()
            },
        ),
        Fault::new(
            "kill-in-publish",
            "the relay's process ends between publish and mark",
            |scene| {
                let points = "relay-read=1%return;relay-published=1%return;\
                          relay-confirmed=1%return;relay-saved=5%return";
                mislead(scene, &["registry", "commitments"], points).boxed()
            },
        )
        .short(),
        Fault::new(
            "kill-in-ack",
            "a consumer ends between effect, commit and ack",
            |scene| {
                let points = "consumer-applied=3%return;consumer-committed=3%return";
                mislead(
                    scene,
                    &["notifications", "reporting", "commitments"],
                    points,
                )
                .boxed()
            },
        )
        .short(),
        Fault::new(
            "stop-leader",
            "SIGSTOP of a relay's leader, then SIGCONT",
            |scene| stop_leader(scene).boxed(),
        ),
        Fault::new(
            "stop-consumer",
            "SIGSTOP of consumers, then SIGCONT",
            |scene| stop_consumer(scene).boxed(),
        ),
        Fault::new(
            "restart-rolling",
            "every process asked to end and started again, in turn",
            |scene| restart_rolling(scene).boxed(),
        ),
        Fault::new(
            "clock",
            "one service an hour ahead, another an hour behind",
            |scene| clock(scene).boxed(),
        ),
    ]
}

async fn nothing(scene: &mut Scene) -> Result<()> {
    tokio::time::sleep(scene.time).await;
    Ok(())
}

async fn kill_services(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        let victim = scene.any_process();
        scene.fleet.processes[victim].lock().await.kill()?;
        scene.struck += 1;
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

/// Starts the processes of services again with failpoints, which end them now and then.
async fn mislead(scene: &mut Scene, services: &[&str], points: &str) -> Result<()> {
    let mut before = 0;
    for service in services {
        for number in scene.fleet.of_service(service).await {
            let mut process = scene.fleet.processes[number].lock().await;
            points.clone_into(&mut process.failpoints);
            process.kill()?;
            process.start()?;
            before += u64::from(process.starts);
        }
    }
    tokio::time::sleep(scene.time).await;
    let mut after = 0;
    for service in services {
        for number in scene.fleet.of_service(service).await {
            after += u64::from(scene.fleet.processes[number].lock().await.starts);
        }
    }
    scene.struck += after - before;
    Ok(())
}

async fn stop_leader(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        let service = ["registry", "notifications"][scene.chance.random_range(0..2)];
        if let Some(leader) = scene.fleet.leader_of(service).await {
            hold(scene, leader).await?;
        }
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

async fn stop_consumer(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        let service =
            ["notifications", "reporting", "commitments"][scene.chance.random_range(0..3)];
        let numbers = scene.fleet.of_service(service).await;
        let number = numbers[scene.chance.random_range(0..numbers.len())];
        hold(scene, number).await?;
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

/// Stops a process for one to eight seconds. Its connections stay open and say nothing.
async fn hold(scene: &mut Scene, number: usize) -> Result<()> {
    let wait = Duration::from_millis(scene.chance.random_range(1_000..8_000));
    let mut process = scene.fleet.processes[number].lock().await;
    process.signal("STOP")?;
    scene.struck += 1;
    tokio::time::sleep(wait.min(scene.time)).await;
    process.signal("CONT")
}

async fn restart_rolling(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    let mut number = 0;
    while Instant::now() < end {
        let mut process = scene.fleet.processes[number].lock().await;
        process.stop().await?;
        process.start()?;
        process.ready(&scene.fleet.http).await?;
        scene.struck += 1;
        number = (number + 1) % scene.fleet.processes.len();
    }
    Ok(())
}

async fn clock(scene: &mut Scene) -> Result<()> {
    let library = tokio::task::spawn_blocking(faketime).await??;
    let ahead = scene.chance.random_range(0..SERVICES.len());
    let behind = (ahead + 1 + scene.chance.random_range(0..SERVICES.len() - 1)) % SERVICES.len();
    for (place, skew) in [(ahead, SKEW_SECONDS), (behind, -SKEW_SECONDS)] {
        let service = SERVICES[place];
        for number in scene.fleet.of_service(service).await {
            let mut process = scene.fleet.processes[number].lock().await;
            process.extra = vec![
                ("LD_PRELOAD", library.clone()),
                ("FAKETIME", format!("{skew:+}s")),
                // Waits are by the monotonic clock, which nobody can set.
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
                ("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ];
            process.kill()?;
            process.start()?;
            process.ready(&scene.fleet.http).await?;
            scene.struck += 1;
        }
        scene.skew.insert(service.to_owned(), skew);
    }
    scene.remark = format!("{} ahead, {} behind", SERVICES[ahead], SERVICES[behind]);
    tokio::time::sleep(scene.time).await;
    Ok(())
}

/// The library, installed if it is missing.
fn faketime() -> Result<String> {
    let find = || {
        FAKETIME_LIBRARIES
            .into_iter()
            .find(|path| Path::new(path).is_file())
    };
    if find().is_none() {
        install(&[FAKETIME], &mut |text| eprintln!("{text}"))?;
    }
    find()
        .map(str::to_owned)
        .context("libfaketime is installed and cannot be found")
}
