//! What happened how often: a simulation in which nothing goes wrong shows nothing.

use std::fmt;

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names below say it in words")]
pub enum Count {
    Steps,
    EventsCommitted,
    EventsRolledBack,
    HolesFound,
    EventsFoundLate,
    EventsPublished,
    Leaders,
    RelayCrashes,
    RelayFreezes,
    RelayStops,
    SessionsEnded,
    ProducerCrashes,
    ConsumerCrashes,
    ConsumersAborted,
    ConsumerFreezes,
    ServiceCrashes,
    ServicesRestored,
    Miscounts,
    LockWaits,
    Deadlocks,
    BrokerRestarts,
    BrokerLosses,
    BrokerStalls,
    ConnectionsCut,
    QueuesPurged,
    QueuesDeleted,
    ExchangesDeleted,
    BindingsRemoved,
    MessagesDropped,
    MessagesDoubled,
    QueuesShuffled,
    Unrouted,
    Refusals,
    ConfirmsLost,
    ConfirmsLate,
    Redeliveries,
    EffectsApplied,
    EffectsFailed,
    Duplicates,
    Parked,
    Drained,
    /// Batches whose marks moved at once.
    Together,
    Deferred,
    Buried,
    BuriedByBroker,
    Revived,
    GapsAsked,
    Differences,
    ReplaysAsked,
    EventsReplayed,
    Recounts,
    Rebuilds,
    Agreements,
}

/// Names, in the order of the variants.
const NAMES: [(Count, &str); 53] = [
    (Count::Steps, "steps"),
    (Count::EventsCommitted, "events committed"),
    (Count::EventsRolledBack, "events rolled back"),
    (Count::HolesFound, "reads that found holes"),
    (Count::EventsFoundLate, "events that turned up in holes"),
    (Count::EventsPublished, "events published and confirmed"),
    (Count::Leaders, "leaderships"),
    (Count::RelayCrashes, "relays killed"),
    (Count::RelayFreezes, "relays frozen"),
    (Count::RelayStops, "relays stopped in order"),
    (
        Count::SessionsEnded,
        "leaders' sessions ended by the database",
    ),
    (Count::ProducerCrashes, "crashes of the producer's database"),
    (Count::ConsumerCrashes, "consumers killed"),
    (Count::ConsumersAborted, "consumers killed by an event"),
    (Count::ConsumerFreezes, "consumers frozen"),
    (Count::ServiceCrashes, "crashes of a consumer's database"),
    (Count::ServicesRestored, "consumers' databases restored"),
    (Count::Miscounts, "accounts made wrong"),
    (Count::LockWaits, "waits for a lock of another replica"),
    (Count::Deadlocks, "deadlocks"),
    (Count::BrokerRestarts, "restarts of the broker"),
    (Count::BrokerLosses, "losses of all of the broker's data"),
    (Count::BrokerStalls, "stalls of the broker"),
    (Count::ConnectionsCut, "connections cut"),
    (Count::QueuesPurged, "queues purged"),
    (Count::QueuesDeleted, "queues deleted"),
    (Count::ExchangesDeleted, "deletions of all exchanges"),
    (Count::BindingsRemoved, "bindings removed"),
    (Count::MessagesDropped, "messages dropped"),
    (Count::MessagesDoubled, "messages doubled"),
    (Count::QueuesShuffled, "queues shuffled"),
    (Count::Unrouted, "events without a receiver"),
    (Count::Refusals, "messages refused by the broker"),
    (Count::ConfirmsLost, "confirmations lost"),
    (Count::ConfirmsLate, "confirmations delayed"),
    (Count::Redeliveries, "redeliveries"),
    (Count::EffectsApplied, "effects applied"),
    (Count::EffectsFailed, "effects failed"),
    (Count::Duplicates, "duplicates recognised"),
    (Count::Parked, "events parked"),
    (
        Count::Drained,
        "parked events applied behind their predecessor",
    ),
    (Count::Together, "batches whose marks moved at once"),
    (Count::Deferred, "deliveries deferred"),
    (Count::Buried, "dead letters"),
    (Count::BuriedByBroker, "dead letters by the broker's limit"),
    (Count::Revived, "dead letters revived"),
    (Count::GapsAsked, "gaps asked for"),
    (Count::Differences, "digests that differed"),
    (Count::ReplaysAsked, "replays asked for"),
    (Count::EventsReplayed, "events replayed"),
    (Count::Recounts, "recounts of a whole log"),
    (Count::Rebuilds, "read models rebuilt"),
    (Count::Agreements, "agreements on a digest"),
];

/// Counts of one run or of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals([u64; NAMES.len()]);

impl Default for Totals {
    fn default() -> Self {
        Self([0; NAMES.len()])
    }
}

impl Totals {
    pub(crate) fn add(&mut self, count: Count, n: u64) {
        self.0[count as usize] += n;
    }

    /// Adds another run's.
    pub fn merge(&mut self, other: &Self) {
        for (sum, n) in self.0.iter_mut().zip(&other.0) {
            *sum += n;
        }
    }

    /// How often this happened.
    #[must_use]
    pub fn of(&self, count: Count) -> u64 {
        self.0[count as usize]
    }

    /// What never happened.
    pub fn never(&self) -> impl Iterator<Item = Count> + '_ {
        let counts = NAMES.iter().map(|(count, _)| *count);
        counts.filter(|count| self.of(*count) == 0)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, name) in NAMES {
            writeln!(f, "{:>14} {name}", self.of(count))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::NAMES;

    #[test]
    fn every_count_has_its_own_place() {
        for (place, (count, _)) in NAMES.iter().enumerate() {
            assert_eq!(*count as usize, place);
        }
    }
}
