//! What a subscriber is told of, and until when.

use handslag_platform::etag::Version;
use uuid::Uuid;

use super::{filter::Filter, subscriber::SubscriberId};

/// Identity of a subscription, as in `subscribers/{id}/subscriptions/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionId(pub Uuid);

/// Whether a subscription is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// What matches is told.
    Active,
    /// Nothing more is told; what was told stays.
    Ended,
}

/// A subscriber's wish to be told of what matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// Its identity.
    pub id: SubscriptionId,
    /// Whose it is.
    pub subscriber: SubscriberId,
    /// What matches.
    pub filter: Filter,
    /// Whether it is in force.
    pub state: State,
    /// Rises with every change.
    pub version: Version,
}

/// The subscription has ended already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the subscription has ended already")]
pub struct AlreadyEnded;

impl Subscription {
    /// Begins a subscription.
    pub fn begin(id: SubscriptionId, subscriber: SubscriberId, filter: Filter) -> Self {
        Self {
            id,
            subscriber,
            filter,
            state: State::Active,
            version: Version(1),
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// [`AlreadyEnded`] when it is not in force: ending twice is two intentions, of which one is
    /// mistaken.
    pub fn end(self) -> Result<Self, AlreadyEnded> {
        match self.state {
            State::Active => Ok(Self {
                state: State::Ended,
                version: self.version.next(),
                ..self
            }),
            State::Ended => Err(AlreadyEnded),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{AlreadyEnded, State, Subscription, SubscriptionId};
    use crate::domain::{filter::Filter, subscriber::SubscriberId};

    #[test]
    fn ends_once() {
        let begun = Subscription::begin(
            SubscriptionId(Uuid::nil()),
            SubscriberId(Uuid::nil()),
            Filter::default(),
        );
        let ended = begun.end().expect("in force");
        assert_eq!((ended.state, ended.version.0), (State::Ended, 2));
        assert_eq!(ended.end(), Err(AlreadyEnded));
    }
}
