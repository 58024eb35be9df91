//! Which numbers of the log are published, which are missing, and up to where everything is
//! settled. Pure.
//!
//! # Design notes
//! Numbers become visible out of order: a writer draws 7, another draws 8 and commits first. The
//! relay publishes 8 at once and keeps 7 as a hole. A hole's bound is a transaction number drawn
//! *after* the read that saw it missing: the writer of 7 has a lower one. When a later read still
//! misses 7 although no transaction below the bound is running any more, its writer rolled back,
//! and the hole dies. The end of the read's own snapshot is no such bound: the writer may have
//! started after that snapshot was taken.
//!
//! Settled numbers are kept as runs, dead holes included, so that memory is bounded by the number
//! of living holes and not by what was published since the first of them.

use std::collections::BTreeMap;

use uuid::Uuid;

/// Everything up to `seq` is settled: `count` events whose hashes sum up to `hash`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The low-water number.
    pub seq: i64,
    /// Events up to it.
    pub count: i64,
    /// Wrapping sum of their hashes.
    pub hash: i64,
}

/// The hash of an event in digests. A sum of these does not depend on the order of arrival.
#[must_use]
pub fn event_hash(seq: i64, id: Uuid) -> i64 {
    let (high, low) = id.as_u64_pair();
    mix(mix(mix(seq.cast_unsigned()) ^ high) ^ low).cast_signed()
}

/// Finaliser of `SplitMix64`: every bit of the input flips half of the output's.
fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[derive(Clone, Copy, Debug)]
struct Hole {
    last: i64,
    /// `None` until a transaction number has been drawn after the read that found it.
    bound: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    last: i64,
    count: i64,
    hash: i64,
}

/// The relay's book-keeping of one leadership.
#[derive(Clone, Debug)]
pub struct Ledger {
    mark: Mark,
    newest: i64,
    holes: BTreeMap<i64, Hole>,
    settled: BTreeMap<i64, Run>,
}

impl Ledger {
    /// Begins after the durable mark.
    #[must_use]
    pub fn new(mark: Mark) -> Self {
        Self {
            mark,
            newest: mark.seq,
            holes: BTreeMap::new(),
            settled: BTreeMap::new(),
        }
    }

    /// The highest number seen.
    #[must_use]
    pub fn newest(&self) -> i64 {
        self.newest
    }

    /// The ranges of numbers still missing: first and last of each.
    #[must_use]
    pub fn holes(&self) -> (Vec<i64>, Vec<i64>) {
        self.holes
            .iter()
            .map(|(first, hole)| (*first, hole.last))
            .unzip()
    }

    /// How many numbers are missing.
    #[must_use]
    pub fn missing(&self) -> i64 {
        self.holes
            .iter()
            .map(|(first, hole)| hole.last - first + 1)
            .sum()
    }

    /// Up to where everything is settled.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Takes in one read: the numbers it found, ascending, and the oldest transaction running at
    /// its snapshot. `complete` says that all holes were looked for; a read cut short proves no
    /// absence. Answers whether there are holes that need a bound.
    pub fn observe(&mut self, found: &[i64], oldest_running: i64, complete: bool) -> bool {
        let newest = self.newest;
        for &seq in found.iter().filter(|seq| **seq <= newest) {
            self.fill(seq);
        }
        if complete {
            self.bury(oldest_running);
        }
        for &seq in found {
            if seq > self.newest {
                if seq > self.newest + 1 {
                    self.holes.insert(
                        self.newest + 1,
                        Hole {
                            last: seq - 1,
                            bound: None,
                        },
                    );
                }
                self.newest = seq;
            }
        }
        self.advance();
        self.holes.values().any(|hole| hole.bound.is_none())
    }

    /// Gives the new holes their bound: a transaction number drawn after the read.
    pub fn bind(&mut self, bound: i64) {
        for hole in self.holes.values_mut() {
            hole.bound.get_or_insert(bound);
        }
    }

