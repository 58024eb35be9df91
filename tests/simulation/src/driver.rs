//! What the processes do: the platform's decisions, carried out against the models.

mod apply;
pub(crate) mod consumer;
mod link;
pub(crate) mod relay;
mod replay;
mod session;
mod sweep;
mod term;
mod transaction;
pub(crate) mod world;

use crate::schedule::{SECOND, Time};

/// How often a running session declares again what should be there, as the platform's.
const DECLARE_EVERY: Time = 10 * SECOND;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The server accepts no connection.
    Unavailable,
    /// The connection to the broker closed.
    Closed,
    /// The broker refused a message.
    Refused,
    /// A message came back, since no queue receives it.
    Returned,
    /// No confirmation came in time.
    Timeout,
    /// The subscription ended.
    SubscriptionEnded,
    /// The database, or the connection to it.
    Database,
}
