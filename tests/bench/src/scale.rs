//! How large everything is: a figure to publish, a look in seconds, or the crate's own test.

use std::time::Duration;

/// Sizes and times of all benches.
#[derive(Clone, Debug)]
pub struct Scale {
    /// Pairs of each figure.
    pub pairs: usize,
    /// Time of one side of a pair, where a side has no natural end.
    pub phase: Duration,
    /// Time before each side that is not counted: connections, caches, prepared statements.
    pub warm_up: Duration,
    /// Organisations of the registry in the benches of calls.
    pub organisations: i64,
    /// Events of one drain of the log (B4); half as many in B8.
    pub drained: i64,
    /// Events of one flow into a read model (B5, B9).
    pub flowed: i64,
    /// Sizes that are compared (B7).
    pub sizes: Vec<i64>,
    /// Calls of one kind on one size in one round (B7).
    pub calls: u64,
    /// Calls that the overloaded service has under way at most.
    pub places: usize,
    /// Time of the overload, and of each attack's watch.
    pub siege: Duration,
    /// Connections of the idle crowd.
    pub crowd: usize,
}

impl Scale {
    /// What is published.
    #[must_use]
    pub fn full(pairs: usize, large: bool) -> Self {
        let mut sizes = vec![1_000, 100_000];
        sizes.extend(large.then_some(1_000_000));
        Self {
            pairs,
            phase: Duration::from_secs(5),
            warm_up: Duration::from_secs(1),
            organisations: 10_000,
            drained: 100_000,
            flowed: 20_000,
            sizes,
            calls: 500,
            // The default of production.
            places: 256,
            siege: Duration::from_secs(10),
            crowd: 10_000,
        }
    }

    /// A look at each bench that takes seconds; its figures are rough.
    #[must_use]
    pub fn quick(pairs: usize) -> Self {
        Self {
            pairs,
            phase: Duration::from_secs(1),
            warm_up: Duration::from_millis(200),
            organisations: 500,
            drained: 5_000,
            flowed: 2_000,
            sizes: vec![200, 2_000],
            calls: 100,
            places: 256,
            siege: Duration::from_secs(3),
            crowd: 500,
        }
    }

    /// Just enough that both sides of each figure do something.
    #[must_use]
    pub fn tiny() -> Self {
        Self {
            pairs: 1,
            organisations: 100,
            drained: 300,
            flowed: 200,
            sizes: vec![120, 240],
            calls: 10,
            // Those who hold one must have an answer in time, on a slow and busy machine too.
            places: 16,
            siege: Duration::from_secs(1),
            crowd: 40,
            ..Self::quick(1)
        }
    }
}
