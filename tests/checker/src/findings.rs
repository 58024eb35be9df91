//! Where the judges put what they find.

use crate::verdict::{Aggregate, Breach, EventName, Invariant};

/// Breaches of one invariant that are kept with their words; the rest is counted. A run that lost a
/// queue has a hundred thousand of them, and nobody reads the second hundred.
const KEPT: u64 = 1_000;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    counts: [u64; Invariant::ALL.len()],
    breaches: Vec<Breach>,
}

/// What a breach concerns.
#[derive(Debug, Default)]
pub(crate) struct Concerns {
    /// The aggregate, where it concerns one.
    pub(crate) aggregate: Option<Aggregate>,
    /// The event, where it concerns one.
    pub(crate) event: Option<EventName>,
}

impl Findings {
    /// Notes a breach; its words are only made when they are kept.
    pub(crate) fn add(&mut self, invariant: Invariant, words: impl FnOnce() -> (Concerns, String)) {
        let count = &mut self.counts[invariant as usize];
        *count += 1;
        if *count <= KEPT {
            let (Concerns { aggregate, event }, text) = words();
            self.breaches.push(Breach {
                invariant,
                aggregate,
                event,
                text,
            });
        }
    }

    /// Notes a breach that concerns no event.
    pub(crate) fn plain(&mut self, invariant: Invariant, text: impl FnOnce() -> String) {
        self.add(invariant, || (Concerns::default(), text()));
    }

    /// Takes in what somebody else has found.
    pub(crate) fn join(&mut self, other: Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.breaches.extend(other.breaches);
    }

    /// How often each was broken, and the breaches by invariant.
    pub(crate) fn settle(mut self) -> (Vec<(Invariant, u64)>, Vec<Breach>) {
        // Stable: within an invariant the order in which they were found stays.
        self.breaches.sort_by_key(|breach| breach.invariant);
        let counts = Invariant::ALL.into_iter().zip(self.counts);
        (
            counts.filter(|(_, count)| *count > 0).collect(),
            self.breaches,
        )
    }
}
