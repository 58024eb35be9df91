//! What is no process of the platform: clients that write, the broker at work, the dead-letter
//! queues' consumers, and the operator.

use super::consumer::bury;
use crate::defect::Defect;
use crate::model::locks::{Grant, Key, TransactionId};
use crate::schedule::{MILLISECOND, NEVER, SECOND, Time, Topic};
use crate::sim::{Look, Sim};

/// How often an operator looks at the dead letters when the faults are over.
const OPERATOR_EVERY: Time = SECOND;

/// The broker takes what its clients send.
pub(crate) async fn broker(sim: Sim) {
    loop {
        sim.hop().await;
        sim.look(Topic::Frames, |world| {
            if world.now() < world.broker.stalled_until {
                Look::Until(world.broker.stalled_until)
            } else if world.broker_takes_one() {
                Look::Seen(())
            } else {
                Look::Until(NEVER)
            }
        })
        .await;
    }
}

/// Has what the broker gave up on recorded, as the platform's `consumer::dead` does.
pub(crate) async fn undertaker(sim: Sim, service: usize) {
    loop {
        sim.sleep(100 * MILLISECOND).await;
        let letter = sim.with(|world| {
            let queue = &world.broker.queues[crate::model::broker::events_queue(service)];
            let message = queue.dead.front().cloned();
            message.map(|message| (message, queue.incarnation))
        });
        let Some((message, incarnation)) = letter else {
            continue;
        };
        if let crate::model::broker::Body::Event(event) = message.body {
            let known = sim.with(|world| {
                let tables = &world.services[service];
                let mark = tables.marks.get(&event.aggregate).copied().unwrap_or(0);
                tables.dead.contains_key(&event.key()) || mark >= event.version
            });
            if !known && bury(&sim, service, &event).await.is_err() {
                continue;
            }
        }
        sim.with(|world| {
            let queue = &mut world.broker.queues[crate::model::broker::events_queue(service)];
            if queue.incarnation == incarnation {
                queue.dead.pop_front();
            }
        });
    }
}

/// When the faults are over: mends the causes and has dead letters tried again.
pub(crate) async fn operator(sim: Sim) {
    let calm_at = sim.with(|world| world.plan.calm_at);
    sim.sleep_until(calm_at).await;
    loop {
        sim.with(|world| {
            world.obstinate.clear();
            for tables in &mut world.services {
                for dead in tables.dead.values_mut() {
                    dead.replay_wanted = true;
                }
            }
        });
        sim.sleep(OPERATOR_EVERY).await;
    }
}

/// A client: one command after the other.
pub(crate) async fn writer(sim: Sim) {
    loop {
        let pause = sim.with(|world| {
            // Bursts, and long pauses between them.
            let longest = 4 * world.plan.command_every;
            world.run.chance.pause(MILLISECOND, longest)
        });
        sim.sleep(pause).await;
        let wanted = sim.with(|world| {
            let wanted = world.commands_left > 0 && !world.run.calm;
            world.commands_left -= u64::from(wanted);
            wanted
        });
        if !wanted {
            return;
        }
        let id = sim.with(|world| world.run.new_id());
        command(&sim, id).await;
        sim.with(|world| world.roll_back_command(id));
    }
}

/// A command; what it leaves open is rolled back, as by a server whose client has gone.
async fn command(sim: &Sim, id: TransactionId) -> Option<()> {
    sim.hop().await;
    let aggregates = sim.with(|world| {
        if !world.producer.is_up(world.now()) {
            return None;
        }
        world.producer.begin(id);
        let chance = &mut world.run.chance;
        if chance.below(5) == 0 {
            return Some(vec![(world.producer.new_aggregate(), true)]);
        }
        // In one order, as the platform's commands lock.
        let known = world.plan.aggregates;
        let events = if chance.coin() {
            1
        } else {
            1 + chance.below(5)
        };
        let some = std::iter::repeat_with(|| (chance.below(known), false));
        let mut aggregates: Vec<_> = some.take(events).collect();
        aggregates.sort_unstable();
        Some(aggregates)
    })?;
    for (aggregate, is_new) in aggregates {
        if !is_new {
            lock(sim, id, aggregate).await?;
        }
        append(sim, id, aggregate).await?;
    }
    let dawdle = sim.with(|world| {
        let chance = &mut world.run.chance;
        if chance.happens(chance.odds.dawdle) {
            chance.pause(MILLISECOND, 2 * SECOND)
        } else {
            0
        }
    });
    sim.sleep(dawdle).await;
    sim.hop().await;
    sim.with(|world| {
        if !world.run.chance.happens(world.run.chance.odds.rollback) {
            world.commit_command(id);
        }
    });
    Some(())
}

/// Locks the aggregate's row; a transaction has its number before it waits.
async fn lock(sim: &Sim, id: TransactionId, aggregate: usize) -> Option<()> {
    sim.hop().await;
    sim.with(|world| {
        if !world.run.has(Defect::NumberBeforeTransaction) {
            world.producer.draw_xid(id);
        }
    });
    sim.look(Topic::ProducerLocks, |world| {
        if !world.producer.is_open(id) {
            return Look::Seen(None);
        }
        match world.producer.locks.ask(id, Key::Aggregate(aggregate)) {
            Grant::Held => Look::Seen(Some(())),
            Grant::Wait => Look::Until(NEVER),
            Grant::Deadlock => Look::Seen(None),
        }
    })
    .await
}

/// Appends an event: the row's defaults are evaluated in the order of its columns, the transaction's
/// number first, and others may come between.
async fn append(sim: &Sim, id: TransactionId, aggregate: usize) -> Option<()> {
    let number_first = sim.with(|world| world.run.has(Defect::NumberBeforeTransaction));
    sim.hop().await;
    if !number_first {
        sim.with(|world| world.producer.draw_xid(id));
    }
    sim.hop().await;
    let seq = sim.with(|world| world.producer.draw_seq());
    sim.hop().await;
    sim.with(|world| {
        let event_id = world.run.chance.id();
        world.producer.draw_xid(id);
        world.producer.append(id, seq, aggregate, event_id);
        world.producer.is_open(id).then_some(())
    })
}
