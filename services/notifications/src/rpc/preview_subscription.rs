//! `PreviewSubscription`: which of the latest events a filter would match.

use handslag_platform::{rpc::Call, violations::Violations};
use handslag_proto::notifications::v1::{PreviewSubscriptionRequest, PreviewSubscriptionResponse};

use super::districts;
use crate::{
    Notifications, access, convert,
    domain::{filter::Filter, subscriber::SubscriberId},
    error::Error,
    store,
};

/// Notifications in a preview when the caller does not say.
const SHOWN_USUALLY: i64 = 20;
/// Most notifications in a preview.
const SHOWN_MOST: i64 = 100;
/// How many of the latest events are looked at: about a year of the agreement's life, and some
/// milliseconds.
const EXAMINED_MOST: i64 = 1_000;

/// Shows what a subscription would have told, with the very rules of the fan-out.
///
/// # Errors
/// `INVALID_REQUEST`, `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`.
pub async fn preview_subscription(
    service: &Notifications,
    call: Call<PreviewSubscriptionRequest>,
) -> Result<PreviewSubscriptionResponse, Error> {
    let question = decode(&call)?;
    let mut conn = service.database.read().await?;
    let subscriber = store::subscribers::get(&mut conn, question.subscriber)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.subscriber.clone()))?;
    access::may_read(&call.principal, &subscriber)?;
    districts::check(&mut conn, &subscriber, &question.filter).await?;
    let latest = store::events::latest(&mut conn, EXAMINED_MOST).await?;
    let reader = subscriber.district_board.as_ref();
    let notifications = latest
        .iter()
        .filter(|occurrence| question.filter.matches(reader, occurrence))
        .take(question.limit)
        .map(convert::occurrence_to_proto)
        .collect();
    Ok(PreviewSubscriptionResponse {
        notifications,
        examined: i32::try_from(latest.len()).unwrap_or(i32::MAX),
    })
}

struct Question {
    subscriber: SubscriberId,
    filter: Filter,
    limit: usize,
}

fn decode(request: &PreviewSubscriptionRequest) -> Result<Question, Error> {
    let mut violations = Violations::new();
    let subscriber = violations.take("subscriber", convert::subscriber_id(&request.subscriber));
    let filter = convert::filter(&mut violations, request.filter.as_ref());
    let limit = convert::limit(request.limit, SHOWN_USUALLY, SHOWN_MOST);
    let limit = violations
        .take("limit", limit)
        .and_then(|limit| usize::try_from(limit).ok());
    match (subscriber, limit) {
        (Some(subscriber), Some(limit)) if violations.is_empty() => Ok(Question {
            subscriber,
            filter,
            limit,
        }),
        _ => Err(violations.into_fault().into()),
    }
}
