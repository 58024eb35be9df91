//! The course of one leadership: what to read, what to publish, what is settled, what may be saved
//! and said. Pure.
//!
//! # Design notes
//! The term carries out over its connections what the course decides; the simulation
//! (`tests/simulation`) carries out the same against models of the database and the broker, which
//! is why this is public. A failure is none of its states: whatever goes wrong ends the leadership,
//! and the next one begins a course of its own at the durable mark.
//!
//! Nothing is read while rows of the last read still wait: a queue that outgrows the window would
//! only move the log into memory.

use std::collections::VecDeque;
use std::time::Duration;

use super::holes::{Ledger, Mark};

/// Pause between reads while there is something to do, and while there is nothing.
const POLL_BUSY: Duration = Duration::from_millis(2);
const POLL_IDLE: Duration = Duration::from_millis(50);

/// A row of the log, as far as its course depends on it.
pub trait Numbered {
    /// Its number in the log.
    fn seq(&self) -> i64;
    /// Its hash in digests.
    fn hash(&self) -> i64;
}

/// How much at a time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rows of one read: so many new ones, and so many that turn up in holes.
    pub batch: usize,
    /// Unconfirmed messages.
    pub window: usize,
}

/// What a confirmation will settle: an event, or nothing if it is a digest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Receipt(Option<(i64, i64)>);

impl Receipt {
    /// Whether it is an event's.
    #[must_use]
    pub fn is_of_event(self) -> bool {
        self.0.is_some()
    }
}

/// The relay's decisions of one leadership, over rows `R`.
#[derive(Debug)]
pub struct Course<R> {
    limits: Limits,
    ledger: Ledger,
    saved: i64,
    queue: VecDeque<R>,
    under_way: usize,
    /// The last read was cut short: there is more to read at once.
    more: bool,
    pause: Duration,
}

impl<R: Numbered> Course<R> {
    /// Begins after the durable mark.
    #[must_use]
    pub fn new(mark: Mark, limits: Limits) -> Self {
        Self {
            limits,
            ledger: Ledger::new(mark),
            saved: mark.seq,
            queue: VecDeque::new(),
            under_way: 0,
            more: true,
            pause: POLL_BUSY,
        }
    }

    /// Whether the log is to be read without a pause.
    #[must_use]
    pub fn must_read(&self) -> bool {
        self.more && self.queue.is_empty()
    }

    /// Whether the log may be read when the pause is over or somebody says that there is something.
    #[must_use]
    pub fn may_read(&self) -> bool {
        self.queue.is_empty()
    }

