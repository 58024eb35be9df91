//! Events, as far as messaging depends on them.

use std::fmt;

use handslag_platform::messaging::relay::course::Numbered;
use handslag_platform::messaging::relay::holes::event_hash;
use uuid::Uuid;

/// The type of all aggregates.
pub(crate) const AGGREGATE: &str = "thing";

/// A row of the log, and the message made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) seq: i64,
    pub(crate) aggregate: usize,
    pub(crate) version: i64,
    pub(crate) id: Uuid,
}

impl Event {
    /// What is unique of it for consumers.
    pub(crate) fn key(&self) -> (usize, i64) {
        (self.aggregate, self.version)
    }
}

impl Numbered for Event {
    fn seq(&self) -> i64 {
        self.seq
    }

    fn hash(&self) -> i64 {
        event_hash(self.seq, self.id)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seq,
            aggregate,
            version,
            ..
        } = self;
        write!(f, "event {seq} (thing {aggregate} version {version})")
    }
}
