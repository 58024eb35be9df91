//! Between the contract and the domain.

use crate::domain::{
    filter::{Filter, PRODUCERS, TypePrefix},
    names::{AgreementId, AreaCode, DistrictCode},
    notification::{Notification, Occurrence, Scope, Severity},
    place::Place,
    subscriber::{Subscriber, SubscriberId},
    subscription::{State, Subscription, SubscriptionId},
};
use handslag_platform::{
    id,
    messaging::incarnation,
    text::Code,
    violations::{FieldError, Violations},
    wire,
};
use handslag_proto::{
    common::v1::{EventScope, LocalizedText},
    notifications::v1 as proto,
};

/// Most entries in each list of a filter: twice the areas or districts that a city of this size
/// could have, and few enough that matching stays a matter of microseconds.
pub const FILTER_ENTRIES_MOST: usize = 50;

/// `subscribers/{id}`.
pub fn subscriber_name(id: SubscriberId) -> String {
    format!("subscribers/{}", id::encode(id.0))
}

/// `subscribers/{id}/subscriptions/{id}`.
pub fn subscription_name(subscriber: SubscriberId, id: SubscriptionId) -> String {
    format!(
        "{}/subscriptions/{}",
        subscriber_name(subscriber),
        id::encode(id.0)
    )
}

/// `districtBoards/{code}`.
pub fn district_board_name(code: &DistrictCode) -> String {
    format!("districtBoards/{}", code.0)
}

/// Reads `subscribers/{id}`.
///
/// # Errors
/// `FIELD_REQUIRED` or `NAME_INVALID`.
pub fn subscriber_id(name: &str) -> Result<SubscriberId, FieldError> {
    named(name, "subscribers/{id}", |rest| {
        rest.strip_prefix("subscribers/")
            .and_then(id::decode)
            .map(SubscriberId)
    })
}

/// Reads `subscribers/{id}/subscriptions/{id}`.
///
/// # Errors
/// `FIELD_REQUIRED` or `NAME_INVALID`.
pub fn subscription_id(name: &str) -> Result<(SubscriberId, SubscriptionId), FieldError> {
    named(name, "subscribers/{id}/subscriptions/{id}", |rest| {
        let (subscriber, subscription) = rest
            .strip_prefix("subscribers/")?
            .split_once("/subscriptions/")?;
        Some((
            SubscriberId(id::decode(subscriber)?),
            SubscriptionId(id::decode(subscription)?),
        ))
    })
}

/// Reads `districtBoards/{code}`.
///
/// # Errors
/// `FIELD_REQUIRED` or `NAME_INVALID`.
pub fn district_code(name: &str) -> Result<DistrictCode, FieldError> {
    named(name, "districtBoards/{code}", |rest| {
        code(rest, "districtBoards/").map(DistrictCode)
    })
}

/// Reads `areas/{code}`.
///
/// # Errors
/// `FIELD_REQUIRED` or `NAME_INVALID`.
pub fn area_code(name: &str) -> Result<AreaCode, FieldError> {
    named(name, "areas/{code}", |rest| {
        code(rest, "areas/").map(AreaCode)
    })
}

/// Reads `agreements/{id}`.
///
/// # Errors
/// `FIELD_REQUIRED` or `NAME_INVALID`.
pub fn agreement_id(name: &str) -> Result<AgreementId, FieldError> {
    named(name, "agreements/{id}", |rest| {
        rest.strip_prefix("agreements/")
            .and_then(id::decode)
            .map(AgreementId)
    })
}

/// Reads a filter, noting every violation. A missing filter is an empty one.
pub fn filter(violations: &mut Violations, filter: Option<&proto::SubscriptionFilter>) -> Filter {
    let Some(filter) = filter else {
        return Filter::default();
    };
    let minimum_severity = match filter.minimum_severity {
        0 => None,
        number => {
            let severity = Severity::from_number(number);
            if severity.is_none() {
                violations.add(
                    "filter.minimum_severity",
                    "SEVERITY_UNKNOWN",
                    "is no severity of the contract",
                    "Är ingen känd angelägenhetsgrad.",
                );
            }
            severity
        }
    };
    Filter {
        event_types: each(
            violations,
            "filter.event_types",
            &filter.event_types,
            event_type,
        ),
        areas: each(violations, "filter.areas", &filter.areas, area_code),
        agreements: each(
            violations,
            "filter.agreements",
            &filter.agreements,
            agreement_id,
        ),
        district_boards: each(
            violations,
            "filter.district_boards",
            &filter.district_boards,
            district_code,
        ),
        minimum_severity,
    }
}

