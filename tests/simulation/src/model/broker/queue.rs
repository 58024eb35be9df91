//! One queue, its bindings, and what went wrong with its messages.

use std::collections::VecDeque;

use handslag_platform::messaging::topology::DELIVERY_LIMIT;

use super::{Body, Exchange, Message, QueueId, REQUESTS};
use crate::run::Run;
use crate::totals::Count;

/// A quorum queue with a single active consumer.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) ready: VecDeque<Message>,
    /// What the broker gave up on, or a consumer refused: the queue of dead letters.
    pub(crate) dead: VecDeque<Message>,
    /// Connections; the first is the active one.
    pub(crate) consumers: Vec<usize>,
    /// Counts how often it was deleted.
    pub(crate) incarnation: u32,
    exists: bool,
    bound_to_events: bool,
    bound_to_digests: bool,
    bound_to_requests: bool,
}

impl Queue {
    /// Makes the queue and its bindings, as far as they are missing.
    pub(crate) fn declare(&mut self) {
        self.exists = true;
        self.bound_to_events = true;
        self.bound_to_digests = true;
        self.bound_to_requests = true;
    }

    /// Deletes the queue, and gives who was subscribed to it.
    pub(crate) fn delete(&mut self) -> Vec<usize> {
        self.exists = false;
        self.unbind(None);
        self.incarnation += 1;
        self.ready.clear();
        self.dead.clear();
        std::mem::take(&mut self.consumers)
    }

    /// Removes the binding to one exchange, or all of them.
    pub(crate) fn unbind(&mut self, exchange: Option<Exchange>) {
        let goes = |which| exchange.is_none_or(|exchange| exchange == which);
        self.bound_to_events &= !goes(Exchange::Events);
        self.bound_to_digests &= !goes(Exchange::Digests);
        self.bound_to_requests &= !goes(Exchange::Replay);
    }

    /// Whether a message that was published to `exchange` comes into this queue.
    pub(crate) fn receives(&self, own: QueueId, exchange: Exchange) -> bool {
        self.exists
            && match exchange {
                Exchange::Events => own != REQUESTS && self.bound_to_events,
                Exchange::Digests => own != REQUESTS && self.bound_to_digests,
                Exchange::Replay => own == REQUESTS && self.bound_to_requests,
                Exchange::Direct(queue) => own == queue,
            }
    }

    /// Takes back a message that was delivered.
    pub(crate) fn give_back(&mut self, message: Message, requeue: bool, run: &mut Run) {
        let message = Message {
            tries: message.tries + 1,
            ..message
        };
        if !requeue || message.tries > DELIVERY_LIMIT {
            if requeue {
                run.count(Count::BuriedByBroker);
            }
            if matches!(message.body, Body::Event(_)) {
                self.dead.push_back(message);
            }
        } else if run.chance.happens(run.chance.odds.end_of_queue) {
            self.ready.push_back(message);
        } else {
            self.ready.push_front(message);
        }
    }
}
