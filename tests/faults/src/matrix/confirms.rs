//! What publisher and broker misunderstand.

use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;
use handslag_platform::messaging::topology::DIGESTS;

use super::{Allows, Fault};
use crate::proxy::{Fate, Rule, When};
use crate::scene::Scene;

/// Every how many messages a fault strikes: often in a run, and rarely enough that most pass.
const EVERY: NonZeroU64 = NonZeroU64::new(15).unwrap();
/// A confirm that never comes costs the relay its session after the 15 s of its timeout.
const RARE: f64 = 0.01;

/// A returned message is carried only when it is published again, behind what followed it in the
/// window. So the tap, like every consumer, may see it after its successors, and who misses it may
/// ask for it before it comes.
const CARRIED_LATE: Allows = Allows {
    broker_loses: true,
    tap_loses: true,
};

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "confirms-swallowed",
            "confirms of the broker never arrive",
            |scene| {
                let rule = Rule::new(Fate::SwallowConfirm, When::Chance(RARE));
                play(scene, rule).boxed()
            },
        ),
        Fault::new(
            "confirms-late",
            "confirms arrive seconds late and out of order",
            |scene| {
                let fate = Fate::DelayConfirm(Duration::from_secs(2));
                play(scene, Rule::new(fate, When::Every(EVERY))).boxed()
            },
        ),
        Fault::new(
            "nacked",
            "the broker says that it has not taken a message over",
            |scene| {
                play(
                    scene,
                    Rule::new(Fate::Nack, When::Every(EVERY)).everywhere(),
                )
                .boxed()
            },
        )
        .short(),
        Fault::new(
            "digests-nacked",
            "the broker takes no digest over",
            |scene| {
                let rule = Rule::new(Fate::Nack, When::Always).of_exchange(DIGESTS);
                play(scene, rule).boxed()
            },
        ),
        Fault::new(
            "returned",
            "the broker returns events as unroutable",
            |scene| play(scene, Rule::new(Fate::Return, When::Every(EVERY))).boxed(),
        )
        .allows(CARRIED_LATE),
        Fault::new(
            "published-twice",
            "every event reaches the broker twice",
            |scene| play(scene, Rule::new(Fate::Duplicate, When::Always)).boxed(),
        ),
    ]
}

async fn play(scene: &mut Scene, rule: Rule) -> Result<()> {
    let faults = scene.fleet.to_broker.faults();
    faults.add(rule);
    tokio::time::sleep(scene.time).await;
    faults.clear();
    let counts = faults.counts();
    scene.struck = counts.swallowed
        + counts.delayed
        + counts.nacked
        + counts.returned
        + counts.duplicated
        + counts.postponed;
    scene.remark = format!("of {} messages", counts.published);
    Ok(())
}
