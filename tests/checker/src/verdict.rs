//! What the judge says.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

/// The promises that a run is held to, as the design counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Invariant {
    /// Durability: what was answered OK is in the log.
    I1,
    /// No invention: what is in the log was asked for, and not refused.
    I2,
    /// The versions of an aggregate are 1, 2, 3 … up to its row's.
    I3,
    /// What the broker carried is in the log, unchanged.
    I4,
    /// What is in the log was carried by the broker.
    I5,
    /// A subscriber is told exactly what it asked for.
    I6,
    /// Versions rise for everybody who listens.
    I7,
    /// A read model is the fold of its events.
    I8,
    /// One command has one effect and one answer.
    I9,
    /// After the last fault everything comes to rest in time.
    I10,
    /// Duplicates are few.
    I11,
    /// Memory, sockets and lag are bounded, and no connection stays in a transaction.
    I12,
    /// The audit chain reproduces.
    I13,
    /// No decision rests on two nodes' clocks.
    I14,
}

impl Invariant {
    /// All, in order.
    pub const ALL: [Self; 14] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I11,
        Self::I12,
        Self::I13,
        Self::I14,
    ];

    /// What it promises, in a few words.
    #[must_use]
    pub fn promise(self) -> &'static str {
        match self {
            Self::I1 => "what was answered OK is in the log",
            Self::I2 => "nothing is in the log that nobody asked for",
            Self::I3 => "versions of an aggregate are without a hole",
            Self::I4 => "the broker carried nothing but the log",
            Self::I5 => "the broker carried all of the log",
            Self::I6 => "subscribers are told exactly what they asked for",
            Self::I7 => "versions rise for everybody who listens",
            Self::I8 => "read models are the fold of their events",
            Self::I9 => "one command has one effect and one answer",
            Self::I10 => "everything comes to rest in time",
            Self::I11 => "duplicates are few",
            Self::I12 => "memory, sockets and lag are bounded",
            Self::I13 => "the audit chain reproduces",
            Self::I14 => "no decision rests on two clocks",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// An aggregate of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Aggregate {
    /// The service that owns it.
    pub service: String,
    /// Its type, as events call it.
    pub r#type: String,
    /// Its id or code.
    pub id: String,
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.service, self.r#type, self.id)
    }
}

/// An event: its id where it is known, and the version that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventName {
    /// The event's id; `None` when it is missing everywhere and only its version is known.
    pub id: Option<Uuid>,
    /// The version of its aggregate; `None` when the trace that was found does not say it.
    pub version: Option<i64>,
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.id, self.version) {
            (Some(id), Some(version)) => write!(f, "event {id} (version {version})"),
            (Some(id), None) => write!(f, "event {id}"),
            (None, Some(version)) => write!(f, "version {version}"),
            (None, None) => write!(f, "an unknown event"),
        }
    }
}

/// A promise that was not kept, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Which promise.
    pub invariant: Invariant,
    /// The aggregate that it concerns, where it concerns one.
    pub aggregate: Option<Aggregate>,
    /// The event that it concerns, where it concerns one.
    pub event: Option<EventName>,
    /// What was found, in plain words.
    pub text: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.invariant)?;
        if let Some(aggregate) = &self.aggregate {
            write!(f, " {aggregate}")?;
        }
        if let Some(event) = &self.event {
            write!(f, " {event}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// What the judge says of a run.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Events in the logs of all services.
    pub events: u64,
    /// Promises that were not kept, by invariant: the first thousand of each. Empty when all held.
    pub breaches: Vec<Breach>,
    /// How often each was not kept, those without a breach above included.
    pub counts: Vec<(Invariant, u64)>,
    /// How long reading and judging took.
    pub took: Duration,
}

impl Verdict {
    /// Whether every promise was kept.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.breaches.is_empty()
    }

    /// How often a promise was broken.
    #[must_use]
    pub fn count(&self, invariant: Invariant) -> u64 {
        let of = self.counts.iter().find(|(broken, _)| *broken == invariant);
        of.map_or(0, |(_, count)| *count)
    }

    /// Events judged in a second.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate for people to read; 2^52 events are out of reach"
    )]
    pub fn events_per_second(&self) -> f64 {
        self.events as f64 / self.took.as_secs_f64().max(f64::EPSILON)
    }
}
