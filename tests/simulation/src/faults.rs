//! What goes wrong, until it does not any more.

use crate::driver::{consumer, relay};
use crate::model::broker::{QueueId, events_queue};
use crate::schedule::{MILLISECOND, NEVER, ProcessId, SECOND, Time, Topic};
use crate::sim::{Look, Sim};
use crate::totals::Count;
use crate::world::{Kind, World};

/// How long a process is away or stands still, and how long a server is down.
const AWAY: (Time, Time) = (50 * MILLISECOND, 10 * SECOND);
const DOWN: (Time, Time) = (10 * MILLISECOND, 3 * SECOND);

/// Something that strikes once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    KillRelay,
    FreezeRelay,
    StopRelay,
    EndLeadersSession,
    CrashProducer,
    KillConsumer,
    FreezeConsumer,
    CrashService,
    RestartBroker,
    LoseBroker,
    CutConnection,
    PurgeQueue,
    DeleteQueue,
    Unbind,
    DropMessage,
    DoubleMessage,
    ShuffleQueue,
    Rebuild,
}

const FAULTS: [Fault; 18] = [
    Fault::KillRelay,
    Fault::FreezeRelay,
    Fault::StopRelay,
    Fault::EndLeadersSession,
    Fault::CrashProducer,
    Fault::KillConsumer,
    Fault::FreezeConsumer,
    Fault::CrashService,
    Fault::RestartBroker,
    Fault::LoseBroker,
    Fault::CutConnection,
    Fault::PurgeQueue,
    Fault::DeleteQueue,
    Fault::Unbind,
    Fault::DropMessage,
    Fault::DoubleMessage,
    Fault::ShuffleQueue,
    Fault::Rebuild,
];

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

/// Lets faults strike until the time for them is over. Each world knows about half of them.
pub(crate) async fn strike(sim: Sim) {
    let (known, every, calm_at) = sim.with(|world| {
        let chance = &mut world.run.chance;
        let known: Vec<Fault> = FAULTS.into_iter().filter(|_| chance.coin()).collect();
        (known, world.plan.fault_every, world.plan.calm_at)
    });
    loop {
        let pause = sim.with(|world| world.run.chance.between(0, 2 * every));
        sim.sleep_until((sim.now() + pause).min(calm_at)).await;
        if sim.now() >= calm_at {
            break;
        }
        if known.is_empty() {
            continue;
        }
        let fault = known[sim.with(|world| world.run.chance.below(known.len()))];
        fault.strike(&sim);
    }
    sim.with(|world| {
        world.run.calm = true;
        world.run.chance.calm();
        world.tell(0, || "no more faults".to_owned());
    });
}

impl Fault {
    fn strike(self, sim: &Sim) {
        match self {
            Self::KillRelay => kill(sim, Kind::Relay, Count::RelayCrashes),
            Self::FreezeRelay => freeze(sim, Kind::Relay, Count::RelayFreezes),
            Self::StopRelay => stop(sim),
            Self::KillConsumer => {
                let kind = consumer_of_any_service(sim);
                kill(sim, kind, Count::ConsumerCrashes);
            }
            Self::FreezeConsumer => {
                let kind = consumer_of_any_service(sim);
                freeze(sim, kind, Count::ConsumerFreezes);
            }
            Self::Rebuild => rebuild(sim),
            Self::EndLeadersSession
            | Self::CrashProducer
            | Self::CrashService
            | Self::RestartBroker
            | Self::LoseBroker => sim.with(|world| self.strike_server(world)),
            Self::CutConnection
            | Self::PurgeQueue
            | Self::DeleteQueue
            | Self::Unbind
            | Self::DropMessage
            | Self::DoubleMessage
            | Self::ShuffleQueue => sim.with(|world| self.strike_queues(world)),
        }
    }

