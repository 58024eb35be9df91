//! The broker: exchanges, queues, connections, confirmations.
//!
//! # Design notes
//! What a client sends waits on its connection until the broker takes the next frame of some
//! connection, so that a broken connection loses a tail of it and the clients' order holds within
//! a connection only. A confirmation comes when it comes: the messages of one connection are not
//! confirmed in order. Queues are quorum queues with a single active consumer; what a connection
//! held comes back when it breaks, to where it was or to the end, and counts as one more try.

mod connection;
mod queue;

use std::collections::BTreeSet;
use std::rc::Rc;

use handslag_platform::messaging::comparison::Digest;
use handslag_platform::messaging::relay::answer::Wanted;

pub(crate) use self::connection::{Confirmation, Connection, Delivery, Frame, State};
pub(crate) use self::queue::Queue;
use crate::event::Event;
use crate::run::Run;
use crate::schedule::{MILLISECOND, NEVER, ProcessId, SECOND, Time, Topic};
use crate::totals::Count;

/// Number of a queue: 0 is that of the requests to the producer, the others are the services'.
pub(crate) type QueueId = usize;

/// The queue of requests for replay.
pub(crate) const REQUESTS: QueueId = 0;

/// The queue of a service's events.
pub(crate) fn events_queue(service: usize) -> QueueId {
    service + 1
}

/// The service whose events are in a queue.
pub(crate) fn service_of(queue: QueueId) -> usize {
    queue - 1
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    Events,
    Digests,
    Replay,
    /// The default exchange, with the queue's name as the key.
    Direct(QueueId),
}

/// What a message is.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Event(Event),
    Digest(Rc<Digest>),
    /// The end of a replay.
    Replayed,
    /// A request for replay into a queue.
    Request(QueueId, Rc<Wanted>),
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) body: Body,
    /// Whether it came over the default exchange.
    pub(crate) direct: bool,
    /// How often it was delivered before.
    pub(crate) tries: i64,
}

/// The broker.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) queues: Vec<Queue>,
    pub(crate) connections: Vec<Connection>,
    /// Numbers of events that the exchange of events has taken over, whatever became of them.
    pub(crate) taken: BTreeSet<i64>,
    /// Events that a consumer has taken over, and in which queue, since somebody looked.
    pub(crate) settled: Vec<(QueueId, Event)>,
    /// Until when it takes nothing from anybody.
    pub(crate) stalled_until: Time,
    exchanges: bool,
    up_at: Time,
}

impl Broker {
    pub(crate) fn new(services: usize) -> Self {
        Self {
            queues: (0..=services).map(|_| Queue::default()).collect(),
            connections: Vec::new(),
            taken: BTreeSet::new(),
            settled: Vec::new(),
            stalled_until: 0,
            exchanges: false,
            up_at: 0,
        }
    }

    pub(crate) fn is_up(&self, now: Time) -> bool {
        now >= self.up_at
    }

    pub(crate) fn connect(&mut self, process: ProcessId) -> usize {
        self.connections.push(Connection::new(process));
        self.connections.len() - 1
    }

    /// Declares exchanges, a queue and its bindings; gives how many consumers the queue has.
    pub(crate) fn declare(&mut self, queue: QueueId) -> usize {
        self.exchanges = true;
        self.queues[queue].declare();
        self.queues[queue].consumers.len()
    }

    pub(crate) fn subscribe(&mut self, id: usize, queue: QueueId, prefetch: usize, run: &mut Run) {
        let connection = &mut self.connections[id];
        connection.subscribed = Some((queue, self.queues[queue].incarnation));
        connection.prefetch = prefetch;
        self.queues[queue].consumers.push(id);
        self.pump(queue, run);
    }

