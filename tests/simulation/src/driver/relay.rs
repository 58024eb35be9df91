//! A relay: competes, leads, begins again; follows the platform's `relay`.

use std::rc::Rc;

use super::link::Link;
use super::session::Session;
use super::{Failure, replay, term};
use crate::model::broker::REQUESTS;
use crate::schedule::{MILLISECOND, ProcessId, SECOND, Time};
use crate::sim::Sim;
use crate::totals::Count;

/// Pause between two tries for the lock, as the platform's.
const LOCK_POLL: Time = 500 * MILLISECOND;
/// Waits between two sessions. The platform's grow up to the longer one.
const BACKOFF: (Time, Time) = (50 * MILLISECOND, 5 * SECOND);

/// Runs sessions until one ends in order.
pub(crate) async fn run(sim: Sim, process: ProcessId) {
    while let Err(failure) = session(&sim, process).await {
        sim.tell(process, || format!("ends a session: {failure:?}"));
        let wait = sim.with(|world| world.run.chance.pause(BACKOFF.0, BACKOFF.1));
        sim.sleep(wait).await;
    }
}

async fn session(sim: &Sim, process: ProcessId) -> Result<(), Failure> {
    let link = Link::connect(sim, process).await?;
    link.declare(REQUESTS).await?;
    let outcome = lead(sim, process, &link).await;
    link.close();
    outcome
}

async fn lead(sim: &Sim, process: ProcessId, link: &Rc<Link>) -> Result<(), Failure> {
    let session = Session::connect(sim, process).await?;
    while !session.try_lead().await? {
        if !sim.with(|world| link.is_open(world)) {
            return Err(Failure::Closed);
        }
        if sim.with(|world| world.processes[process].stopping) {
            return Ok(());
        }
        let wait = sim.with(|world| world.run.chance.between(LOCK_POLL / 2, LOCK_POLL * 3 / 2));
        sim.sleep(wait).await;
    }
    sim.with(|world| {
        world.run.count(Count::Leaders);
        world.tell(process, || "leads".to_owned());
    });
    // Whichever of the two ends first takes the other with it, by the connection they share.
    let server = replay::serve(sim.clone(), process, Rc::clone(link));
    sim.begin(process, server);
    term::run(sim, process, link, session).await
}
