//! Everything that a seed decides.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use uuid::Uuid;

use crate::schedule::{MILLISECOND, SECOND, Time};

/// How likely it is, in a world, that …
///
/// Each world leaves about half of it out: where everything goes wrong all the time, the faults
/// that need a long calm before them are never met.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Odds {
    /// … a step is followed by a long pause instead of none.
    pub(crate) slow: f64,
    /// … a command is rolled back.
    pub(crate) rollback: f64,
    /// … a transaction stays open for a while.
    pub(crate) dawdle: f64,
    /// … the broker refuses a message.
    pub(crate) refusal: f64,
    /// … a confirmation never comes.
    pub(crate) swallowed: f64,
    /// … a confirmation takes long.
    pub(crate) late_confirm: f64,
    /// … an effect fails, and would succeed if it were tried again.
    pub(crate) failing: f64,
    /// … an event's effect fails until somebody acts.
    pub(crate) obstinate: f64,
    /// … what is given back comes to the end of its queue instead of where it was.
    pub(crate) end_of_queue: f64,
}

/// The seed's numbers.
#[derive(Debug)]
pub(crate) struct Chance {
    rng: SmallRng,
    pub(crate) odds: Odds,
}

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Self {
            rng: SmallRng::seed_from_u64(seed),
            odds: Odds::default(),
        };
        chance.odds = Odds {
            slow: chance.up_to(0.15),
            rollback: chance.up_to(0.4),
            dawdle: chance.up_to(0.5),
            refusal: chance.up_to(0.01),
            swallowed: chance.up_to(0.01),
            late_confirm: chance.up_to(0.2),
            failing: chance.up_to(0.1),
            obstinate: chance.up_to(0.05),
            end_of_queue: chance.up_to(1.0),
        };
        chance
    }

    /// Nothing goes wrong any more.
    pub(crate) fn calm(&mut self) {
        self.odds = Odds::default();
    }

    /// Zero, or anything up to `most`.
    fn up_to(&mut self, most: f64) -> f64 {
        if self.rng.random_bool(0.5) {
            0.0
        } else {
            self.rng.random_range(0.0..most)
        }
    }

    /// Whether something of these odds happens now.
    pub(crate) fn happens(&mut self, odds: f64) -> bool {
        odds > 0.0 && self.rng.random_bool(odds)
    }

    /// One of two.
    pub(crate) fn coin(&mut self) -> bool {
        self.rng.random()
    }

    /// A number below `n`, which is not 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.rng.random_range(0..n)
    }

    /// A number of a range.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.rng.random_range(low..=high)
    }

    /// A time of a range, short ones as likely as long ones by their order of magnitude.
    pub(crate) fn pause(&mut self, low: Time, high: Time) -> Time {
        let doublings = (high / low.max(1)).checked_ilog2().unwrap_or(0);
        let step = low << self.rng.random_range(0..=doublings);
        self.rng.random_range(step..=(step * 2)).min(high)
    }

    /// How long a message between two processes takes beyond the step itself.
    pub(crate) fn latency(&mut self) -> Time {
        if self.happens(self.odds.slow) {
            self.pause(MILLISECOND, SECOND)
        } else {
            0
        }
    }

    /// An id.
    pub(crate) fn id(&mut self) -> Uuid {
        Uuid::from_u128(self.rng.random())
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_pause_stays_in_its_range() {
        let mut chance = Chance::new(7);
        for _ in 0..1_000 {
            assert!((100..=5_000).contains(&chance.pause(100, 5_000)));
            assert_eq!(chance.pause(9, 9), 9);
        }
    }
}
