//! A consuming service's tables: marks, parked events, what was heard, dead letters, effects.
//!
//! # Design notes
//! Models `inbox_mark`, `inbox_parked`, `inbox_seen`, `inbox_account`, `dead_letter` and a read
//! model, with the statements of the platform's `inbox`, `account` and `dead_letters`. A transaction
//! keeps what it writes beside the tables until it commits, so that others do not see it; its own
//! statements look there first.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};

use handslag_platform::messaging::relay::course::Numbered as _;
use handslag_platform::messaging::relay::holes::Mark;

use super::locks::{Locks, TransactionId};
use crate::event::Event;
use crate::run::Run;
use crate::schedule::{ProcessId, Time, Topic};

/// An aggregate's version.
pub(crate) type Key = (usize, i64);

/// An event that waits for its predecessors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parked {
    pub(crate) event: Event,
    pub(crate) attempts: i32,
    pub(crate) ask_after: Time,
    pub(crate) try_after: Time,
}

/// A dead letter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dead {
    pub(crate) event: Event,
    pub(crate) replay_wanted: bool,
}

/// The last agreement with the producer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Account {
    pub(crate) agreed: Mark,
    pub(crate) replay_wanted: bool,
}

/// What a transaction has written: the last entry of a key holds, `None` deletes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    pub(crate) marks: Vec<(usize, i64)>,
    pub(crate) parked: Vec<(Key, Option<Parked>)>,
    pub(crate) dead: Vec<(Key, Option<Dead>)>,
    pub(crate) seen: Vec<(i64, Option<i64>)>,
    pub(crate) account: Option<Account>,
    pub(crate) effects: Vec<Event>,
    /// Events that were noted, counted before or not.
    pub(crate) noted: Vec<i64>,
}

/// An open transaction.
#[derive(Debug)]
struct Open {
    id: TransactionId,
    process: ProcessId,
    writes: Writes,
}

/// The committed tables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Committed {
    pub(crate) marks: BTreeMap<usize, i64>,
    pub(crate) parked: BTreeMap<Key, Parked>,
    pub(crate) dead: BTreeMap<Key, Dead>,
    pub(crate) seen: BTreeMap<i64, i64>,
    pub(crate) account: Account,
    /// The read model: the version up to which each aggregate's effects have happened.
    pub(crate) effects: BTreeMap<usize, i64>,
}

/// The database: what is committed, and the open transactions.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) locks: Locks,
    committed: Committed,
    /// What was committed when somebody made a backup.
    backup: Option<Committed>,
    up_at: Time,
    crashes: u32,
    open: Vec<Open>,
}

impl Deref for Tables {
    type Target = Committed;

    fn deref(&self) -> &Committed {
        &self.committed
    }
}

impl DerefMut for Tables {
    fn deref_mut(&mut self) -> &mut Committed {
        &mut self.committed
    }
}

impl Tables {
    pub(crate) fn is_up(&self, now: Time) -> bool {
        now >= self.up_at
    }

    /// How often the server has died: a statement that began before does not end after.
    pub(crate) fn crashes(&self) -> u32 {
        self.crashes
    }

    pub(crate) fn begin(&mut self, id: TransactionId, process: ProcessId) {
        self.open.push(Open {
            id,
            process,
            writes: Writes::default(),
        });
    }