/// Reads a bound on how many are wanted: 0 means `usual`, more than `most` means `most`.
///
/// # Errors
/// `LIMIT_NEGATIVE`.
pub fn limit(asked: i32, usual: i64, most: i64) -> Result<i64, FieldError> {
    match i64::from(asked) {
        0 => Ok(usual),
        negative if negative < 0 => Err(FieldError::new(
            "LIMIT_NEGATIVE",
            "must not be negative",
            "Får inte vara negativt.",
        )),
        limit => Ok(limit.min(most)),
    }
}

/// An event's scope.
///
/// # Errors
/// When a name in it is malformed: the producer breaks its contract.
pub fn scope(scope: Option<EventScope>) -> Result<Scope, FieldError> {
    let Some(scope) = scope else {
        return Ok(Scope::default());
    };
    let set = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    let areas: Result<Vec<_>, _> = scope.areas.iter().map(|name| area_code(name)).collect();
    Ok(Scope {
        agreement: set(&scope.agreement)
            .map(|name| agreement_id(&name))
            .transpose()?,
        areas: areas?,
        district_board: set(&scope.district_board)
            .map(|name| district_code(&name))
            .transpose()?,
    })
}

/// The scope of a subscriber's own events.
pub fn subscriber_scope(subscriber: &Subscriber) -> EventScope {
    EventScope {
        agreement: String::new(),
        areas: Vec::new(),
        district_board: subscriber
            .district_board
            .as_ref()
            .map_or_else(String::new, district_board_name),
    }
}

/// A subscriber on the wire.
pub fn subscriber_to_proto(subscriber: &Subscriber) -> proto::Subscriber {
    proto::Subscriber {
        name: subscriber_name(subscriber.id),
        display_name: subscriber.display_name.to_string(),
        district_board: subscriber_scope(subscriber).district_board,
        etag: subscriber.version.etag(),
    }
}

/// A subscription on the wire.
pub fn subscription_to_proto(subscription: &Subscription) -> proto::Subscription {
    let filter = &subscription.filter;
    proto::Subscription {
        name: subscription_name(subscription.subscriber, subscription.id),
        filter: Some(proto::SubscriptionFilter {
            event_types: filter
                .event_types
                .iter()
                .map(|one| one.as_str().to_owned())
                .collect(),
            areas: filter.areas.iter().map(area_name).collect(),
            agreements: filter
                .agreements
                .iter()
                .copied()
                .map(agreement_name)
                .collect(),
            district_boards: filter
                .district_boards
                .iter()
                .map(district_board_name)
                .collect(),
            minimum_severity: filter.minimum_severity.map_or(0, |one| one.number().into()),
        }),
        active: subscription.state == State::Active,
        etag: subscription.version.etag(),
    }
}

/// A notification on the wire.
pub fn notification_to_proto(notification: &Notification) -> proto::Notification {
    let Notification {
        subscriber,
        position,
        occurrence,
        acknowledged,
    } = notification;
    proto::Notification {
        name: format!("{}/notifications/{position}", subscriber_name(*subscriber)),
        position: *position,
        acknowledged: *acknowledged,
        ..occurrence_to_proto(occurrence)
    }
}

/// What happened, on the wire, in nobody's inbox: without name and position.
pub fn occurrence_to_proto(occurrence: &Occurrence) -> proto::Notification {
    proto::Notification {
        name: String::new(),
        position: 0,
        event_id: occurrence.id.to_string(),
        event_type: occurrence.event_type.clone(),
        subject: occurrence.subject.clone(),
        subject_version: occurrence.subject_version,
        occurred_at: Some(wire::timestamp_to_proto(occurrence.occurred_at)),
        title: Some(LocalizedText {
            sv: occurrence.title.swedish.clone(),
            en: occurrence.title.english.clone(),
        }),
        severity: occurrence.severity.number().into(),
        areas: occurrence.scope.areas.iter().map(area_name).collect(),
        district_board: occurrence
            .scope
            .district_board
            .as_ref()
            .map_or_else(String::new, district_board_name),
        link: occurrence.link.clone(),
        acknowledged: false,
    }
}

/// A place in an inbox as the bytes of a cursor or resume token: whose, and after which position.
/// The first incarnation is left out, so that programs from before it agree about places until a
/// database is restored.
pub fn place_to_bytes(subscriber: SubscriberId, place: Place) -> Vec<u8> {
    let mut bytes = subscriber.0.as_bytes().to_vec();
    bytes.extend_from_slice(&place.position.to_be_bytes());
    if place.incarnation != incarnation::FIRST {
        bytes.extend_from_slice(&place.incarnation.to_be_bytes());
    }
    bytes
}

