//! Row locks of one database.

/// Number of a transaction, beside those that the database draws for writers.
pub(crate) type TransactionId = u64;

/// What can be locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A producer's aggregate, or a consumer's mark of it.
    Aggregate(usize),
    /// A number among those heard of.
    Seen(i64),
    /// The consumer's account of its producer.
    Account,
}

/// What comes of asking for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// It is held from now until the transaction ends.
    Held,
    /// Another transaction holds it; ask again when one has ended.
    Wait,
    /// Waiting would never end: the transaction fails.
    Deadlock,
}

/// Who holds what, and who waits for what.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    held: Vec<(Key, TransactionId)>,
    waiting: Vec<(TransactionId, Key)>,
}

impl Locks {
    /// Locks `key` until the transaction ends.
    pub(crate) fn ask(&mut self, transaction: TransactionId, key: Key) -> Grant {
        self.waiting.retain(|(waiter, _)| *waiter != transaction);
        match self.holder(key) {
            None => {
                self.held.push((key, transaction));
                Grant::Held
            }
            Some(holder) if holder == transaction => Grant::Held,
            Some(holder) if self.waits_for(holder, transaction) => Grant::Deadlock,
            Some(_) => {
                self.waiting.push((transaction, key));
                Grant::Wait
            }
        }
    }

    /// The transaction has ended.
    pub(crate) fn release(&mut self, transaction: TransactionId) {
        self.held.retain(|(_, holder)| *holder != transaction);
        self.waiting.retain(|(waiter, _)| *waiter != transaction);
    }

    fn holder(&self, key: Key) -> Option<TransactionId> {
        let (_, holder) = self.held.iter().find(|(held, _)| *held == key)?;
        Some(*holder)
    }

    /// Whether `waiter` waits, at the end of a chain, for `holder`.
    fn waits_for(&self, waiter: TransactionId, holder: TransactionId) -> bool {
        let mut waiter = waiter;
        while let Some((_, key)) = self.waiting.iter().find(|(waiting, _)| *waiting == waiter) {
            match self.holder(*key) {
                Some(next) if next == holder => return true,
                Some(next) => waiter = next,
                None => return false,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{Grant, Key, Locks};

    #[test]
    fn a_lock_is_held_until_its_transaction_ends() {
        let mut locks = Locks::default();
        assert_eq!(locks.ask(1, Key::Account), Grant::Held);
        assert_eq!(locks.ask(1, Key::Account), Grant::Held);
        assert_eq!(locks.ask(2, Key::Account), Grant::Wait);
        locks.release(1);
        assert_eq!(locks.ask(2, Key::Account), Grant::Held);
    }

    #[test]
    fn who_would_close_a_circle_is_told() {
        let mut locks = Locks::default();
        for (transaction, aggregate) in [(1, 1), (2, 2), (3, 3)] {
            assert_eq!(
                locks.ask(transaction, Key::Aggregate(aggregate)),
                Grant::Held
            );
        }
        assert_eq!(locks.ask(1, Key::Aggregate(2)), Grant::Wait);
        assert_eq!(locks.ask(2, Key::Aggregate(3)), Grant::Wait);
        assert_eq!(locks.ask(3, Key::Aggregate(1)), Grant::Deadlock);
    }
}
