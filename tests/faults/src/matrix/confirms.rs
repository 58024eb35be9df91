//! What publisher and broker misunderstand.

use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;

use super::Fault;
use crate::proxy::{Fate, Rule, When};
use crate::scene::Scene;

/// Every how many events the fault strikes: often in a run, and rarely enough that most pass. A
/// publish whose confirm is swallowed costs the relay its session after a timeout.
const EVERY: u64 = 60;

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new("confirms-swallowed", "confirms of the broker never arrive", |scene| {
            rule(scene, Fate::SwallowConfirm, 400).boxed()
        }),
        Fault::new("confirms-late", "confirms arrive seconds late and out of order", |scene| {
            rule(scene, Fate::DelayConfirm(Duration::from_secs(2)), EVERY).boxed()
        }),
        Fault::new("nacked", "the broker says that it has not taken an event over", |scene| {
            rule(scene, Fate::Nack, EVERY).boxed()
        })
        .short(),
        Fault::new("returned", "the broker returns events as unroutable", |scene| {
            rule(scene, Fate::Return, EVERY).boxed()
        })
        .short(),
        Fault::new("published-twice", "events reach the broker twice", |scene| {
            rule(scene, Fate::Duplicate, EVERY / 10).boxed()
        }),
    ]
}

async fn rule(scene: &mut Scene, fate: Fate, every: u64) -> Result<()> {
    let every = NonZeroU64::new(every).unwrap_or(NonZeroU64::MIN);
    let faults = scene.fleet.to_broker.faults();
    faults.add(Rule::new(fate, When::Every(every)));
    tokio::time::sleep(scene.time).await;
    faults.clear();
    let counts = faults.counts();
    scene.struck = counts.swallowed
        + counts.delayed
        + counts.nacked
        + counts.returned
        + counts.duplicated
        + counts.postponed;
    Ok(())
}