    /// Takes what is missing for never written, as a cursor on the number alone does.
    #[cfg(feature = "failpoints")]
    pub(crate) fn give_up_holes(&mut self) {
        for hole in self.holes.values_mut() {
            hole.bound = Some(i64::MIN);
        }
        self.bury(0);
        self.advance();
    }

    /// The broker has confirmed the event.
    pub fn confirm(&mut self, seq: i64, hash: i64) {
        self.settle(
            seq,
            Run {
                last: seq,
                count: 1,
                hash,
            },
        );
        self.advance();
    }

    /// A missing number has turned up.
    fn fill(&mut self, seq: i64) {
        let Some((&first, &hole)) = self.holes.range(..=seq).next_back() else {
            return;
        };
        if hole.last < seq {
            return;
        }
        self.holes.remove(&first);
        if first < seq {
            self.holes.insert(
                first,
                Hole {
                    last: seq - 1,
                    ..hole
                },
            );
        }
        if seq < hole.last {
            self.holes.insert(seq + 1, hole);
        }
    }

    /// Holes whose possible writers have all ended will never be filled.
    fn bury(&mut self, oldest_running: i64) {
        let dead = |hole: &Hole| hole.bound.is_some_and(|bound| oldest_running >= bound);
        let buried: Vec<(i64, Hole)> = self
            .holes
            .iter()
            .filter(|(_, hole)| dead(hole))
            .map(|(first, hole)| (*first, *hole))
            .collect();
        for (first, hole) in buried {
            self.holes.remove(&first);
            self.settle(
                first,
                Run {
                    last: hole.last,
                    count: 0,
                    hash: 0,
                },
            );
        }
    }

    /// Adds a settled run and joins it to its neighbours.
    fn settle(&mut self, first: i64, run: Run) {
        let mut first = first;
        let mut run = run;
        if let Some((&start, before)) = self.settled.range(..first).next_back()
            && before.last == first - 1
        {
            let before = *before;
            self.settled.remove(&start);
            first = start;
            run.count += before.count;
            run.hash = run.hash.wrapping_add(before.hash);
        }
        if let Some(after) = self.settled.remove(&(run.last + 1)) {
            run.last = after.last;
            run.count += after.count;
            run.hash = run.hash.wrapping_add(after.hash);
        }
        self.settled.insert(first, run);
    }

