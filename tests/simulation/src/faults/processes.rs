//! Processes that die, stand still or are stopped.

use super::{AWAY, struck};
use crate::driver::{consumer, relay};
use crate::model::tables::Tables;
use crate::schedule::{MILLISECOND, NEVER, ProcessId, SECOND, Time, Topic};
use crate::sim::{Look, Sim};
use crate::totals::Count;
use crate::world::{Kind, World};

/// How soon somebody begins a process again that has died of what it did.
const RESTART: (Time, Time) = (50 * MILLISECOND, SECOND);

/// Begins the tasks of a process.
pub(crate) fn boot(sim: &Sim, process: ProcessId) {
    match sim.with(|world| world.processes[process].kind) {
        Kind::World => {}
        Kind::Relay => sim.begin(process, relay::run(sim.clone(), process)),
        Kind::Consumer { service } => {
            sim.begin(process, consumer::run(sim.clone(), process, service));
        }
    }
}

/// Begins again whatever has died of what it did.
pub(crate) async fn restart(sim: Sim) {
    loop {
        let process = sim
            .look(Topic::Deaths, |world| match world.deaths.pop() {
                Some(process) => Look::Seen(process),
                None => Look::Until(NEVER),
            })
            .await;
        boot_later(&sim, process, RESTART);
    }
}

pub(super) fn kill_a_relay(sim: &Sim) {
    kill(sim, Kind::Relay, Count::RelayCrashes);
}

pub(super) fn kill_a_consumer(sim: &Sim) {
    let kind = consumer_of_any_service(sim);
    kill(sim, kind, Count::ConsumerCrashes);
}

pub(super) fn freeze_a_relay(sim: &Sim) {
    freeze(sim, Kind::Relay, Count::RelayFreezes);
}

pub(super) fn freeze_a_consumer(sim: &Sim) {
    let kind = consumer_of_any_service(sim);
    freeze(sim, kind, Count::ConsumerFreezes);
}

/// Asks a relay to end in order; it is gone by force if it takes too long.
pub(super) fn stop_a_relay(sim: &Sim) {
    let Some(process) = sim.with(|world| victim(world, Kind::Relay)) else {
        return;
    };
    sim.with(|world| {
        world.processes[process].stopping = true;
        let name = world.processes[process].name.clone();
        struck(world, Count::RelayStops, || format!("stops {name}"));
    });
    boot_later(sim, process, AWAY);
}

/// Ends a process where it stands.
fn kill(sim: &Sim, kind: Kind, count: Count) {
    let Some(process) = sim.with(|world| victim(world, kind)) else {
        return;
    };
    sim.with(|world| {
        let name = world.processes[process].name.clone();
        struck(world, count, || format!("kills {name}"));
    });
    sim.kill(process);
    boot_later(sim, process, AWAY);
}

/// A process stands still; the others may take it for dead.
fn freeze(sim: &Sim, kind: Kind, count: Count) {
    sim.with(|world| {
        let Some(process) = victim(world, kind) else {
            return;
        };
        let away = world.run.chance.pause(AWAY.0, AWAY.1);
        world.run.schedule.freeze(process, world.run.now() + away);
        let name = world.processes[process].name.clone();
        struck(world, count, || {
            format!("freezes {name} for {} ms", away / MILLISECOND)
        });
        if world.run.chance.coin() {
            let ended = world.producer.end_sessions_of(process);
            world.run.totals.add(Count::SessionsEnded, ended);
        }
        if world.run.chance.coin() {
            for id in 0..world.broker.connections.len() {
                if world.broker.connections[id].process == process {
                    world.broker.close(id, &mut world.run);
                }
            }
        }
    });
}

fn consumer_of_any_service(sim: &Sim) -> Kind {
    let service = sim.with(|world| world.run.chance.below(world.services.len()));
    Kind::Consumer { service }
}

/// A process of that kind that is there; rather one that is in the midst of a transaction, half of
/// the time.
fn victim(world: &mut World, kind: Kind) -> Option<ProcessId> {
    let there = |id: &ProcessId| {
        let process = &world.processes[*id];
        process.kind == kind && process.alive
    };
    let at_work = world.services.iter().flat_map(Tables::at_work);
    let at_work: Vec<ProcessId> = at_work.filter(there).collect();
    if !at_work.is_empty() && world.run.chance.coin() {
        return Some(at_work[world.run.chance.below(at_work.len())]);
    }
    let there: Vec<ProcessId> = (0..world.processes.len()).filter(there).collect();
    (!there.is_empty()).then(|| there[world.run.chance.below(there.len())])
}

/// Begins a process again after a while, which ends what is left of it.
fn boot_later(sim: &Sim, process: ProcessId, away: (Time, Time)) {
    let away = sim.with(|world| {
        world.processes[process].alive = false;
        world.run.chance.pause(away.0, away.1)
    });
    let again = sim.clone();
    sim.begin(0, async move {
        again.sleep(away).await;
        again.kill(process);
        // A step later, so that what begins is not what is killed.
        again.hop().await;
        again.with(|world| {
            world.processes[process].alive = true;
            world.processes[process].stopping = false;
            world.tell(process, || "begins".to_owned());
        });
        boot(&again, process);
    });
}