    /// Takes one frame of a connection that has sent some; false when there is none.
    pub(crate) fn take_one(&mut self, run: &mut Run) -> bool {
        let sending = |id: &usize| {
            let connection = &self.connections[*id];
            connection.state != State::Closed && !connection.sent.is_empty()
        };
        let senders: Vec<usize> = (0..self.connections.len()).filter(sending).collect();
        if senders.is_empty() {
            return false;
        }
        let id = senders[run.chance.below(senders.len())];
        if let Some(frame) = self.connections[id].sent.pop_front() {
            self.take(id, frame, run);
        }
        let connection = &self.connections[id];
        if connection.state == State::Leaving && connection.sent.is_empty() {
            self.close(id, run);
        }
        true
    }

    fn take(&mut self, id: usize, frame: Frame, run: &mut Run) {
        match frame {
            Frame::Publish {
                slot,
                exchange,
                body,
                mandatory,
            } => {
                let confirmation = if run.chance.happens(run.chance.odds.refusal) {
                    run.count(Count::Refusals);
                    // Some of its queues may have taken it all the same.
                    if run.chance.coin() {
                        self.route(exchange, &body, mandatory, run);
                    }
                    Confirmation::Refused
                } else if self.exchanges || matches!(exchange, Exchange::Direct(_)) {
                    self.route(exchange, &body, mandatory, run)
                } else {
                    // Publishing to an exchange that is not there closes the channel.
                    return self.close(id, run);
                };
                let heard = if run.chance.happens(run.chance.odds.swallowed) {
                    run.count(Count::ConfirmsLost);
                    NEVER
                } else if run.chance.happens(run.chance.odds.late_confirm) {
                    run.count(Count::ConfirmsLate);
                    run.now() + run.chance.pause(MILLISECOND, SECOND)
                } else {
                    run.now()
                };
                self.connections[id].slots[slot] = Some((confirmation, heard));
                run.notify(Topic::Connection(id));
            }
            Frame::Acknowledge { tag, several } => {
                let covers = |held: &mut Delivery| held.tag == tag || (several && held.tag < tag);
                let held = &mut self.connections[id].held;
                let acknowledged: Vec<Delivery> = held.extract_if(.., covers).collect();
                for delivery in acknowledged {
                    self.settle(id, &delivery.message);
                }
                self.pump_for(id, run);
            }
            Frame::Reject { tag, requeue } => {
                let held = &mut self.connections[id].held;
                if let Some(place) = held.iter().position(|held| held.tag == tag) {
                    let message = held.remove(place).message;
                    if !requeue {
                        self.settle(id, &message);
                    }
                    self.give_back(id, message, requeue, run);
                }
                self.pump_for(id, run);
            }
        }
    }

    fn route(
        &mut self,
        exchange: Exchange,
        body: &Body,
        mandatory: bool,
        run: &mut Run,
    ) -> Confirmation {
        if let (Exchange::Events, Body::Event(event)) = (exchange, body) {
            self.taken.insert(event.seq);
        }
        let direct = matches!(exchange, Exchange::Direct(_));
        let mut targets = 0;
        for id in 0..self.queues.len() {
            if !self.queues[id].receives(id, exchange) {
                continue;
            }
            targets += 1;
            self.queues[id].ready.push_back(Message {
                body: body.clone(),
                direct,
                tries: 0,
            });
            self.pump(id, run);
        }
        if targets > 0 {
            return Confirmation::Taken;
        }
        match exchange {
            // The alternate exchange takes it, so nobody is told.
            Exchange::Events => run.count(Count::Unrouted),
            _ if mandatory => return Confirmation::Returned,
            _ => {}
        }
        Confirmation::Taken
    }

    /// A consumer has taken a message over.
    fn settle(&mut self, id: usize, message: &Message) {
        if let (Some((queue, _)), Body::Event(event)) =
            (self.connections[id].subscribed, &message.body)
        {
            self.settled.push((queue, *event));
        }
    }

    /// Takes back a message that a connection held.
    fn give_back(&mut self, id: usize, message: Message, requeue: bool, run: &mut Run) {
        let Some((queue, incarnation)) = self.connections[id].subscribed else {
            return;
        };
        // What was held of a queue that is gone is gone with it.
        if self.queues[queue].incarnation == incarnation {
            self.queues[queue].give_back(message, requeue, run);
        }
    }

