//! A connection of a client, and what goes over it.

use std::collections::VecDeque;

use super::{Body, Exchange, Message, QueueId};
use crate::schedule::{ProcessId, Time};

/// A message on its way to a client.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) tag: u64,
    pub(crate) message: Message,
}

/// What a client sends.
#[derive(Clone, Debug)]
pub(crate) enum Frame {
    Publish {
        slot: usize,
        exchange: Exchange,
        body: Body,
        mandatory: bool,
    },
    Acknowledge {
        tag: u64,
        several: bool,
    },
    Reject {
        tag: u64,
        requeue: bool,
    },
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirmation {
    Taken,
    Refused,
    Returned,
}

/// How a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    /// The client is gone; what it had sent still arrives.
    Leaving,
    Closed,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) process: ProcessId,
    pub(crate) state: State,
    pub(crate) sent: VecDeque<Frame>,
    /// Per published message: what became of it, and when the client hears of it.
    pub(crate) slots: Vec<Option<(Confirmation, Time)>>,
    pub(crate) arrived: VecDeque<Delivery>,
    /// The subscription ended, because the queue was deleted.
    pub(crate) cancelled: bool,
    /// Queue and its incarnation.
    pub(super) subscribed: Option<(QueueId, u32)>,
    pub(super) prefetch: usize,
    pub(super) held: Vec<Delivery>,
    pub(super) tags: u64,
}

impl Connection {
    pub(super) fn new(process: ProcessId) -> Self {
        Self {
            process,
            state: State::Open,
            sent: VecDeque::new(),
            slots: Vec::new(),
            arrived: VecDeque::new(),
            cancelled: false,
            subscribed: None,
            prefetch: 0,
            held: Vec::new(),
            tags: 0,
        }
    }

    /// Delivers a message to the client.
    pub(super) fn deliver(&mut self, message: Message) {
        self.tags += 1;
        let delivery = Delivery {
            tag: self.tags,
            message,
        };
        self.held.push(delivery.clone());
        self.arrived.push_back(delivery);
    }
}
