//! Chance that can be repeated: all that is drawn for a case follows from the seed and its number.

use std::ops::RangeInclusive;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

/// The draws of one case.
pub(super) struct Chance(StdRng);

impl Chance {
    /// The draws of a case. No case needs another one to have been drawn before it, so that it can
    /// be replayed alone.
    pub(super) fn of(seed: u64, case: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&case.to_le_bytes());
        Self(StdRng::from_seed(key))
    }

    /// A number below `bound`; 0 when there is none.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 {
            return 0;
        }
        self.0.random_range(0..bound)
    }

    /// A number of a range.
    pub(super) fn between(&mut self, range: RangeInclusive<i32>) -> i32 {
        self.0.random_range(range)
    }

    /// True in so many of a hundred draws.
    pub(super) fn percent(&mut self, of_a_hundred: u32) -> bool {
        self.0.random_ratio(of_a_hundred.min(100), 100)
    }

    /// One of some.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.0.random_range(0..from.len())]
    }

    /// Bytes of no meaning.
    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A UUID of version 8 (RFC 9562), which says that it means nothing.
    pub(super) fn uuid(&mut self) -> uuid::Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;

    #[test]
    fn a_case_is_drawn_alike_whenever_it_is_drawn() {
        assert_eq!(Chance::of(7, 3).bytes(40), Chance::of(7, 3).bytes(40));
        assert_ne!(Chance::of(7, 3).bytes(40), Chance::of(7, 4).bytes(40));
        assert_ne!(Chance::of(7, 3).bytes(40), Chance::of(8, 3).bytes(40));
    }
}
