//! Somebody who is to be told: a district board, or another office.

use handslag_platform::{etag::Version, text::ShortText};
use uuid::Uuid;

use super::names::DistrictCode;

/// Identity of a subscriber, as in `subscribers/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(pub Uuid);

/// Somebody who is to be told, and how far the inbox has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscriber {
    /// Its identity.
    pub id: SubscriberId,
    /// Its name; of an office, never of a person.
    pub display_name: ShortText,
    /// The district board it is, if any.
    pub district_board: Option<DistrictCode>,
    /// Rises with the subscriber and with each of its subscriptions.
    pub version: Version,
    /// Position of the newest notification; 0 before the first.
    pub last_position: i64,
    /// Everything up to here is acknowledged.
    pub acknowledged_up_to: i64,
}

/// Why an acknowledgement is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing was told at this position; the last one is {last}")]
pub struct NothingThere {
    /// The newest position of the inbox.
    pub last: i64,
}

impl Subscriber {
    /// Enters a subscriber with an empty inbox.
    pub fn register(
        id: SubscriberId,
        display_name: ShortText,
        district_board: Option<DistrictCode>,
    ) -> Self {
        Self {
            id,
            display_name,
            district_board,
            version: Version(1),
            last_position: 0,
            acknowledged_up_to: 0,
        }
    }

    /// The subscriber after one of its subscriptions began or ended.
    #[must_use]
    pub fn subscriptions_changed(self) -> Self {
        Self {
            version: self.version.next(),
            ..self
        }
    }

    /// Acknowledges everything up to `position`. Going back is no fault and changes nothing:
    /// acknowledgements may overtake each other on their way.
    ///
    /// # Errors
    /// [`NothingThere`] for a position outside the inbox: it would acknowledge what was never seen.
    pub fn acknowledge(self, position: i64) -> Result<Self, NothingThere> {
        if position < 1 || position > self.last_position {
            return Err(NothingThere {
                last: self.last_position,
            });
        }
        Ok(Self {
            acknowledged_up_to: self.acknowledged_up_to.max(position),
            ..self
        })
    }

    /// How many notifications wait: positions have no holes.
    pub fn unacknowledged(&self) -> i64 {
        self.last_position - self.acknowledged_up_to
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::text::ShortText;
    use uuid::Uuid;

    use super::{NothingThere, Subscriber, SubscriberId};

    fn subscriber() -> Subscriber {
        let name = ShortText::parse("Farsta stadsdelsnämnd").expect("a name");
        let empty = Subscriber::register(SubscriberId(Uuid::nil()), name, None);
        Subscriber {
            last_position: 5,
            ..empty
        }
    }

    #[test]
    fn begins_with_version_one_and_rises_by_one() {
        assert_eq!(subscriber().version.0, 1);
        assert_eq!(subscriber().subscriptions_changed().version.0, 2);
    }

    #[test]
    fn an_older_acknowledgement_changes_nothing() {
        let at_four = subscriber().acknowledge(4).expect("known");
        assert_eq!(at_four.unacknowledged(), 1);
        assert_eq!(at_four.acknowledge(2).expect("known").acknowledged_up_to, 4);
    }

    #[test]
    fn refuses_to_acknowledge_what_was_never_told() {
        for position in [i64::MIN, -1, 0, 6, i64::MAX] {
            assert_eq!(
                subscriber().acknowledge(position),
                Err(NothingThere { last: 5 })
            );
        }
    }
}