    /// The processes that have a transaction open.
    pub(crate) fn at_work(&self) -> impl Iterator<Item = ProcessId> + '_ {
        self.open.iter().map(|open| open.process)
    }

    /// What an open transaction has written; nothing if it was lost with the server.
    pub(crate) fn writes(&mut self, id: TransactionId) -> Option<&mut Writes> {
        let open = self.open.iter_mut().find(|open| open.id == id)?;
        Some(&mut open.writes)
    }

    fn own(&self, id: TransactionId) -> Option<&Writes> {
        let open = self.open.iter().find(|open| open.id == id)?;
        Some(&open.writes)
    }

    /// Whether a transaction is open that others would have to wait for.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// The aggregate's mark as the transaction sees it.
    pub(crate) fn mark(&self, id: TransactionId, aggregate: usize) -> Option<i64> {
        let own = self.own(id).and_then(|writes| {
            let last = writes.marks.iter().rev().find(|(of, _)| *of == aggregate);
            last.map(|(_, mark)| *mark)
        });
        own.or_else(|| self.marks.get(&aggregate).copied())
    }

    /// A parked event as the transaction sees it.
    pub(crate) fn parked(&self, id: TransactionId, key: Key) -> Option<Parked> {
        let own = self.own(id).and_then(|writes| {
            let last = writes.parked.iter().rev().find(|(of, _)| *of == key);
            last.map(|(_, parked)| *parked)
        });
        own.unwrap_or_else(|| self.parked.get(&key).copied())
    }

    /// Whether something of an aggregate is parked or dead.
    pub(crate) fn troubled(&self, aggregate: usize) -> bool {
        self.parked.keys().any(|key| key.0 == aggregate)
            || self.dead.keys().any(|key| key.0 == aggregate)
    }

    /// Ends a transaction, and gives what it has written.
    pub(crate) fn end(&mut self, id: TransactionId) -> Option<Writes> {
        let place = self.open.iter().position(|open| open.id == id)?;
        let open = self.open.swap_remove(place);
        self.locks.release(id);
        Some(open.writes)
    }

    /// Makes visible what a transaction has written, but for its effects.
    pub(crate) fn apply(&mut self, writes: &Writes) {
        for (aggregate, mark) in &writes.marks {
            self.marks.insert(*aggregate, *mark);
        }
        for (key, parked) in &writes.parked {
            match parked {
                Some(parked) => self.parked.entry(*key).or_insert(*parked),
                None => {
                    self.parked.remove(key);
                    continue;
                }
            };
        }
        for (key, dead) in &writes.dead {
            match dead {
                Some(dead) => self.dead.insert(*key, *dead),
                None => self.dead.remove(key),
            };
        }
        for (seq, hash) in &writes.seen {
            match hash {
                Some(hash) => self.seen.insert(*seq, *hash),
                None => self.seen.remove(seq),
            };
        }
        if let Some(account) = writes.account {
            self.account = account;
        }
    }

    /// The server dies and is back later; what was open is lost.
    pub(crate) fn crash(&mut self, service: usize, up_at: Time, run: &mut Run) {
        self.up_at = up_at;
        self.crashes += 1;
        for open in std::mem::take(&mut self.open) {
            self.locks.release(open.id);
        }
        run.notify(Topic::ServiceLocks(service));
    }

    /// Makes a backup.
    pub(crate) fn back_up(&mut self) {
        self.backup = Some(self.committed.clone());
    }

    /// Brings the backup back, if there is one; nothing may be open.
    pub(crate) fn restore(&mut self) -> bool {
        let backup = self.backup.take();
        let there = backup.is_some();
        if let Some(backup) = backup {
            self.committed = backup;
        }
        there
    }

    /// `inbox::due`: parked events whose turn has come.
    pub(crate) fn due(&self, now: Time) -> Vec<Parked> {
        let turn = |parked: &&Parked| {
            let mark = self.marks.get(&parked.event.aggregate).copied();
            parked.event.version <= mark.unwrap_or(0) + 1 && parked.try_after <= now
        };
        self.parked.values().filter(turn).copied().collect()
    }

    /// `inbox::gaps`: missing versions before parked events whose time has come to be asked for, as
    /// aggregate, first and last; the next time is set.
    pub(crate) fn gaps(&mut self, now: Time, ask_again: Time) -> Vec<(usize, i64, i64)> {
        let mut firsts: Vec<(usize, i64, Time)> = Vec::new();
        for ((aggregate, version), parked) in &self.parked {
            match firsts.last_mut() {
                Some((of, _, ask)) if of == aggregate => *ask = parked.ask_after.min(*ask),
                _ => firsts.push((*aggregate, *version, parked.ask_after)),
            }
        }
        let mut gaps = Vec::new();
        for (aggregate, lowest, ask_after) in firsts {
            let first = self.marks.get(&aggregate).copied().unwrap_or(0) + 1;
            if lowest <= first || ask_after > now {
                continue;
            }
            for (_, parked) in self.parked.range_mut((aggregate, 0)..(aggregate + 1, 0)) {
                parked.ask_after = now + ask_again;
            }
            // A dead letter is known: an operator decides.
            if !self.dead.contains_key(&(aggregate, first)) {
                gaps.push((aggregate, first, lowest - 1));
            }
        }
        gaps
    }

    /// What `account::compare` sums up: events heard of up to `seq` since the agreement.
    pub(crate) fn since(&self, seq: i64) -> (i64, i64) {
        let heard = self.seen.range(..=seq);
        heard.fold((0, 0), |(count, sum), (_, hash)| {
            (count + 1, hash.wrapping_add(sum))
        })
    }

    /// `account::note`: which of the events are written down. What was agreed on is counted already.
    pub(crate) fn unheard(&self, events: &[Event]) -> Vec<(i64, i64)> {
        let new = |event: &&Event| {
            event.seq > self.account.agreed.seq && !self.seen.contains_key(&event.seq)
        };
        let rows = events.iter().filter(new);
        rows.map(|event| (event.seq, event.hash())).collect()
    }

    /// `messaging::rebuild`, together with the emptied read model.
    pub(crate) fn rebuild(&mut self) {
        self.marks.clear();
        self.parked.clear();
        self.dead.clear();
        self.seen.clear();
        self.effects.clear();
        self.account = Account {
            agreed: Mark::default(),
            replay_wanted: true,
        };
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{Dead, Event, Parked, Tables};

    fn event(aggregate: usize, version: i64) -> Event {
        Event {
            seq: version,
            aggregate,
            version,
            id: Uuid::from_u128(1),
        }
    }

    fn park(tables: &mut Tables, aggregate: usize, version: i64, ask_after: u64) {
        let event = event(aggregate, version);
        let parked = Parked {
            event,
            attempts: 0,
            ask_after,
            try_after: 0,
        };
        tables.parked.insert(event.key(), parked);
    }

    #[test]
    fn what_a_transaction_writes_is_seen_by_itself_until_it_commits() {
        let mut tables = Tables::default();
        tables.begin(1, 0);
        tables.begin(2, 0);
        tables.writes(1).unwrap().marks.push((7, 3));
        assert_eq!((tables.mark(1, 7), tables.mark(2, 7)), (Some(3), None));
        let writes = tables.end(1).unwrap();
        tables.apply(&writes);
        assert_eq!(tables.mark(2, 7), Some(3));
        assert!(tables.end(1).is_none());
    }

    #[test]
    fn a_gap_is_asked_for_once_until_its_time_has_come_again_and_not_behind_a_dead_letter() {
        let mut tables = Tables::default();
        tables.marks.insert(1, 2);
        park(&mut tables, 1, 6, 10);
        park(&mut tables, 1, 7, 20);
        park(&mut tables, 2, 2, 10);
        let dead = Dead {
            event: event(2, 1),
            replay_wanted: false,
        };
        tables.dead.insert((2, 1), dead);
        assert_eq!(tables.gaps(9, 100), []);
        assert_eq!(tables.gaps(10, 100), [(1, 3, 5)]);
        assert_eq!(tables.gaps(109, 100), []);
        assert_eq!(tables.gaps(110, 100), [(1, 3, 5)]);
    }

    #[test]
    fn a_parked_event_is_due_when_its_predecessor_is_there_and_its_wait_is_over() {
        let mut tables = Tables::default();
        park(&mut tables, 1, 2, 0);
        park(&mut tables, 2, 1, 0);
        tables.parked.get_mut(&(2, 1)).unwrap().try_after = 50;
        assert!(tables.due(49).is_empty());
        tables.marks.insert(1, 1);
        let due: Vec<_> = tables.due(50).iter().map(|due| due.event.key()).collect();
        assert_eq!(due, [(1, 2), (2, 1)]);
    }

    #[test]
    fn what_was_agreed_on_or_is_known_is_not_counted_again() {
        let mut tables = Tables::default();
        tables.account.agreed.seq = 2;
        tables.seen.insert(3, 30);
        let unheard = tables.unheard(&[event(1, 2), event(1, 3), event(1, 4)]);
        assert_eq!(unheard.len(), 1);
        assert_eq!(unheard[0].0, 4);
        tables.seen.insert(4, i64::MAX);
        assert_eq!(tables.since(3), (1, 30));
        assert_eq!(tables.since(4), (2, i64::MAX.wrapping_add(30)));
    }
}