    /// The pause until the next read.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.pause
    }

    /// What is read is newer than this …
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.ledger.newest()
    }

    /// … or lies in one of these ranges: first and last of each.
    #[must_use]
    pub fn holes(&self) -> (Vec<i64>, Vec<i64>) {
        self.ledger.holes()
    }

    /// Takes in what one read found, ascending, and the oldest transaction that was running at its
    /// snapshot. Answers whether there are holes that need a bound.
    pub fn take(&mut self, rows: Vec<R>, oldest_running: i64) -> bool {
        let found: Vec<i64> = rows.iter().map(Numbered::seq).collect();
        let newest = self.ledger.newest();
        let late = found.iter().filter(|seq| **seq <= newest).count();
        let batch = self.limits.batch;
        // A read cut short among the holes has not looked for all of them, and proves no absence.
        let complete = late < batch;
        self.more = !complete || found.len() - late >= batch;
        self.pause = if found.is_empty() {
            (self.pause * 2).min(POLL_IDLE)
        } else {
            POLL_BUSY
        };
        self.queue.extend(rows);
        self.ledger.observe(&found, oldest_running, complete)
    }

    /// Gives new holes their bound: a transaction number that was drawn after the read.
    pub fn bind(&mut self, bound: i64) {
        self.ledger.bind(bound);
    }

    /// Takes what is missing for never written, as a cursor on the number alone does.
    #[cfg(feature = "failpoints")]
    pub(crate) fn give_up_holes(&mut self) {
        self.ledger.give_up_holes();
    }

    /// The next row to publish, if the window has room.
    pub fn publish(&mut self) -> Option<(R, Receipt)> {
        if self.under_way >= self.limits.window {
            return None;
        }
        let row = self.queue.pop_front()?;
        self.under_way += 1;
        let receipt = Receipt(Some((row.seq(), row.hash())));
        Some((row, receipt))
    }

    /// What may be said of the events so far: all of them are confirmed, so what says it comes
    /// behind them in every queue.
    pub fn say(&mut self) -> (Mark, Receipt) {
        self.under_way += 1;
        (self.ledger.mark(), Receipt(None))
    }

    /// The broker has taken a message over.
    pub fn settle(&mut self, receipt: Receipt) {
        self.under_way -= 1;
        if let Some((seq, hash)) = receipt.0 {
            self.ledger.confirm(seq, hash);
        }
    }

    /// The mark to be written, if it has moved since it was written last.
    #[must_use]
    pub fn unsaved(&self) -> Option<Mark> {
        let mark = self.ledger.mark();
        (mark.seq != self.saved).then_some(mark)
    }

    /// The mark has been written.
    pub fn saved(&mut self, mark: Mark) {
        self.saved = mark.seq;
    }

    /// How many numbers are missing and may still come.
    #[must_use]
    pub fn missing(&self) -> i64 {
        self.ledger.missing()
    }

    /// Rows read and messages sent that are not confirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.queue.len() + self.under_way
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, Limits, Mark, Numbered, POLL_BUSY, POLL_IDLE};

    impl Numbered for i64 {
        fn seq(&self) -> i64 {
            *self
        }

        fn hash(&self) -> i64 {
            self * 10
        }
    }

    fn course() -> Course<i64> {
        let limits = Limits {
            batch: 3,
            window: 2,
        };
        Course::new(Mark::default(), limits)
    }

    #[test]
    fn the_window_bounds_what_is_under_way_and_a_confirmation_makes_room() {
        let mut course = course();
        course.take(vec![1, 2, 3], 100);
        let (first, receipt) = course.publish().unwrap();
        assert_eq!(first, 1);
        let (second, _) = course.publish().unwrap();
        assert_eq!(second, 2);
        assert!(course.publish().is_none());
        assert_eq!(course.unconfirmed(), 3);
        course.settle(receipt);
        assert_eq!(course.publish().unwrap().0, 3);
    }

    #[test]
    fn reads_on_at_once_after_a_read_cut_short_but_never_over_rows_that_wait() {
        let mut course = course();
        assert!(course.must_read());
        course.take(vec![1, 2, 3], 100);
        assert!(!course.must_read() && !course.may_read());
        let receipts = [course.publish().unwrap().1, course.publish().unwrap().1];
        for receipt in receipts {
            course.settle(receipt);
        }
        let _ = course.publish().unwrap();
        assert!(course.must_read());
        course.take(vec![4], 100);
        let _ = course.publish().unwrap();
        assert!(!course.must_read() && course.may_read());
    }

    #[test]
    fn a_read_cut_short_among_the_holes_buries_none() {
        let mut course = course();
        assert!(course.take(vec![10], 100));
        course.bind(101);
        course.take(vec![1, 2, 3], 500);
        assert_eq!(course.missing(), 6);
        assert!(!course.take(vec![4], 500));
        assert_eq!(course.missing(), 0);
    }

    #[test]
    fn only_what_is_confirmed_may_be_saved_and_said() {
        let mut course = course();
        course.take(vec![1, 2], 100);
        let [first, second] = [course.publish().unwrap().1, course.publish().unwrap().1];
        course.settle(second);
        assert_eq!(course.unsaved(), None);
        assert_eq!(course.say().0.seq, 0);
        course.settle(first);
        let mark = Mark {
            seq: 2,
            count: 2,
            hash: 30,
        };
        assert_eq!(course.unsaved(), Some(mark));
        assert_eq!(course.say().0, mark);
        course.saved(mark);
        assert_eq!(course.unsaved(), None);
    }

    #[test]
    fn pauses_longer_the_longer_nothing_comes() {
        let mut course = course();
        for _ in 0..10 {
            course.take(Vec::new(), 100);
        }
        assert_eq!(course.pause(), POLL_IDLE);
        course.take(vec![1], 100);
        assert_eq!(course.pause(), POLL_BUSY);
    }
}
