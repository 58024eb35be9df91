//! `Unsubscribe`: ends a subscription; the inbox stays.

use handslag_platform::{error::Fault, id, messaging::outbox, rpc::Call};
use handslag_proto::{
    events::v1::SubscriberSubscriptionChanged,
    notifications::v1::{UnsubscribeRequest, UnsubscribeResponse},
};

use crate::{Notifications, access, convert, error::Error, store};

/// Ends a subscription.
///
/// # Errors
/// `INVALID_REQUEST`, `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`, `STALE_ETAG`, `SUBSCRIPTION_ENDED`.
pub async fn unsubscribe(
    service: &Notifications,
    call: Call<UnsubscribeRequest>,
) -> Result<UnsubscribeResponse, Error> {
    let (owner, id) = convert::subscription_id(&call.subscription)
        .map_err(|error| Fault::from(("subscription", error)))?;
    let missing = || Error::SubscriptionNotFound(call.subscription.clone());
    let mut tx = service.database.begin(&call).await?;
    let subscriber = store::subscribers::lock(&mut tx, owner)
        .await?
        .ok_or_else(missing)?;
    access::may_change(&call.principal, &subscriber)?;
    let subscription = store::subscriptions::lock(&mut tx, owner, id)
        .await?
        .ok_or_else(missing)?;
    subscription.version.expect(&call.etag)?;
    let subscription = subscription.end()?;
    let subscriber = subscriber.subscriptions_changed();
    store::subscriptions::update(&mut tx, &subscription).await?;
    store::subscribers::update(&mut tx, &subscriber).await?;
    let event = outbox::Event {
        aggregate_id: id::encode(subscriber.id.0),
        version: subscriber.version,
        subject: convert::subscriber_name(subscriber.id),
        actor: call.principal.subject.clone(),
        time: service.clock.now(),
        body: SubscriberSubscriptionChanged {
            scope: Some(convert::subscriber_scope(&subscriber)),
            subscriber: convert::subscriber_name(subscriber.id),
            subscription: call.subscription.clone(),
            active: false,
        },
    };
    outbox::append(&mut tx, event).await?;
    let response = UnsubscribeResponse {
        subscription: Some(convert::subscription_to_proto(&subscription)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}
