//! What happened, as somebody who is told of it sees it.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    names::{AgreementId, AreaCode, DistrictCode},
    subscriber::SubscriberId,
    title::Title,
};

/// How much an event matters, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something has been decided or is expected of somebody.
    Notice,
    /// The agreement itself has changed.
    Important,
}

impl Severity {
    /// The severity of a number as the contracts and the database have it; `None` for any other.
    pub fn from_number(number: i32) -> Option<Self> {
        match number {
            1 => Some(Self::Info),
            2 => Some(Self::Notice),
            3 => Some(Self::Important),
            _ => None,
        }
    }

    /// Its number in the contracts and the database.
    pub fn number(self) -> i16 {
        match self {
            Self::Info => 1,
            Self::Notice => 2,
            Self::Important => 3,
        }
    }
}

/// What an event concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The agreement, if it concerns one.
    pub agreement: Option<AgreementId>,
    /// The areas; none means all.
    pub areas: Vec<AreaCode>,
    /// The district board; none means all.
    pub district_board: Option<DistrictCode>,
}

/// Something that happened in another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Identity of the event.
    pub id: Uuid,
    /// `se.handslag.<service>.<aggregate>.<event>.v1`.
    pub event_type: String,
    /// Name of the resource it is about.
    pub subject: String,
    /// Version of that resource.
    pub subject_version: i64,
    /// When it happened.
    pub occurred_at: OffsetDateTime,
    /// What it concerns.
    pub scope: Scope,
    /// How much it matters.
    pub severity: Severity,
    /// What happened, as a sentence.
    pub title: Title,
    /// Path of the public page about it.
    pub link: String,
}

/// That a subscriber is to be told of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// Who is told.
    pub subscriber: SubscriberId,
    /// Identity of the event.
    pub event: Uuid,
}

/// An occurrence in a subscriber's inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Whose inbox.
    pub subscriber: SubscriberId,
    /// Place in the inbox, from 1 without a hole.
    pub position: i64,
    /// What happened.
    pub occurrence: Occurrence,
    /// Whether the subscriber has acknowledged it.
    pub acknowledged: bool,
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn a_severity_survives_its_number_and_zero_is_none() {
        for number in 1..=3 {
            let severity = Severity::from_number(number).expect("known");
            assert_eq!(i32::from(severity.number()), number);
        }
        assert_eq!(Severity::from_number(0), None);
        assert_eq!(Severity::from_number(4), None);
        assert!(Severity::Info < Severity::Notice && Severity::Notice < Severity::Important);
    }
}
