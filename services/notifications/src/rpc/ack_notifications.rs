//! `AckNotifications`: acknowledges everything up to a position.
//!
//! # Design notes
//! Idempotent by nature, so it has no `request_id`. No event is said: what a reader has read
//! changes nothing that anybody else could be told of, and an event per reader and notification
//! would outnumber all others.

use handslag_platform::{
    error::Fault,
    rpc::Call,
    violations::{FieldError, Violations},
};
use handslag_proto::notifications::v1::{AckNotificationsRequest, AckNotificationsResponse};

use crate::{
    Notifications, access, convert,
    domain::subscriber::{NothingThere, SubscriberId},
    error::Error,
    store,
};

/// Acknowledges everything up to a position.
///
/// # Errors
/// `INVALID_REQUEST` (with `POSITION_UNKNOWN`), `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`.
pub async fn ack_notifications(
    service: &Notifications,
    call: Call<AckNotificationsRequest>,
) -> Result<AckNotificationsResponse, Error> {
    let id = decode(&call)?;
    let mut tx = service.database.begin_task().await?;
    let subscriber = store::subscribers::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.subscriber.clone()))?;
    access::may_change(&call.principal, &subscriber)?;
    let subscriber = subscriber
        .acknowledge(call.up_to_position)
        .map_err(|refused| Fault::from(("up_to_position", unknown(&refused))))?;
    store::subscribers::update(&mut tx, &subscriber).await?;
    tx.commit_task().await?;
    Ok(AckNotificationsResponse {
        acknowledged_up_to: subscriber.acknowledged_up_to,
    })
}

fn decode(request: &AckNotificationsRequest) -> Result<SubscriberId, Error> {
    let mut violations = Violations::new();
    let id = violations.take("subscriber", convert::subscriber_id(&request.subscriber));
    id.ok_or_else(|| violations.into_fault().into())
}

fn unknown(refused: &NothingThere) -> FieldError {
    FieldError::new(
        "POSITION_UNKNOWN",
        refused.to_string(),
        format!(
            "Inget meddelande har den platsen. Den senaste är {}.",
            refused.last
        ),
    )
}
