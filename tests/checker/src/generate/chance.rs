//! Chance that a seed repeats.

use uuid::Uuid;

use crate::calendar::Moment;

/// `SplitMix64`: a seed makes the same history with every version of every library.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    /// A number from 0 to `most`, which is not negative.
    pub(super) fn up_to(&mut self, most: i64) -> i64 {
        let bound = most.unsigned_abs() + 1;
        i64::try_from(self.next() % bound).unwrap_or_default()
    }

    /// True once in so many times.
    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.next().is_multiple_of(times)
    }

    /// One of them; `None` when there is none.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// An id that was made at a moment: a `UUIDv7`.
    pub(super) fn id(&mut self, at: Moment) -> Uuid {
        let milliseconds = (at.0 / 1_000).unsigned_abs();
        let (high, low) = (self.next(), self.next());
        let high = milliseconds << 16 | 0x7000 | high & 0x0fff;
        let low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000;
        Uuid::from_u64_pair(high, low)
    }
}
