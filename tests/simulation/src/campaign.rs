//! Many seeds, on several threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::simulation::{Options, Outcome, simulate};
use crate::totals::Totals;

/// Seeds that a thread runs between two words about its progress.
const TOGETHER: u64 = 50;

/// Which seeds, and how.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// The first seed.
    pub first: u64,
    /// How many.
    pub seeds: u64,
    /// On how many threads.
    pub threads: usize,
    /// How each is run.
    pub options: Options,
}

/// What came of them.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Seeds that were run: all, or those up to the first breach.
    pub seeds: u64,
    /// What happened in them.
    pub totals: Totals,
    /// The most steps that a world took after its last fault until it was quiet, and its seed.
    pub slowest: (u64, u64),
    /// The lowest seed that broke a promise, among those that were run.
    pub breach: Option<Outcome>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// Seeds per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let seeds = u32::try_from(self.seeds).unwrap_or(u32::MAX);
        f64::from(seeds) / self.took.as_secs_f64().max(f64::EPSILON)
    }
}

impl Campaign {
    /// Runs the seeds, and stops soon after the first that breaks a promise. `progress` is told now
    /// and then.
    pub fn run(self, mut progress: impl FnMut(&Report)) -> Report {
        let begun = Instant::now();
        let next = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let mut report = Report::default();
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            for _ in 0..self.threads.max(1) {
                let sender = sender.clone();
                let (next, stop) = (&next, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let from = next.fetch_add(TOGETHER, Ordering::Relaxed);
                        if from >= self.seeds {
                            return;
                        }
                        let part = self.part(from..self.seeds.min(from + TOGETHER), stop);
                        // The other end lives until all threads have ended.
                        let _ = sender.send(part);
                    }
                });
            }
            drop(sender);
            for part in receiver {
                report.add(part);
                report.took = begun.elapsed();
                progress(&report);
            }
        });
        report.took = begun.elapsed();
        report
    }

    fn part(&self, offsets: std::ops::Range<u64>, stop: &AtomicBool) -> Report {
        let mut part = Report::default();
        for offset in offsets {
            let outcome = simulate(self.first.wrapping_add(offset), self.options);
            part.seeds += 1;
            part.totals.merge(&outcome.totals);
            part.slowest = part.slowest.max((outcome.steps_in_calm, outcome.seed));
            if outcome.breach.is_some() {
                stop.store(true, Ordering::Relaxed);
                part.breach = Some(outcome);
                break;
            }
        }
        part
    }
}

impl Report {
    fn add(&mut self, part: Self) {
        self.seeds += part.seeds;
        self.totals.merge(&part.totals);
        self.slowest = self.slowest.max(part.slowest);
        let lower = |breach: &Outcome| {
            let so_far = self.breach.as_ref();
            so_far.is_none_or(|so_far| breach.seed < so_far.seed)
        };
        if let Some(breach) = part.breach
            && lower(&breach)
        {
            self.breach = Some(breach);
        }
    }
}
