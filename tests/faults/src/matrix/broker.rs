//! What happens to RabbitMQ, and to what it holds.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;
use handslag_local_infra::Infra;
use handslag_platform::messaging::topology::EVENTS;
use rand::RngExt as _;
use tokio::time::Instant;

use super::{Allows, Fault};
use crate::scene::Scene;

/// Longest time that the broker is away or stands still at a stretch; longer ones come with
/// `--seconds`.
const AWAY_MOST: Duration = Duration::from_secs(10);
/// Longest pause between two strikes.
const PAUSE_MOST: Duration = Duration::from_secs(4);

/// Messages vanish from the services' queues and not from the tap's.
const QUEUES_LOSE: Allows = Allows {
    broker_loses: true,
    tap_loses: false,
};
/// Everything vanishes.
const ALL_IS_LOST: Allows = Allows {
    broker_loses: true,
    tap_loses: true,
};

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "kill-broker",
            "kill -9 of RabbitMQ, started again up to 10 s later",
            |scene| kill(scene).boxed(),
        )
        .short(),
        Fault::new(
            "stop-broker",
            "SIGSTOP of RabbitMQ, then SIGCONT",
            |scene| stand_still(scene).boxed(),
        ),
        Fault::new(
            "wipe-broker",
            "RabbitMQ comes back with nothing of what it held",
            |scene| wipe(scene).boxed(),
        )
        .allows(ALL_IS_LOST),
        Fault::new(
            "bindings-lost",
            "bindings of the events' exchange are deleted",
            |scene| {
                each_queue(scene, |infra, vhost, queue| {
                    infra.vhost(vhost).unbind(EVENTS, queue).map(drop)
                })
                .boxed()
            },
        )
        .allows(QUEUES_LOSE)
        .short(),
        Fault::new(
            "queues-lost",
            "queues are deleted with what they hold",
            |scene| {
                each_queue(scene, |infra, vhost, queue| {
                    infra.vhost(vhost).delete_queue(queue)
                })
                .boxed()
            },
        )
        .allows(QUEUES_LOSE),
        Fault::new("queues-purged", "queues are emptied", |scene| {
            each_queue(scene, |infra, vhost, queue| {
                infra.vhost(vhost).purge_queue(queue)
            })
            .boxed()
        })
        .allows(QUEUES_LOSE),
        Fault::new(
            "blocked",
            "connection.blocked: the broker has no memory left",
            |scene| blocked(scene).boxed(),
        ),
    ]
}

async fn kill(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        kill_once(scene).await?;
        scene.struck += 1;
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

/// Once for the random composition.
pub(super) async fn kill_once(scene: &mut Scene) -> Result<()> {
    scene.servers(Infra::kill_broker).await?;
    scene.pause(AWAY_MOST.min(scene.time)).await;
    scene.servers(Infra::start_broker).await
}

async fn stand_still(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        let paused = scene.servers(Infra::pause_broker).await?;
        scene.struck += 1;
        scene.pause(AWAY_MOST).await;
        drop(paused);
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

async fn wipe(scene: &mut Scene) -> Result<()> {
    tokio::time::sleep(scene.time / 2).await;
    scene.servers(Infra::wipe_broker).await?;
    scene.struck = 1;
    tokio::time::sleep(scene.time / 2).await;
    Ok(())
}

/// Strikes one queue of events after the other, at random instants.
async fn each_queue(scene: &mut Scene, strike: fn(&Infra, &str, &str) -> Result<()>) -> Result<()> {
    const QUEUES: [&str; 5] = [
        "handslag.commitments.from.registry",
        "handslag.notifications.from.registry",
        "handslag.notifications.from.commitments",
        "handslag.reporting.from.registry",
        "handslag.reporting.from.commitments",
    ];
    let end = Instant::now() + scene.time;
    while Instant::now() < end {
        let queue = QUEUES[scene.chance.random_range(0..QUEUES.len())];
        let vhost = scene.vhost().to_owned();
        let outcome = scene
            .servers(move |infra| strike(infra, &vhost, queue))
            .await;
        // One that is gone already and not yet declared again cannot be struck.
        scene.struck += u64::from(outcome.is_ok());
        scene.pause(PAUSE_MOST).await;
    }
    Ok(())
}

async fn blocked(scene: &mut Scene) -> Result<()> {
    scene
        .servers(|infra| infra.broker_memory_alarm(true))
        .await?;
    scene.struck = 1;
    tokio::time::sleep(scene.time).await;
    scene
        .servers(|infra| infra.broker_memory_alarm(false))
        .await
}
