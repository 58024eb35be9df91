//! What becomes of deliveries and of parked events. Pure.
//!
//! # Design notes
//! The session and the sweep carry out what is decided here, over a channel and a pool; the
//! simulation (`tests/simulation`, for which this is public) does so against models of both. What
//! an event itself means is decided by its aggregate's mark, in [`inbox`](crate::messaging::inbox).

use std::time::{Duration, Instant};

use crate::messaging::broker::step;
use crate::messaging::topology;

/// First and longest wait before a delivery is given back to be tried again.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(1);
/// First and longest wait before a parked event's effect is tried again.
const PARKED_RETRY_FIRST: Duration = Duration::from_millis(100);
const PARKED_RETRY_LAST: Duration = Duration::from_secs(5);
/// Tries before an event is a dead letter: one less than the broker's limit, so that we and not the
/// broker bury it, with the reason.
const TRIES: i64 = topology::DELIVERY_LIMIT;

/// Why an event has had no effect, as far as it matters for what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The database is away. No event is to blame.
    Outage,
    /// It may succeed later.
    Retry,
    /// It will never succeed.
    Reject,
}

/// What becomes of an event that has had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It stays where it is until the database is back: an outage must not use up its tries.
    Hold,
    /// It is tried again after a wait.
    Defer {
        /// How often it has been tried.
        tries: i64,
        /// How long it waits.
        wait: Duration,
    },
    /// It becomes a dead letter.
    Bury {
        /// For the operator.
        reason: &'static str,
    },
}

/// Of a delivery that the broker has delivered `earlier` times before.
#[must_use]
pub fn of_delivery(trouble: Trouble, earlier: i64) -> Ruling {
    match trouble {
        Trouble::Outage => Ruling::Hold,
        Trouble::Reject => Ruling::Bury { reason: "rejected" },
        Trouble::Retry if earlier + 1 >= TRIES => Ruling::Bury { reason: "tries" },
        Trouble::Retry => defer(earlier, RETRY_FIRST, RETRY_LAST),
    }
}

/// Of a parked event whose turn has come and that was tried `attempts` times before.
#[must_use]
pub fn of_parked(trouble: Trouble, attempts: i32) -> Ruling {
    let attempts = i64::from(attempts);
    match trouble {
        Trouble::Outage => Ruling::Hold,
        Trouble::Retry if attempts + 1 < TRIES => {
            defer(attempts, PARKED_RETRY_FIRST, PARKED_RETRY_LAST)
        }
        Trouble::Retry | Trouble::Reject => Ruling::Bury { reason: "rejected" },
    }
}

fn defer(earlier: i64, first: Duration, last: Duration) -> Ruling {
    Ruling::Defer {
        tries: earlier + 1,
        wait: step(u32::try_from(earlier).unwrap_or(0), first, last),
    }
}

/// A message: an event, or something else that arrives among them.
#[derive(Debug, PartialEq, Eq)]
pub enum Message<E, O> {
    /// An event, or a run of them.
    Event(E),
    /// A word between our own ends, or garbage.
    Other(O),
}

/// Divides a batch into what is settled together, in order: neighbouring events are one run, and
/// everything else stands alone, since a digest sums up what came before it.
pub fn runs<E, O>(batch: Vec<Message<E, O>>) -> Vec<Message<Vec<E>, O>> {
    let mut runs: Vec<Message<Vec<E>, O>> = Vec::new();
    for message in batch {
        match (message, runs.last_mut()) {
            (Message::Event(event), Some(Message::Event(run))) => run.push(event),
            (Message::Event(event), _) => runs.push(Message::Event(vec![event])),
            (Message::Other(other), _) => runs.push(Message::Other(other)),
        }
    }
    runs
}

/// Failed deliveries that wait before they are given back.
#[derive(Debug)]
pub struct Deferred<D> {
    waiting: Vec<(Instant, D)>,
}

impl<D> Default for Deferred<D> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
        }
    }
}

impl<D> Deferred<D> {
    /// Keeps a delivery until then.
    pub fn keep(&mut self, delivery: D, until: Instant) {
        self.waiting.push((until, delivery));
    }

    /// When the first wait is over.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.waiting.iter().map(|(until, _)| *until).min()
    }

    /// Takes out those whose wait is over.
    pub fn due(&mut self, now: Instant) -> Vec<D> {
        let (due, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(until, _)| *until <= now);
        self.waiting = waiting;
        let due: Vec<(Instant, D)> = due;
        due.into_iter().map(|(_, delivery)| delivery).collect()
    }

    /// Whether deliveries may be acknowledged several at once. That acknowledges everything before
    /// them too, and must not reach one that waits.
    #[must_use]
    pub fn allow_several_at_once(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Deferred, Message, Ruling, TRIES, Trouble, of_delivery, of_parked, runs};

    #[test]
    fn an_outage_is_waited_out_however_often_something_was_tried() {
        assert_eq!(of_delivery(Trouble::Outage, 100), Ruling::Hold);
        assert_eq!(of_parked(Trouble::Outage, 100), Ruling::Hold);
    }

    #[test]
    fn what_may_succeed_later_is_tried_as_often_as_the_broker_would_and_then_buried() {
        for earlier in 0..TRIES - 1 {
            let Ruling::Defer { tries, wait } = of_delivery(Trouble::Retry, earlier) else {
                panic!("buried after {earlier} tries");
            };
            assert_eq!(tries, earlier + 1);
            assert!(wait >= Duration::from_millis(50) && wait <= Duration::from_secs(1));
        }
        let buried = Ruling::Bury { reason: "tries" };
        assert_eq!(of_delivery(Trouble::Retry, TRIES - 1), buried);
        assert!(matches!(of_parked(Trouble::Retry, 6), Ruling::Defer { .. }));
        let buried = Ruling::Bury { reason: "rejected" };
        assert_eq!(of_parked(Trouble::Retry, 7), buried);
    }

    #[test]
    fn what_never_succeeds_is_buried_at_once() {
        let buried = Ruling::Bury { reason: "rejected" };
        assert_eq!(of_delivery(Trouble::Reject, 0), buried);
        assert_eq!(of_parked(Trouble::Reject, 0), buried);
    }

    #[test]
    fn events_between_other_messages_go_together() {
        use Message::{Event, Other};
        let batch = vec![
            Event(1),
            Event(2),
            Other("digest"),
            Other("done"),
            Event(3),
            Other("digest"),
        ];
        let expected = vec![
            Event(vec![1, 2]),
            Other("digest"),
            Other("done"),
            Event(vec![3]),
            Other("digest"),
        ];
        assert_eq!(runs(batch), expected);
    }

    #[test]
    fn what_waits_is_given_back_when_its_wait_is_over() {
        let mut deferred = Deferred::default();
        assert!(deferred.allow_several_at_once());
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        deferred.keep("late", begun + second);
        deferred.keep("early", begun);
        assert_eq!(deferred.next(), Some(begun));
        assert_eq!(deferred.due(begun), ["early"]);
        assert!(!deferred.allow_several_at_once());
        assert_eq!(deferred.next(), Some(begun + second));
        assert_eq!(deferred.due(begun + second), ["late"]);
        assert_eq!(deferred.next(), None);
    }
}
