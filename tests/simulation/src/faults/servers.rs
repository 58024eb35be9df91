//! Servers that fail, and what is done to databases.

use super::{AWAY, struck};
use crate::schedule::{MILLISECOND, NEVER, SECOND, Time, Topic};
use crate::sim::{Look, Sim};
use crate::totals::Count;
use crate::world::World;

/// How long a server is down.
const DOWN: (Time, Time) = (10 * MILLISECOND, 3 * SECOND);
/// Longest time in which the broker takes nothing: longer than the relay waits for a confirmation.
const STALLED: Time = 20 * SECOND;

pub(super) fn end_the_leaders_session(sim: &Sim) {
    sim.with(|world| {
        if let Some(session) = world.producer.leader() {
            world.producer.end_session(session);
            struck(world, Count::SessionsEnded, || {
                "ends the leader's session with the database".to_owned()
            });
        }
    });
}

pub(super) fn crash_the_producers_database(sim: &Sim) {
    sim.with(|world| {
        let up_at = up_at(world);
        world.producer.crash(up_at, &mut world.run);
        struck(world, Count::ProducerCrashes, || {
            "crashes the producer's database".to_owned()
        });
    });
}

pub(super) fn crash_a_consumers_database(sim: &Sim) {
    sim.with(|world| {
        let up_at = up_at(world);
        let service = world.run.chance.below(world.services.len());
        world.services[service].crash(service, up_at, &mut world.run);
        struck(world, Count::ServiceCrashes, || {
            format!("crashes the database of service {service}")
        });
    });
}

/// Has a read model rebuilt: emptying it waits for those who write into it, as `TRUNCATE` does.
pub(super) fn rebuild_a_read_model(sim: &Sim) {
    let again = sim.clone();
    let service = sim.with(|world| world.run.chance.below(world.services.len()));
    sim.begin(0, async move {
        again
            .look(Topic::ServiceLocks(service), |world| {
                if !world.services[service].is_idle() {
                    return Look::Until(NEVER);
                }
                world.services[service].rebuild();
                struck(world, Count::Rebuilds, || {
                    format!("rebuilds the read model of service {service}")
                });
                Look::Seen(())
            })
            .await;
    });
}

/// Makes a backup of a consumer's database, or brings the last one back.
pub(super) fn restore_a_consumers_database(sim: &Sim) {
    sim.with(|world| {
        let up_at = up_at(world);
        let service = world.run.chance.below(world.services.len());
        let tables = &mut world.services[service];
        tables.crash(service, up_at, &mut world.run);
        if tables.restore() {
            struck(world, Count::ServicesRestored, || {
                format!("restores the database of service {service} from its backup")
            });
        } else {
            tables.back_up();
        }
    });
}

/// Makes a consumer's account wrong, as who mends tables by hand may; a lock is respected.
pub(super) fn miscount(sim: &Sim) {
    sim.with(|world| {
        let service = world.run.chance.below(world.services.len());
        if world.services[service].is_idle() {
            world.services[service].account.agreed.count += 1;
            struck(world, Count::Miscounts, || {
                format!("makes the account of service {service} wrong")
            });
        }
    });
}

pub(super) fn restart_the_broker(sim: &Sim) {
    sim.with(|world| {
        let up_at = up_at(world);
        world.broker.restart(up_at, &mut world.run);
        struck(world, Count::BrokerRestarts, || {
            "restarts the broker".to_owned()
        });
    });
}

pub(super) fn restart_the_broker_without_its_data(sim: &Sim) {
    sim.with(|world| {
        let up_at = up_at(world);
        world.broker.lose_everything(up_at, &mut world.run);
        struck(world, Count::BrokerLosses, || {
            "restarts the broker without its data".to_owned()
        });
    });
}

pub(super) fn stall_the_broker(sim: &Sim) {
    sim.with(|world| {
        let stalled = world.run.chance.pause(AWAY.0, STALLED);
        world.broker.stalled_until = world.now() + stalled;
        struck(world, Count::BrokerStalls, || {
            format!("stalls the broker for {} ms", stalled / MILLISECOND)
        });
    });
}

pub(super) fn cut_a_connection(sim: &Sim) {
    sim.with(|world| {
        let connections = 0..world.broker.connections.len();
        let open: Vec<usize> = connections.filter(|id| world.broker.is_open(*id)).collect();
        if open.is_empty() {
            return;
        }
        let id = open[world.run.chance.below(open.len())];
        world.broker.close(id, &mut world.run);
        let process = world.broker.connections[id].process;
        let name = world.processes[process].name.clone();
        struck(world, Count::ConnectionsCut, || {
            format!("cuts the connection of {name}")
        });
    });
}

fn up_at(world: &mut World) -> Time {
    world.now() + world.run.chance.pause(DOWN.0, DOWN.1)
}
