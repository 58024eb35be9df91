//! The producer's database: transactions that draw numbers, the log, the leader's lock, the mark.
//!
//! # Design notes
//! Models `outbox`, `relay_mark`, the advisory lock and the statements of the platform's
//! `relay::log`. What matters is kept as PostgreSQL has it: a number of the log is drawn apart from
//! the commit that makes it visible, and is lost with a rollback; a snapshot ends at the newest
//! *completed* transaction, so that a running one may lie beyond its end; after a crash the sequence
//! has jumped, since it is logged 32 numbers ahead.

use std::collections::BTreeMap;

use handslag_platform::messaging::relay::holes::Mark;
use uuid::Uuid;

use super::locks::{Locks, TransactionId};
use crate::event::Event;
use crate::run::Run;
use crate::schedule::{ProcessId, Time, Topic};

/// Numbers that a sequence is logged ahead.
const LOGGED_AHEAD: u64 = 32;

/// An open transaction.
#[derive(Debug)]
struct Open {
    id: TransactionId,
    xid: Option<i64>,
    rows: Vec<Event>,
}

/// What one read finds, in one snapshot.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) rows: Vec<Event>,
    /// `pg_snapshot_xmin`: the oldest transaction that runs.
    pub(crate) oldest_running: i64,
    /// `pg_snapshot_xmax`: the one after the newest that is completed.
    pub(crate) end: i64,
}

/// The database.
#[derive(Debug)]
pub(crate) struct Producer {
    pub(crate) locks: Locks,
    pub(crate) mark: Mark,
    /// The committed log.
    pub(crate) log: BTreeMap<i64, Event>,
    /// The committed version of each aggregate.
    pub(crate) versions: Vec<i64>,
    up_at: Time,
    next_seq: i64,
    next_xid: i64,
    newest_completed: i64,
    open: Vec<Open>,
    /// Sessions outside the pool, by number: whose they are, while they live.
    sessions: Vec<Option<ProcessId>>,
    leader: Option<usize>,
}

impl Producer {
    pub(crate) fn new(aggregates: usize) -> Self {
        Self {
            locks: Locks::default(),
            mark: Mark::default(),
            log: BTreeMap::new(),
            versions: vec![0; aggregates],
            up_at: 0,
            next_seq: 1,
            next_xid: 100,
            newest_completed: 99,
            open: Vec::new(),
            sessions: Vec::new(),
            leader: None,
        }
    }

    pub(crate) fn is_up(&self, now: Time) -> bool {
        now >= self.up_at
    }

    /// Begins a transaction, which has no number until it writes.
    pub(crate) fn begin(&mut self, id: TransactionId) {
        self.open.push(Open {
            id,
            xid: None,
            rows: Vec::new(),
        });
    }

    /// Whether the transaction is still open, or was lost with the server.
    pub(crate) fn is_open(&self, id: TransactionId) -> bool {
        self.open.iter().any(|open| open.id == id)
    }

