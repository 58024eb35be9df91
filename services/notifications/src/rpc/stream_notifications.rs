//! `StreamNotifications`: old notifications after the token first, new ones as they come.
//!
//! # Design notes
//! One code path: read what stands after the position, send it, wait. The bell and the clock only
//! end the waiting, so a lost ring costs a second and never a notification. The token is the
//! place, sealed with the key that all replicas share: it needs no memory here and survives any
//! restart, and of a database that was restored it says so ([`Place`]).

use std::{sync::Arc, time::Duration};

use handslag_platform::{
    rpc::{Call, StreamSink},
    violations::{FieldError, Violations},
};
use handslag_proto::notifications::v1::{StreamNotificationsRequest, StreamNotificationsResponse};
use tokio::time::Instant;

use crate::{
    Notifications, access, convert,
    delivery::Channel,
    domain::{
        notification::Notification,
        place::{Place, Resumption},
        subscriber::SubscriberId,
    },
    error::Error,
    store,
};

/// A silent stream says so often that it lives: below the idle timeouts of usual proxies (60 s),
/// several times.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Another replica may have written, and its bell is not heard here.
const POLL: Duration = Duration::from_secs(1);
/// Notifications read at once: some 50 kB in memory per stream.
const BATCH: i64 = 100;
/// What the resume tokens are sealed for.
const RESUME: &str = "notifications.stream";

/// Streams a subscriber's notifications until the client goes away or the service stops.
///
/// # Errors
/// `INVALID_REQUEST` (with `RESUME_TOKEN_INVALID`), `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`,
/// `SHUTTING_DOWN`.
pub async fn stream_notifications(
    service: Arc<Notifications>,
    call: Call<StreamNotificationsRequest>,
    sink: StreamSink<StreamNotificationsResponse>,
) -> Result<(), Error> {
    let (subscriber, resumed) = resume(&service, &call).await?;
    let mut place = resumed.place;
    if resumed.is_set_back {
        sink.send(StreamNotificationsResponse {
            notification: None,
            resume_token: token(&service, subscriber, place),
            restored_after: Some(place.position),
        })
        .await?;
    }
    // Listens before it reads, so that what arrives while it reads is not missed.
    let mut bell = service.bell.hear();
    let mut heartbeat = Instant::now() + HEARTBEAT;
    let mut caught_up = false;
    loop {
        bell.mark_unchanged();
        let found = next(&service, subscriber, place.position).await?;
        let more = found.len() as i64 == BATCH;
        for notification in &found {
            place.position = notification.position;
            if caught_up {
                service.delivery.offered(Channel::Stream, notification);
            }
            let notification = Some(convert::notification_to_proto(notification));
            let resume_token = token(&service, subscriber, place);
            sink.send(StreamNotificationsResponse {
                notification,
                resume_token,
                restored_after: None,
            })
            .await?;
            heartbeat = Instant::now() + HEARTBEAT;
        }
        if service.shutdown.is_stopping() {
            return Err(Error::Stopping);
        }
        if more {
            continue;
        }
        caught_up = true;
        if Instant::now() >= heartbeat {
            let resume_token = token(&service, subscriber, place);
            sink.send(StreamNotificationsResponse {
                notification: None,
                resume_token,
                restored_after: None,
            })
            .await?;
            heartbeat = Instant::now() + HEARTBEAT;
        }
        tokio::select! {
            // The sender lives as long as the service, which this handler holds.
            _ = bell.changed() => {}
            () = tokio::time::sleep(POLL) => {}
            () = sink.stopping() => return Err(Error::Stopping),
            () = sink.closed() => return Ok(()),
        }
    }
}

/// Whose inbox it is, and after which place the stream goes on.
async fn resume(
    service: &Notifications,
    call: &Call<StreamNotificationsRequest>,
) -> Result<(SubscriberId, Resumption), Error> {
    let (subscriber, resume_after) = decode(service, call)?;
    let mut conn = service.database.read().await?;
    let subscriber = store::subscribers::get(&mut conn, subscriber)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.subscriber.clone()))?;
    access::may_read(&call.principal, &subscriber)?;
    let since = resume_after.map_or(i64::MAX, |place| place.incarnation);
    let standing = store::inbox_restored::standing(&mut conn, subscriber.id, since).await?;
    let position = resume_after.map(|place| place.position);
    let resumed = standing.resume(position.unwrap_or(subscriber.acknowledged_up_to));
    Ok((subscriber.id, resumed))
}

/// The connection goes back between two reads: a stream may wait for days.
async fn next(
    service: &Notifications,
    subscriber: SubscriberId,
    position: i64,
) -> Result<Vec<Notification>, Error> {
    let mut conn = service.database.read().await?;
    Ok(store::notifications::after(&mut conn, subscriber, position, BATCH).await?)
}

fn token(service: &Notifications, subscriber: SubscriberId, place: Place) -> String {
    service
        .tokens
        .seal(RESUME, &convert::place_to_bytes(subscriber, place))
}

fn decode(
    service: &Notifications,
    request: &StreamNotificationsRequest,
) -> Result<(SubscriberId, Option<Place>), Error> {
    let mut violations = Violations::new();
    let subscriber = violations.take("subscriber", convert::subscriber_id(&request.subscriber));
    let place = match (request.resume_token.as_str(), subscriber) {
        ("", _) | (_, None) => None,
        (token, Some(subscriber)) => {
            let place = service.tokens.open(RESUME, token);
            let place = place.and_then(|place| convert::place_of(subscriber, &place));
            violations.take("resume_token", place.ok_or_else(invalid_token))
        }
    };
    match subscriber {
        Some(subscriber) if violations.is_empty() => Ok((subscriber, place)),
        _ => Err(violations.into_fault().into()),
    }
}

fn invalid_token() -> FieldError {
    FieldError::new(
        "RESUME_TOKEN_INVALID",
        "is no resume token of this subscriber's inbox; start again without it",
        "Hör inte till denna inkorg. Börja om utan den.",
    )
}
