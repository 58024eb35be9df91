//! Faults of every kind one after the other, by the seed.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;
use rand::RngExt as _;
use tokio::time::Instant;

use super::{Fault, broker, database, network};
use crate::load::Manner;
use crate::proxy::{Fate, Rule, When};
use crate::scene::Scene;

/// Longest pause between two faults.
const PAUSE_MOST: Duration = Duration::from_secs(2);

pub(super) fn faults() -> Vec<Fault> {
    vec![Fault::new(
        "random",
        "any of these, in an order that the seed gives",
        |scene| compose(scene).boxed(),
    )]
}

async fn compose(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    let mut names = Vec::new();
    while Instant::now() < end {
        let cancelled = if scene.chance.random_bool(0.3) {
            0.3
        } else {
            0.0
        };
        scene.world.set_manner(Manner {
            cancelled,
            ..Manner::ORDINARY
        });
        names.push(one(scene).await?);
        scene.struck += 1;
        scene.pause(PAUSE_MOST).await;
    }
    scene.world.set_manner(Manner::ORDINARY);
    scene.fleet.to_broker.faults().clear();
    scene.remark = names.join(", ");
    Ok(())
}

async fn one(scene: &mut Scene) -> Result<&'static str> {
    Ok(match scene.chance.random_range(0..10) {
        0..=2 => {
            let victim = scene.any_process();
            scene.fleet.processes[victim].lock().await.kill()?;
            "kill"
        }
        3 => {
            let victim = scene.any_process();
            let wait = Duration::from_millis(scene.chance.random_range(500..5_000));
            let mut process = scene.fleet.processes[victim].lock().await;
            process.signal("STOP")?;
            tokio::time::sleep(wait).await;
            process.signal("CONT")?;
            "stop"
        }
        4..=6 => {
            network::any(scene).await?;
            "network"
        }
        7 => {
            broker::kill_once(scene).await?;
            "broker"
        }
        8 => {
            database::down_once(scene).await?;
            "database"
        }
        _ => {
            let fate = [Fate::Nack, Fate::Return, Fate::Duplicate][scene.chance.random_range(0..3)];
            scene
                .fleet
                .to_broker
                .faults()
                .add(Rule::new(fate, When::Next(3)));
            "confirms"
        }
    })
}
