//! `PullNotifications`: the oldest notifications after a cursor, for systems that ask now and then.

use handslag_platform::{
    rpc::Call,
    violations::{FieldError, Violations},
};
use handslag_proto::notifications::v1::{PullNotificationsRequest, PullNotificationsResponse};

use crate::{
    Notifications, access, convert,
    delivery::Channel,
    domain::{place::Place, subscriber::SubscriberId},
    error::Error,
    store,
};

/// Notifications in an answer when the caller does not say.
const PULLED_USUALLY: i64 = 100;
/// Most notifications in an answer.
const PULLED_MOST: i64 = 500;
/// What the cursors are sealed for.
const CURSOR: &str = "notifications.pull";

/// Gives the oldest notifications after a cursor.
///
/// # Errors
/// `INVALID_REQUEST` (with `CURSOR_INVALID`), `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`.
pub async fn pull_notifications(
    service: &Notifications,
    call: Call<PullNotificationsRequest>,
) -> Result<PullNotificationsResponse, Error> {
    let question = decode(service, &call)?;
    let mut conn = service.database.read().await?;
    let subscriber = store::subscribers::get(&mut conn, question.subscriber)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.subscriber.clone()))?;
    access::may_read(&call.principal, &subscriber)?;
    let since = question.after.map_or(i64::MAX, |place| place.incarnation);
    let standing = store::inbox_restored::standing(&mut conn, subscriber.id, since).await?;
    let position = question.after.map(|place| place.position);
    let resumed = standing.resume(position.unwrap_or(subscriber.acknowledged_up_to));
    let from = resumed.place.position;
    let mut found =
        store::notifications::after(&mut conn, subscriber.id, from, question.limit + 1).await?;
    let most = usize::try_from(question.limit).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    for notification in &found {
        service.delivery.offered(Channel::Pull, notification);
    }
    let place = Place {
        position: found.last().map_or(from, |last| last.position),
        ..resumed.place
    };
    let place = convert::place_to_bytes(subscriber.id, place);
    Ok(PullNotificationsResponse {
        notifications: found.iter().map(convert::notification_to_proto).collect(),
        next_cursor: service.tokens.seal(CURSOR, &place),
        more,
        restored_after: resumed.is_set_back.then_some(from),
    })
}

struct Question {
    subscriber: SubscriberId,
    after: Option<Place>,
    limit: i64,
}

fn decode(service: &Notifications, request: &PullNotificationsRequest) -> Result<Question, Error> {
    let mut violations = Violations::new();
    let subscriber = violations.take("subscriber", convert::subscriber_id(&request.subscriber));
    let limit = violations.take(
        "limit",
        convert::limit(request.limit, PULLED_USUALLY, PULLED_MOST),
    );
    let after = match (request.cursor.as_str(), subscriber) {
        ("", _) | (_, None) => None,
        (cursor, Some(subscriber)) => {
            let place = service.tokens.open(CURSOR, cursor);
            let place = place.and_then(|place| convert::place_of(subscriber, &place));
            violations.take("cursor", place.ok_or_else(invalid_cursor))
        }
    };
    match (subscriber, limit) {
        (Some(subscriber), Some(limit)) if violations.is_empty() => Ok(Question {
            subscriber,
            after,
            limit,
        }),
        _ => Err(violations.into_fault().into()),
    }
}

fn invalid_cursor() -> FieldError {
    FieldError::new(
        "CURSOR_INVALID",
        "is no cursor of this subscriber's inbox; start again without it",
        "Hör inte till denna inkorg. Börja om utan den.",
    )
}