    fn strike_server(self, world: &mut World) {
        let up_at = world.now() + world.run.chance.pause(DOWN.0, DOWN.1);
        match self {
            Self::EndLeadersSession => {
                let Some(session) = world.producer.leader() else {
                    return;
                };
                world.producer.end_session(session);
                struck(world, Count::SessionsEnded, || {
                    "ends the leader's session with the database".to_owned()
                });
            }
            Self::CrashProducer => {
                world.producer.crash(up_at, &mut world.run);
                struck(world, Count::ProducerCrashes, || {
                    "crashes the producer's database".to_owned()
                });
            }
            Self::CrashService => {
                let service = world.run.chance.below(world.services.len());
                world.services[service].crash(service, up_at, &mut world.run);
                struck(world, Count::ServiceCrashes, || {
                    format!("crashes the database of service {service}")
                });
            }
            Self::RestartBroker => {
                world.broker.restart(up_at, &mut world.run);
                struck(world, Count::BrokerRestarts, || {
                    "restarts the broker".to_owned()
                });
            }
            _ => {
                world.broker.lose_everything(up_at, &mut world.run);
                struck(world, Count::BrokerLosses, || {
                    "restarts the broker without its data".to_owned()
                });
            }
        }
    }

    fn strike_queues(self, world: &mut World) {
        let queue = world.run.chance.below(world.broker.queues.len());
        match self {
            Self::CutConnection => cut(world),
            Self::DeleteQueue => {
                world.broker.delete(queue, &mut world.run);
                struck(world, Count::QueuesDeleted, || {
                    format!("deletes queue {queue}")
                });
            }
            Self::Unbind => {
                let service = world.run.chance.below(world.services.len());
                if world.broker.queues[events_queue(service)].unbind() {
                    struck(world, Count::BindingsRemoved, || {
                        format!("removes the binding of service {service}")
                    });
                }
            }
            _ => self.strike_messages(world, queue),
        }
    }

    fn strike_messages(self, world: &mut World, queue: QueueId) {
        let ready = &mut world.broker.queues[queue].ready;
        if ready.is_empty() {
            return;
        }
        let chance = &mut world.run.chance;
        let (one, other) = (chance.below(ready.len()), chance.below(ready.len()));
        match self {
            Self::PurgeQueue => {
                ready.clear();
                struck(world, Count::QueuesPurged, || {
                    format!("purges queue {queue}")
                });
            }
            Self::DropMessage => {
                ready.remove(one);
                struck(world, Count::MessagesDropped, || {
                    format!("drops a message of queue {queue}")
                });
            }
            Self::DoubleMessage => {
                let message = ready[one].clone();
                ready.insert(other, message);
                struck(world, Count::MessagesDoubled, || {
                    format!("doubles a message of queue {queue}")
                });
            }
            _ => {
                ready.swap(one, other);
                struck(world, Count::QueuesShuffled, || {
                    format!("swaps two messages of queue {queue}")
                });
            }
        }
    }
}

fn struck(world: &mut World, count: Count, what: impl FnOnce() -> String) {
    world.run.count(count);
    world.tell(0, what);
}

fn consumer_of_any_service(sim: &Sim) -> Kind {
    let service = sim.with(|world| world.run.chance.below(world.services.len()));
    Kind::Consumer { service }
}

/// A process of that kind that is there.
fn victim(world: &mut World, kind: Kind) -> Option<ProcessId> {
    let processes = world.processes.iter().enumerate();
    let there = processes.filter(|(_, process)| process.kind == kind && process.alive);
    let there: Vec<ProcessId> = there.map(|(id, _)| id).collect();
    (!there.is_empty()).then(|| there[world.run.chance.below(there.len())])
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
    boot_later(sim, process);
}

/// Asks a relay to end in order; it is gone by force if it takes too long.
fn stop(sim: &Sim) {
    let Some(process) = sim.with(|world| victim(world, Kind::Relay)) else {
        return;
    };
    sim.with(|world| {
        world.processes[process].stopping = true;
        let name = world.processes[process].name.clone();
        struck(world, Count::RelayStops, || format!("stops {name}"));
    });
    boot_later(sim, process);
}

fn boot_later(sim: &Sim, process: ProcessId) {
    let away = sim.with(|world| {
        world.processes[process].alive = false;
        world.run.chance.pause(AWAY.0, AWAY.1)
    });
    let again = sim.clone();
    sim.begin(0, async move {
        again.sleep(away).await;
        again.kill(process);
        // The orders of one step are carried out together: what is killed is not what begins.
        again.hop().await;
        again.with(|world| {
            world.processes[process].alive = true;
            world.processes[process].stopping = false;
            world.tell(process, || "begins".to_owned());
        });
        boot(&again, process);
    });
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

/// Breaks one connection to the broker.
fn cut(world: &mut World) {
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
}

/// Has a read model rebuilt: emptying it waits for those who write into it, as `TRUNCATE` does.
fn rebuild(sim: &Sim) {
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