/// A place in the inbox of `subscriber`; `None` when it is another's.
pub fn place_of(subscriber: SubscriberId, bytes: &[u8]) -> Option<Place> {
    let numbers = bytes.strip_prefix(subscriber.0.as_bytes().as_slice())?;
    let (position, incarnation) = numbers.split_at_checked(size_of::<i64>())?;
    let number = |bytes: &[u8]| Some(i64::from_be_bytes(bytes.try_into().ok()?));
    Some(Place {
        position: number(position)?,
        incarnation: match incarnation {
            [] => incarnation::FIRST,
            incarnation => number(incarnation)?,
        },
    })
}

fn area_name(area: &AreaCode) -> String {
    format!("areas/{}", area.0)
}

fn agreement_name(agreement: AgreementId) -> String {
    format!("agreements/{}", id::encode(agreement.0))
}

fn event_type(text: &str) -> Result<TypePrefix, FieldError> {
    let told = handslag_proto::event_types()
        .iter()
        .filter(|event| PRODUCERS.contains(&event.service))
        .map(|event| event.r#type);
    TypePrefix::parse(text, told).ok_or_else(|| {
        FieldError::new(
            "EVENT_TYPE_UNKNOWN",
            "begins no event type that is told of",
            "Är ingen känd händelse eller början på en sådan.",
        )
    })
}

fn each<T>(
    violations: &mut Violations,
    field: &str,
    texts: &[String],
    parse: impl Fn(&str) -> Result<T, FieldError>,
) -> Vec<T> {
    if texts.len() > FILTER_ENTRIES_MOST {
        violations.add(
            field,
            "TOO_MANY_ENTRIES",
            format!("must have at most {FILTER_ENTRIES_MOST} entries"),
            format!("Får ha högst {FILTER_ENTRIES_MOST} poster."),
        );
        return Vec::new();
    }
    texts
        .iter()
        .enumerate()
        .filter_map(|(index, text)| violations.take(&format!("{field}[{index}]"), parse(text)))
        .collect()
}

fn named<T>(name: &str, form: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, FieldError> {
    if name.is_empty() {
        return Err(FieldError::required());
    }
    parse(name).ok_or_else(|| {
        FieldError::new(
            "NAME_INVALID",
            format!("must have the form {form}"),
            format!("Måste ha formen {form}."),
        )
    })
}

fn code(name: &str, collection: &str) -> Option<Code> {
    let rest = name.strip_prefix(collection)?;
    // The parser trims, a resource name has nothing to trim.
    Code::parse(rest).ok().filter(|code| code.as_str() == rest)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{
        district_code, limit, place_of, place_to_bytes, subscriber_id, subscriber_name,
        subscription_id, subscription_name,
    };
    use crate::domain::{place::Place, subscriber::SubscriberId, subscription::SubscriptionId};

    #[test]
    fn names_are_read_as_they_are_written() {
        let (one, two) = (
            SubscriberId(Uuid::from_u128(1)),
            SubscriptionId(Uuid::from_u128(2)),
        );
        assert_eq!(subscriber_id(&subscriber_name(one)), Ok(one));
        assert_eq!(
            subscription_id(&subscription_name(one, two)),
            Ok((one, two))
        );
        assert!(district_code("districtBoards/farsta").is_ok());
    }

    #[test]
    fn malformed_names_are_refused() {
        for name in [
            "farsta",
            "districtBoards/",
            "districtBoards/ farsta",
            "boards/farsta",
        ] {
            assert_eq!(district_code(name).expect_err(name).reason, "NAME_INVALID");
        }
        assert_eq!(
            subscriber_id("").expect_err("empty").reason,
            "FIELD_REQUIRED"
        );
        assert!(subscription_id(&subscriber_name(SubscriberId(Uuid::nil()))).is_err());
    }

    #[test]
    fn a_place_is_its_owners_only() {
        let (one, other) = (
            SubscriberId(Uuid::from_u128(1)),
            SubscriberId(Uuid::from_u128(2)),
        );
        for incarnation in [1, 2] {
            let place = Place {
                position: 7,
                incarnation,
            };
            let bytes = place_to_bytes(one, place);
            assert_eq!(place_of(one, &bytes), Some(place));
            assert_eq!(place_of(other, &bytes), None);
            assert_eq!(place_of(one, &bytes[..20]), None);
            // As programs from before incarnations wrote them.
            assert_eq!(bytes.len() == 24, incarnation == 1);
        }
    }

    #[test]
    fn limits_have_a_usual_value_and_an_end() {
        assert_eq!(limit(0, 20, 100), Ok(20));
        assert_eq!(limit(7, 20, 100), Ok(7));
        assert_eq!(limit(i32::MAX, 20, 100), Ok(100));
        assert_eq!(
            limit(-1, 20, 100).expect_err("negative").reason,
            "LIMIT_NEGATIVE"
        );
    }
}
