//! A connection to the broker, as a client has it.

use std::rc::Rc;

use super::Failure;
use crate::model::broker::{Body, Confirmation, Delivery, Exchange, Frame, QueueId, State};
use crate::schedule::{NEVER, ProcessId, SECOND, Time, Topic};
use crate::sim::{Look, Sim};
use crate::world::World;

/// Longest wait for a confirmation, as the platform's.
const PUBLISH_TIMEOUT: Time = 15 * SECOND;

/// A message that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    slot: usize,
    timeout: Time,
}

/// A connection; dropped it is closed, by whom or what ever.
#[derive(Debug)]
pub(crate) struct Link {
    sim: Sim,
    id: usize,
}

impl Link {
    pub(crate) async fn connect(sim: &Sim, process: ProcessId) -> Result<Rc<Self>, Failure> {
        sim.hop().await;
        let id = sim.with(|world| {
            let up = world.broker.is_up(world.run.now());
            up.then(|| world.broker.connect(process))
        });
        let id = id.ok_or(Failure::Unavailable)?;
        let link = Self {
            sim: sim.clone(),
            id,
        };
        sim.hop().await;
        Ok(Rc::new(link))
    }

    /// What has news of this connection.
    pub(crate) fn topic(&self) -> Topic {
        Topic::Connection(self.id)
    }

    pub(crate) fn is_open(&self, world: &World) -> bool {
        world.broker.is_open(self.id)
    }

    /// Closes the connection before the last who shares it has gone.
    pub(crate) fn close(&self) {
        self.sim.with(|world| {
            world.broker.leave(self.id, &mut world.run);
            world.run.notify(Topic::Frames);
        });
    }

    /// Makes a queue and everything around it, as far as it is missing; gives how many consumers
    /// the queue has.
    pub(crate) async fn declare(&self, queue: QueueId) -> Result<usize, Failure> {
        self.request(|world, _| world.broker.declare(queue)).await
    }

    /// Declares the queue that this is subscribed to, which so has a consumer, unless somebody has
    /// deleted it in between and the broker's word of it was lost.
    pub(crate) async fn declare_again(&self, queue: QueueId) -> Result<(), Failure> {
        match self.declare(queue).await? {
            0 => Err(Failure::SubscriptionEnded),
            _ => Ok(()),
        }
    }

    pub(crate) async fn subscribe(&self, queue: QueueId, prefetch: usize) -> Result<(), Failure> {
        self.request(|world, id| world.broker.subscribe(id, queue, prefetch, &mut world.run))
            .await
    }

    async fn request<T>(&self, act: impl FnOnce(&mut World, usize) -> T) -> Result<T, Failure> {
        self.sim.hop().await;
        let answer = self.sim.with(|world| {
            let open = self.is_open(world);
            open.then(|| act(world, self.id))
        });
        self.sim.hop().await;
        answer.ok_or(Failure::Closed)
    }

    /// Sends a message; what becomes of it is told later.
    pub(crate) fn publish(&self, exchange: Exchange, body: Body, mandatory: bool) -> Sent {
        self.sim.with(|world| {
            let timeout = world.now() + PUBLISH_TIMEOUT;
            let connection = &mut world.broker.connections[self.id];
            let slot = connection.slots.len();
            connection.slots.push(None);
            if connection.state == State::Open {
                connection.sent.push_back(Frame::Publish {
                    slot,
                    exchange,
                    body,
                    mandatory,
                });
                world.run.notify(Topic::Frames);
            }
            Sent { slot, timeout }
        })
    }

    /// Looks what has become of a message.
    pub(crate) fn look(&self, world: &World, sent: Sent) -> Look<Result<(), Failure>> {
        let now = world.now();
        let connection = &world.broker.connections[self.id];
        let told = connection.slots[sent.slot].filter(|_| connection.state == State::Open);
        match told {
            Some((confirmation, heard)) if heard <= now => Look::Seen(match confirmation {
                Confirmation::Taken => Ok(()),
                Confirmation::Refused => Err(Failure::Refused),
                Confirmation::Returned => Err(Failure::Returned),
            }),
            _ if connection.state != State::Open => Look::Seen(Err(Failure::Closed)),
            _ if now >= sent.timeout => Look::Seen(Err(Failure::Timeout)),
            told => Look::Until(told.map_or(NEVER, |(_, heard)| heard).min(sent.timeout)),
        }
    }

    /// Waits until the broker has taken a message over.
    pub(crate) async fn confirmed(&self, sent: Sent) -> Result<(), Failure> {
        self.sim
            .look(self.topic(), |world| self.look(world, sent))
            .await
    }

    /// The next delivery if it is there already, or why there will be none.
    pub(crate) fn arrived(&self, world: &mut World) -> Option<Result<Delivery, Failure>> {
        let connection = &mut world.broker.connections[self.id];
        if let Some(delivery) = connection.arrived.pop_front() {
            return Some(Ok(delivery));
        }
        if connection.state != State::Open {
            return Some(Err(Failure::Closed));
        }
        connection
            .cancelled
            .then_some(Err(Failure::SubscriptionEnded))
    }

    pub(crate) fn acknowledge(&self, tag: u64, several: bool) -> Result<(), Failure> {
        self.send(Frame::Acknowledge { tag, several })
    }

    pub(crate) fn reject(&self, tag: u64, requeue: bool) -> Result<(), Failure> {
        self.send(Frame::Reject { tag, requeue })
    }

    fn send(&self, frame: Frame) -> Result<(), Failure> {
        self.sim.with(|world| {
            if !self.is_open(world) {
                return Err(Failure::Closed);
            }
            world.broker.connections[self.id].sent.push_back(frame);
            world.run.notify(Topic::Frames);
            Ok(())
        })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}
