//! Designs that were refused, kept so that it can be shown that their faults are found.

/// A design with a fault. Each is what somebody might write in good faith, and changes a driver; the
/// platform's code beneath it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Defect {
    /// The relay reads what is above its highest number and takes what is missing below it for
    /// rolled back.
    CursorOnNumber,
    /// A hole's bound is the end of the read's own snapshot, not a number drawn after it.
    BoundOfTheSnapshot,
    /// The relay takes an event for published when it has sent it.
    MarkPastUnconfirmed,
    /// The relay reads rows whose transaction is still open.
    PublishBeforeCommit,
    /// A writer draws its event's number before it has a transaction number.
    NumberBeforeTransaction,
    /// The inbox's mark is committed in a transaction before that of the effect.
    MarkApart,
    /// A delivery is acknowledged before its effect is committed.
    AcknowledgeBeforeCommit,
    /// A digest that differs is answered by nothing.
    NoRepair,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::CursorOnNumber,
        Self::BoundOfTheSnapshot,
        Self::MarkPastUnconfirmed,
        Self::PublishBeforeCommit,
        Self::NumberBeforeTransaction,
        Self::MarkApart,
        Self::AcknowledgeBeforeCommit,
        Self::NoRepair,
    ];
}
