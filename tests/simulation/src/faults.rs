//! What goes wrong, until it does not any more.

mod processes;
mod queues;
mod servers;

pub(crate) use self::processes::{boot, restart};
use crate::schedule::{MILLISECOND, SECOND, Time, Topic};
use crate::sim::{Look, Sim};
use crate::totals::Count;
use crate::world::World;

/// How long a process is away or stands still.
const AWAY: (Time, Time) = (50 * MILLISECOND, 10 * SECOND);

/// What strikes once.
type Fault = fn(&Sim);

const FAULTS: [Fault; 22] = [
    processes::kill_a_relay,
    processes::freeze_a_relay,
    processes::stop_a_relay,
    processes::kill_a_consumer,
    processes::freeze_a_consumer,
    servers::end_the_leaders_session,
    servers::crash_the_producers_database,
    servers::crash_a_consumers_database,
    servers::restore_a_consumers_database,
    servers::miscount,
    servers::rebuild_a_read_model,
    servers::restart_the_broker,
    servers::restart_the_broker_without_its_data,
    servers::stall_the_broker,
    servers::cut_a_connection,
    queues::delete_a_queue,
    queues::delete_the_exchanges,
    queues::remove_bindings,
    queues::purge_a_queue,
    queues::drop_a_message,
    queues::double_a_message,
    queues::swap_messages,
];

/// Lets faults strike until the time for them is over. Each world knows about half of them.
pub(crate) async fn strike(sim: Sim) {
    let (known, every, calm_at) = sim.with(|world| {
        let chance = &mut world.run.chance;
        let known: Vec<Fault> = FAULTS.into_iter().filter(|_| chance.coin()).collect();
        (known, world.plan.fault_every, world.plan.calm_at)
    });
    loop {
        let (pause, when_busy) = sim.with(|world| {
            let chance = &mut world.run.chance;
            (chance.between(0, 2 * every), chance.coin())
        });
        sim.sleep_until((sim.now() + pause).min(calm_at)).await;
        if when_busy {
            amid_work(&sim, calm_at).await;
        }
        if sim.now() >= calm_at {
            break;
        }
        if !known.is_empty() {
            let fault = known[sim.with(|world| world.run.chance.below(known.len()))];
            fault(&sim);
        }
    }
    sim.with(|world| {
        world.run.calm = true;
        world.run.chance.calm();
        world.tell(0, || "no more faults".to_owned());
    });
}

/// Waits until somebody works. Most of the time nobody does, and a fault that strikes then meets no
/// transaction, no confirmation and no delivery under way.
async fn amid_work(sim: &Sim, until: Time) {
    let mut looked = false;
    sim.look(Topic::Frames, |world| {
        if looked || world.now() >= until {
            return Look::Seen(());
        }
        looked = true;
        Look::Until(until)
    })
    .await;
    let hops = sim.with(|world| world.run.chance.below(20));
    for _ in 0..hops {
        sim.hop().await;
    }
}

/// Counts and tells a fault.
fn struck(world: &mut World, count: Count, what: impl FnOnce() -> String) {
    world.run.count(count);
    world.tell(0, what);
}
