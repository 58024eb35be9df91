//! Everything there is in a simulated world.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use handslag_platform::messaging::relay::holes::Mark;

use crate::chance::Chance;
use crate::judge::Judge;
use crate::model::broker::{Broker, service_of};
use crate::model::locks::TransactionId;
use crate::model::producer::Producer;
use crate::model::tables::Tables;
use crate::run::Run;
use crate::schedule::{MILLISECOND, ProcessId, SECOND, Time, Topic};
use crate::totals::Count;

/// What a task does.
pub(crate) type Body = Pin<Box<dyn Future<Output = ()>>>;

/// What the runtime does to tasks after the step under way.
pub(crate) enum Order {
    /// Begin a task of a process.
    Begin(ProcessId, Body),
    /// End all tasks of a process where they stand.
    Kill(ProcessId),
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin(process, _) => write!(f, "Begin({process})"),
            Self::Kill(process) => write!(f, "Kill({process})"),
        }
    }
}

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Clients, broker, faults, operator: what is no process of the platform.
    World,
    /// A replica of the producing service.
    Relay,
    /// A replica of a consuming service.
    Consumer {
        /// Which service.
        service: usize,
    },
}

/// A process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// It was asked to end in order.
    pub(crate) stopping: bool,
    /// It runs, or will soon again.
    pub(crate) alive: bool,
}

/// What a seed draws once: sizes and intervals. The platform's own are those of production, too
/// large for a world of some dozens of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) relays: usize,
    pub(crate) services: usize,
    pub(crate) replicas: usize,
    pub(crate) aggregates: usize,
    pub(crate) writers: usize,
    pub(crate) commands: u64,
    pub(crate) batch: usize,
    pub(crate) window: usize,
    pub(crate) prefetch: usize,
    pub(crate) together: usize,
    pub(crate) mark_every: Time,
    pub(crate) digest_every: Time,
    pub(crate) sweep_every: Time,
    /// When the faults end.
    pub(crate) calm_at: Time,
    /// Mean pause between two faults.
    pub(crate) fault_every: Time,
    /// Mean pause between two commands of a writer.
    pub(crate) command_every: Time,
}

impl Plan {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let calm_at = chance.between(2 * SECOND, 15 * SECOND);
        let commands = chance.between(4, 60);
        let mut upto = |most: usize| 1 + chance.below(most);
        let writers = upto(4);
        Self {
            relays: upto(2),
            services: upto(2),
            replicas: upto(2),
            aggregates: upto(6),
            writers,
            batch: upto(6),
            window: upto(8),
            prefetch: upto(12),
            together: upto(6),
            commands,
            mark_every: chance.pause(100 * MILLISECOND, SECOND),
            digest_every: chance.pause(250 * MILLISECOND, 2 * SECOND),
            sweep_every: chance.pause(100 * MILLISECOND, 500 * MILLISECOND),
            calm_at,
            fault_every: chance.pause(50 * MILLISECOND, 3 * SECOND),
            // So that they last until the faults end.
            command_every: calm_at * Time::try_from(writers).unwrap_or(1) / commands,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) run: Run,
    pub(crate) plan: Plan,
    pub(crate) producer: Producer,
    pub(crate) services: Vec<Tables>,
    pub(crate) broker: Broker,
    pub(crate) judge: Judge,
    pub(crate) processes: Vec<Process>,
    pub(crate) orders: Vec<Order>,
    /// Commands that clients will still give.
    pub(crate) commands_left: u64,
    /// Per service, events whose effect fails until somebody acts.
    pub(crate) obstinate: Vec<(usize, (usize, i64))>,
    /// Processes that have died of what they did, until somebody looks.
    pub(crate) deaths: Vec<ProcessId>,
}

impl World {
    pub(crate) fn now(&self) -> Time {
        self.run.now()
    }

    /// A line of the history, said by a process.
    pub(crate) fn tell(&mut self, process: ProcessId, what: impl FnOnce() -> String) {
        self.run.tell(&self.processes[process].name, what);
    }

    /// A writer's transaction commits; whether it was still there.
    pub(crate) fn commit_command(&mut self, id: TransactionId) -> bool {
        let Some(rows) = self.producer.commit(id, &mut self.run) else {
            return false;
        };
        for event in &rows {
            self.run.count(Count::EventsCommitted);
            self.run.tell("producer", || format!("commits {event}"));
            self.judge.committed(event);
        }
        true
    }

    /// A writer's transaction is rolled back, if it is still there.
    pub(crate) fn roll_back_command(&mut self, id: TransactionId) {
        let rows = self.producer.roll_back(id, &mut self.run);
        if rows > 0 {
            self.run
                .totals
                .add(Count::EventsRolledBack, u64::try_from(rows).unwrap_or(0));
            self.run
                .tell("producer", || format!("rolls {rows} events back"));
        }
    }

    /// The process whose step is under way dies of it.
    pub(crate) fn die(&mut self) {
        let process = self.run.schedule.current_process();
        self.run.count(Count::ConsumersAborted);
        self.tell(process, || "dies of an effect".to_owned());
        self.orders.push(Order::Kill(process));
        self.deaths.push(process);
        self.run.notify(Topic::Deaths);
    }

    /// A transaction of a service commits; whether it was still there.
    pub(crate) fn commit_effects(&mut self, service: usize, id: TransactionId) -> bool {
        let tables = &mut self.services[service];
        let Some(writes) = tables.end(id) else {
            return false;
        };
        let agreed = tables.account.agreed;
        tables.apply(&writes);
        for event in &writes.effects {
            let name = format!("service {service}");
            self.run.count(Count::EffectsApplied);
            self.run
                .tell(&name, || format!("commits the effect of {event}"));
            self.judge.effected(&name, event, tables, &self.producer);
        }
        self.judge.written(service, &writes, tables);
        // An account that somebody made wrong may stay so until there is an agreement.
        if tables.account.agreed != agreed {
            self.judge
                .agreed(service, tables.account.agreed, &self.producer);
        }
        self.run.notify(Topic::ServiceLocks(service));
        true
    }

    /// A transaction of a service is rolled back, if it is still there.
    pub(crate) fn roll_back_effects(&mut self, service: usize, id: TransactionId) {
        if self.services[service].end(id).is_some() {
            self.run.notify(Topic::ServiceLocks(service));
        }
    }

    /// The broker takes one frame of its clients; whether there was one.
    pub(crate) fn broker_takes_one(&mut self) -> bool {
        let taken = self.broker.take_one(&mut self.run);
        for (queue, event) in self.broker.settled.drain(..) {
            self.judge.given_up(service_of(queue), &event);
        }
        taken
    }

    /// A leader writes the durable mark.
    pub(crate) fn save_mark(&mut self, mark: Mark) {
        self.judge
            .settled("the durable mark", mark, &self.producer, &self.broker.taken);
        self.producer.mark = mark;
    }

    /// A leader says what consumers must have.
    pub(crate) fn say_digest(&mut self, mark: Mark) {
        self.judge
            .settled("a digest", mark, &self.producer, &self.broker.taken);
    }

    /// What is missing until the world is as it must be in the end; nothing when it is.
    pub(crate) fn unfinished(&self) -> Option<String> {
        Judge::unfinished(&self.producer, &self.services, &self.broker)
    }
}