    fn open(&mut self, id: TransactionId) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| open.id == id)
    }

    /// Gives the transaction its number, if it has none yet.
    pub(crate) fn draw_xid(&mut self, id: TransactionId) {
        let xid = self.next_xid;
        if let Some(open) = self.open(id)
            && open.xid.is_none()
        {
            open.xid = Some(xid);
            self.next_xid += 1;
        }
    }

    /// Draws a number of the log. It is used or lost.
    pub(crate) fn draw_seq(&mut self) -> i64 {
        self.next_seq += 1;
        self.next_seq - 1
    }

    /// Appends the aggregate's next version under a number that was drawn.
    pub(crate) fn append(&mut self, id: TransactionId, seq: i64, aggregate: usize, event_id: Uuid) {
        let committed = self.versions[aggregate];
        let Some(open) = self.open(id) else { return };
        let own = open.rows.iter().filter(|row| row.aggregate == aggregate);
        let version = own.map(|row| row.version).max().unwrap_or(committed) + 1;
        open.rows.push(Event {
            seq,
            aggregate,
            version,
            id: event_id,
        });
    }

    /// An aggregate that nobody knows yet.
    pub(crate) fn new_aggregate(&mut self) -> usize {
        self.versions.push(0);
        self.versions.len() - 1
    }

    /// Commits, and gives what has become visible; nothing if the transaction was lost.
    pub(crate) fn commit(&mut self, id: TransactionId, run: &mut Run) -> Option<Vec<Event>> {
        let open = self.end(id, run)?;
        for row in &open.rows {
            self.log.insert(row.seq, *row);
            self.versions[row.aggregate] = row.version;
        }
        Some(open.rows)
    }

    /// Ends a transaction without its rows, and gives how many those were.
    pub(crate) fn roll_back(&mut self, id: TransactionId, run: &mut Run) -> usize {
        self.end(id, run).map_or(0, |open| open.rows.len())
    }

    fn end(&mut self, id: TransactionId, run: &mut Run) -> Option<Open> {
        let place = self.open.iter().position(|open| open.id == id)?;
        let open = self.open.swap_remove(place);
        if let Some(xid) = open.xid {
            self.newest_completed = self.newest_completed.max(xid);
        }
        self.locks.release(id);
        run.notify(Topic::ProducerLocks);
        Some(open)
    }

    /// The relay's read: new rows and those that have turned up in holes, `batch` of each.
    pub(crate) fn read(
        &self,
        newest: i64,
        holes: &(Vec<i64>, Vec<i64>),
        batch: usize,
        uncommitted_too: bool,
    ) -> Read {
        let ranges = holes.0.iter().zip(&holes.1);
        let late = ranges.flat_map(|(first, last)| self.log.range(*first..=*last));
        let new = self.log.range(newest + 1..);
        let mut rows: Vec<Event> = late
            .take(batch)
            .chain(new.take(batch))
            .map(|(_, event)| *event)
            .collect();
        if uncommitted_too {
            let open = self.open.iter().flat_map(|open| &open.rows);
            rows.extend(open.filter(|row| row.seq > newest));
            rows.sort_by_key(|row| row.seq);
        }
        let end = self.newest_completed + 1;
        let running = self.open.iter().filter_map(|open| open.xid).min();
        Read {
            rows,
            oldest_running: running.unwrap_or(end).min(end),
            end,
        }
    }

    /// `pg_current_xact_id()` in a transaction of its own.
    pub(crate) fn fresh_xid(&mut self) -> i64 {
        let xid = self.next_xid;
        self.next_xid += 1;
        self.newest_completed = xid;
        xid
    }

    /// Committed rows with `after < seq <= last`.
    pub(crate) fn range(&self, after: i64, last: i64, batch: usize) -> Vec<Event> {
        if after >= last {
            return Vec::new();
        }
        let range = self.log.range(after + 1..=last);
        range.take(batch).map(|(_, event)| *event).collect()
    }

    /// Committed versions `first..=last` of one aggregate.
    pub(crate) fn some_versions(
        &self,
        aggregate: usize,
        first: i64,
        last: i64,
        batch: usize,
    ) -> Vec<Event> {
        let wanted = |event: &&Event| {
            event.aggregate == aggregate && (first..=last).contains(&event.version)
        };
        // In the order of numbers, which is that of versions within an aggregate.
        let rows = self.log.values().filter(wanted);
        rows.take(batch).copied().collect()
    }

    /// A session outside the pool.
    pub(crate) fn new_session(&mut self, process: ProcessId) -> usize {
        self.sessions.push(Some(process));
        self.sessions.len() - 1
    }

    pub(crate) fn session_lives(&self, session: usize) -> bool {
        self.sessions[session].is_some()
    }

    /// The server ends a session, and its lock with it.
    pub(crate) fn end_session(&mut self, session: usize) {
        self.sessions[session] = None;
        if self.leader == Some(session) {
            self.leader = None;
        }
    }

    /// The server ends all sessions of a process, and gives how many those were.
    pub(crate) fn end_sessions_of(&mut self, process: ProcessId) -> u64 {
        let mut ended = 0;
        for session in 0..self.sessions.len() {
            if self.sessions[session] == Some(process) {
                self.end_session(session);
                ended += 1;
            }
        }
        ended
    }

    /// `pg_try_advisory_lock`.
    pub(crate) fn try_lock(&mut self, session: usize) -> bool {
        *self.leader.get_or_insert(session) == session
    }

    /// The session that holds the lock.
    pub(crate) fn leader(&self) -> Option<usize> {
        self.leader
    }

    /// The server dies and is back later: what was open is lost, what was committed is not.
    pub(crate) fn crash(&mut self, up_at: Time, run: &mut Run) {
        self.up_at = up_at;
        for open in std::mem::take(&mut self.open) {
            self.locks.release(open.id);
        }
        run.notify(Topic::ProducerLocks);
        self.newest_completed = self.next_xid - 1;
        let jump = run.chance.between(0, LOGGED_AHEAD);
        self.next_seq += i64::try_from(jump).unwrap_or(0);
        for session in 0..self.sessions.len() {
            self.end_session(session);
        }
    }

    /// The number and sums of everything committed up to `seq`.
    pub(crate) fn truth(&self, seq: i64) -> Mark {
        use handslag_platform::messaging::relay::course::Numbered as _;
        let mut mark = Mark {
            seq,
            ..Mark::default()
        };
        for (_, event) in self.log.range(..=seq) {
            mark.count += 1;
            mark.hash = mark.hash.wrapping_add(event.hash());
        }
        mark
    }

    /// Whether no transaction is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Producer, Run};
    use crate::chance::Chance;
    use crate::history::History;
    use crate::schedule::Schedule;

    fn run() -> Run {
        let chance = Chance::new(1);
        Run::new(Schedule::new(1), chance, History::default(), None)
    }

    /// Begins a transaction that has appended one event of an aggregate.
    fn append(producer: &mut Producer, run: &mut Run, id: u64, aggregate: usize) -> i64 {
        producer.begin(id);
        producer.draw_xid(id);
        let seq = producer.draw_seq();
        producer.append(id, seq, aggregate, run.chance.id());
        seq
    }

    fn found(rows: &[Event]) -> Vec<i64> {
        rows.iter().map(|row| row.seq).collect()
    }

    #[test]
    fn numbers_become_visible_out_of_order_and_a_rollback_leaves_a_hole() {
        let (mut producer, mut run) = (Producer::new(3), run());
        for id in 1..=3 {
            append(
                &mut producer,
                &mut run,
                id,
                usize::try_from(id).unwrap() - 1,
            );
        }
        assert!(producer.commit(3, &mut run).is_some());
        let read = producer.read(0, &(vec![], vec![]), 10, false);
        assert_eq!(found(&read.rows), [3]);
        producer.roll_back(1, &mut run);
        producer.commit(2, &mut run);
        let read = producer.read(3, &(vec![1], vec![2]), 10, false);
        assert_eq!(found(&read.rows), [2]);
        assert_eq!(producer.truth(3).count, 2);
    }

    #[test]
    fn a_snapshot_ends_at_the_newest_completed_transaction_and_not_at_the_newest() {
        let (mut producer, mut run) = (Producer::new(2), run());
        append(&mut producer, &mut run, 1, 0);
        append(&mut producer, &mut run, 2, 1);
        producer.begin(3);
        producer.draw_xid(3);
        producer.commit(1, &mut run);
        // The two that run have the numbers 101 and 102.
        let read = producer.read(0, &(vec![], vec![]), 10, false);
        assert_eq!((read.oldest_running, read.end), (101, 101));
        assert_eq!(producer.fresh_xid(), 103);
        let read = producer.read(0, &(vec![], vec![]), 10, false);
        assert_eq!((read.oldest_running, read.end), (101, 104));
    }

    #[test]
    fn a_crash_loses_what_is_open_and_what_is_locked_and_nothing_else() {
        let (mut producer, mut run) = (Producer::new(2), run());
        let session = producer.new_session(0);
        assert!(producer.try_lock(session));
        append(&mut producer, &mut run, 1, 0);
        append(&mut producer, &mut run, 2, 1);
        producer.commit(1, &mut run);
        producer.crash(1_000, &mut run);
        assert!(!producer.is_up(999) && producer.is_up(1_000));
        assert!(producer.commit(2, &mut run).is_none());
        assert!(!producer.session_lives(session));
        let other = producer.new_session(0);
        assert!(producer.try_lock(other));
        assert_eq!(found(&producer.range(0, i64::MAX, 10)), [1]);
        assert!(producer.draw_seq() >= 3);
    }
}