    fn advance(&mut self) {
        while let Some(run) = self.settled.remove(&(self.mark.seq + 1)) {
            self.mark = Mark {
                seq: run.last,
                count: self.mark.count + run.count,
                hash: self.mark.hash.wrapping_add(run.hash),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use super::{Ledger, Mark};

    fn confirmed(ledger: &mut Ledger, seqs: &[i64]) {
        for seq in seqs {
            ledger.confirm(*seq, *seq * 10);
        }
    }

    #[test]
    fn the_mark_stops_before_the_first_hole_and_before_the_first_unconfirmed() {
        let mut ledger = Ledger::new(Mark::default());
        assert!(ledger.observe(&[1, 2, 4, 5], 100, true));
        ledger.bind(101);
        confirmed(&mut ledger, &[2, 4, 5]);
        assert_eq!(ledger.mark().seq, 0);
        confirmed(&mut ledger, &[1]);
        assert_eq!(
            ledger.mark(),
            Mark {
                seq: 2,
                count: 2,
                hash: 30
            }
        );
        assert_eq!(ledger.holes(), (vec![3], vec![3]));
    }

    #[test]
    fn a_late_commit_fills_its_hole() {
        let mut ledger = Ledger::new(Mark::default());
        ledger.observe(&[5], 100, true);
        ledger.bind(101);
        ledger.observe(&[3], 100, true);
        assert_eq!(ledger.holes(), (vec![1, 4], vec![2, 4]));
        confirmed(&mut ledger, &[3, 5]);
        ledger.observe(&[], 101, true);
        assert_eq!(
            ledger.mark(),
            Mark {
                seq: 5,
                count: 2,
                hash: 80
            }
        );
    }

    #[test]
    fn a_hole_lives_while_a_possible_writer_runs_or_the_read_was_cut_short() {
        let mut ledger = Ledger::new(Mark::default());
        assert!(ledger.observe(&[2], 100, true));
        // Without a bound nothing dies, however far the transactions have come.
        assert!(ledger.observe(&[], 10_000, true));
        ledger.bind(101);
        assert!(!ledger.observe(&[], 100, true));
        ledger.observe(&[], 101, false);
        assert_eq!(ledger.missing(), 1);
        ledger.observe(&[], 101, true);
        assert_eq!(ledger.missing(), 0);
    }

    #[test]
    fn a_hole_that_is_found_in_the_very_read_that_would_bury_it_lives_on_as_an_event() {
        let mut ledger = Ledger::new(Mark::default());
        ledger.observe(&[2], 100, true);
        ledger.bind(101);
        ledger.observe(&[1], 500, true);
        confirmed(&mut ledger, &[2]);
        assert_eq!(ledger.mark().seq, 0);
        confirmed(&mut ledger, &[1]);
        assert_eq!(
            ledger.mark(),
            Mark {
                seq: 2,
                count: 2,
                hash: 30
            }
        );
    }

    proptest! {
        // Writers draw numbers in order and end in any order, by commit or rollback; the relay
        // reads in between. Whatever happens, each committed event is found exactly once, the mark
        // never passes a number whose writer may still commit, and in the end it covers everything
        // and counts the committed.
        #[test]
        fn nothing_committed_is_lost(
            fates in prop::collection::vec((any::<bool>(), 0_usize..12), 1..60),
            reads in prop::collection::vec(0_usize..60, 0..20),
        ) {
            let n = fates.len();
            let mut ledger = Ledger::new(Mark::default());
            let mut published = BTreeSet::new();
            // Writer i draws number i + 1 with transaction number i + 1 at step i and ends `delay`
            // steps later.
            for step in 0..n + 14 {
                if step < n + 13 && !reads.contains(&step) {
                    continue;
                }
                let ended = |i: usize| i + fates[i].1 < step;
                let committed = |seq: i64| {
                    let i = usize::try_from(seq).unwrap() - 1;
                    fates[i].0 && ended(i)
                };
                for _ in 0..3 {
                    let (first, last) = ledger.holes();
                    let holes = first.iter().zip(&last).flat_map(|(first, last)| *first..=*last);
                    let ahead = ledger.newest() + 1..=i64::try_from(n.min(step)).unwrap();
                    let found: Vec<i64> =
                        holes.chain(ahead).filter(|seq| committed(*seq)).collect();
                    let oldest =
                        (0..n.min(step)).find(|i| !ended(*i)).unwrap_or(n.min(step)) + 1;
                    let unbound = ledger.observe(&found, i64::try_from(oldest).unwrap(), true);
                    if unbound {
                        ledger.bind(i64::try_from(n.min(step)).unwrap() + 1);
                    }
                    for seq in found {
                        prop_assert!(published.insert(seq), "{} twice", seq);
                        ledger.confirm(seq, seq);
                    }
                }
                for seq in 1..=ledger.mark().seq {
                    let i = usize::try_from(seq).unwrap() - 1;
                    prop_assert!(ended(i) && (published.contains(&seq) || !fates[i].0));
                }
            }
            let expected: BTreeSet<i64> =
                (1..).zip(&fates).filter(|(_, fate)| fate.0).map(|(seq, _)| seq).collect();
            prop_assert_eq!(&published, &expected);
            let last = expected.last().copied().unwrap_or(0);
            prop_assert_eq!(ledger.mark(), Mark {
                seq: last,
                count: i64::try_from(expected.len()).unwrap(),
                hash: expected.iter().sum(),
            });
        }
    }
}
