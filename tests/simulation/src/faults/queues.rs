//! What is done to queues, bindings and messages.

use super::struck;
use crate::model::broker::{Exchange, Queue, QueueId};
use crate::run::Run;
use crate::sim::Sim;
use crate::totals::Count;
use crate::world::World;

pub(super) fn delete_a_queue(sim: &Sim) {
    sim.with(|world| {
        let queue = any_queue(world);
        world.broker.delete(queue, &mut world.run);
        struck(world, Count::QueuesDeleted, || {
            format!("deletes queue {queue}")
        });
    });
}

pub(super) fn delete_the_exchanges(sim: &Sim) {
    sim.with(|world| {
        world.broker.delete_exchanges();
        struck(world, Count::ExchangesDeleted, || {
            "deletes the exchanges".to_owned()
        });
    });
}

pub(super) fn remove_bindings(sim: &Sim) {
    sim.with(|world| {
        let queue = any_queue(world);
        let bindings = [
            Some(Exchange::Events),
            Some(Exchange::Digests),
            Some(Exchange::Replay),
            None,
        ];
        let which = bindings[world.run.chance.below(bindings.len())];
        world.broker.queues[queue].unbind(which);
        struck(world, Count::BindingsRemoved, || match which {
            Some(exchange) => format!("removes the binding of queue {queue} to {exchange:?}"),
            None => format!("removes all bindings of queue {queue}"),
        });
    });
}

pub(super) fn purge_a_queue(sim: &Sim) {
    spoil(sim, Count::QueuesPurged, "purges", |queue, _| {
        queue.ready.clear();
    });
}

pub(super) fn drop_a_message(sim: &Sim) {
    spoil(
        sim,
        Count::MessagesDropped,
        "drops a message of",
        |queue, run| {
            let place = run.chance.below(queue.ready.len());
            queue.ready.remove(place);
        },
    );
}

pub(super) fn double_a_message(sim: &Sim) {
    spoil(
        sim,
        Count::MessagesDoubled,
        "doubles a message of",
        |queue, run| {
            let message = queue.ready[run.chance.below(queue.ready.len())].clone();
            let place = run.chance.below(queue.ready.len() + 1);
            queue.ready.insert(place, message);
        },
    );
}

pub(super) fn swap_messages(sim: &Sim) {
    spoil(
        sim,
        Count::QueuesShuffled,
        "swaps messages of",
        |queue, run| {
            let one = run.chance.below(queue.ready.len());
            let other = run.chance.below(queue.ready.len());
            queue.ready.swap(one, other);
        },
    );
}

fn any_queue(world: &mut World) -> QueueId {
    world.run.chance.below(world.broker.queues.len())
}

/// Does something to a queue that has messages, if there is one.
fn spoil(sim: &Sim, count: Count, what: &str, act: impl FnOnce(&mut Queue, &mut Run)) {
    sim.with(|world| {
        let queues = world.broker.queues.iter().enumerate();
        let filled = queues.filter(|(_, queue)| !queue.ready.is_empty());
        let filled: Vec<QueueId> = filled.map(|(id, _)| id).collect();
        if filled.is_empty() {
            return;
        }
        let id = filled[world.run.chance.below(filled.len())];
        act(&mut world.broker.queues[id], &mut world.run);
        struck(world, count, || format!("{what} queue {id}"));
    });
}