    /// Delivers to the active consumer of the queue that a connection is subscribed to.
    fn pump_for(&mut self, id: usize, run: &mut Run) {
        if let Some((queue, _)) = self.connections[id].subscribed {
            self.pump(queue, run);
        }
    }

    /// Delivers what is ready to the active consumer, as far as it takes more.
    fn pump(&mut self, queue: QueueId, run: &mut Run) {
        let queue = &mut self.queues[queue];
        let Some(active) = queue.consumers.first() else {
            return;
        };
        let connection = &mut self.connections[*active];
        if connection.state != State::Open {
            return;
        }
        while connection.held.len() < connection.prefetch
            && let Some(message) = queue.ready.pop_front()
        {
            if message.tries > 0 {
                run.count(Count::Redeliveries);
            }
            connection.deliver(message);
            run.notify(Topic::Connection(*active));
        }
    }

    /// The client is gone. What it had sent may still arrive.
    pub(crate) fn leave(&mut self, id: usize, run: &mut Run) {
        let connection = &mut self.connections[id];
        if connection.state != State::Open {
            return;
        }
        if connection.sent.is_empty() || run.chance.coin() {
            self.close(id, run);
        } else {
            connection.state = State::Leaving;
        }
    }

    /// The connection breaks: what was sent and not taken is lost, what was held comes back.
    pub(crate) fn close(&mut self, id: usize, run: &mut Run) {
        let connection = &mut self.connections[id];
        if connection.state == State::Closed {
            return;
        }
        connection.state = State::Closed;
        connection.sent.clear();
        // What has arrived before may be read first.
        if run.chance.coin() {
            connection.arrived.clear();
        }
        let held = std::mem::take(&mut connection.held);
        if let Some((queue, _)) = connection.subscribed {
            self.queues[queue]
                .consumers
                .retain(|consumer| *consumer != id);
            // From the last to the first, so that they stand in order where they were.
            for delivery in held.into_iter().rev() {
                self.give_back(id, delivery.message, true, run);
            }
            self.pump(queue, run);
        }
        run.notify(Topic::Connection(id));
    }

    pub(crate) fn is_open(&self, id: usize) -> bool {
        self.connections[id].state == State::Open
    }

    /// All connections break and none is accepted until then; queues are durable.
    pub(crate) fn restart(&mut self, up_at: Time, run: &mut Run) {
        self.up_at = up_at;
        for id in 0..self.connections.len() {
            self.close(id, run);
        }
    }

    /// Comes back with nothing of what it had.
    pub(crate) fn lose_everything(&mut self, up_at: Time, run: &mut Run) {
        self.restart(up_at, run);
        self.exchanges = false;
        for queue in &mut self.queues {
            queue.delete();
        }
    }

    /// Deletes the exchanges, and all bindings with them.
    pub(crate) fn delete_exchanges(&mut self) {
        self.exchanges = false;
        for queue in &mut self.queues {
            queue.unbind(None);
        }
    }

    /// Deletes a queue with its bindings; its consumers' subscriptions end. The word of it may be
    /// lost on the way to them.
    pub(crate) fn delete(&mut self, queue: QueueId, run: &mut Run) {
        let consumers = self.queues[queue].delete();
        for id in consumers {
            if run.chance.below(4) > 0 {
                self.connections[id].cancelled = true;
                run.notify(Topic::Connection(id));
            }
        }
    }

    /// Whether no queue of events holds one, and none is under way.
    pub(crate) fn is_quiet(&self) -> bool {
        let is_event = |message: &Message| matches!(message.body, Body::Event(_));
        let queues = self.queues.iter();
        let mut ready = queues.flat_map(|queue| queue.ready.iter().chain(&queue.dead));
        let connections = self.connections.iter();
        let mut held = connections.flat_map(|connection| &connection.held);
        !ready.any(is_event) && !held.any(|delivery| is_event(&delivery.message))
    }
}

#[cfg(test)]
mod tests;
