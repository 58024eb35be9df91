//! `Subscribe`: from now on what matches is put into the inbox, once.

use handslag_platform::{id, messaging::outbox, rpc::Call, violations::Violations};
use handslag_proto::{
    events::v1::SubscriberSubscriptionChanged,
    notifications::v1::{SubscribeRequest, SubscribeResponse},
};

use super::districts;
use crate::{
    Notifications, access, convert,
    domain::{
        filter::Filter,
        subscriber::SubscriberId,
        subscription::{Subscription, SubscriptionId},
    },
    error::Error,
    store,
};

/// Most subscriptions of one subscriber in force: a filter has lists, so that more is a mistake in
/// a loop; it bounds what every event is matched with.
pub const ACTIVE_SUBSCRIPTIONS_MOST: i64 = 100;

/// Adds a subscription.
///
/// # Errors
/// `INVALID_REQUEST`, `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`, `TOO_MANY_SUBSCRIPTIONS`.
pub async fn subscribe(
    service: &Notifications,
    call: Call<SubscribeRequest>,
) -> Result<SubscribeResponse, Error> {
    let command = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let subscriber = store::subscribers::lock(&mut tx, command.subscriber)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.subscriber.clone()))?;
    access::may_change(&call.principal, &subscriber)?;
    districts::check(&mut tx, &subscriber, &command.filter).await?;
    if store::subscriptions::count_active(&mut tx, subscriber.id).await?
        >= ACTIVE_SUBSCRIPTIONS_MOST
    {
        return Err(Error::TooManySubscriptions(ACTIVE_SUBSCRIPTIONS_MOST));
    }
    let subscription =
        Subscription::begin(SubscriptionId(id::new()), subscriber.id, command.filter);
    let subscriber = subscriber.subscriptions_changed();
    store::subscriptions::insert(&mut tx, &subscription).await?;
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
            subscription: convert::subscription_name(subscriber.id, subscription.id),
            active: true,
        },
    };
    outbox::append(&mut tx, event).await?;
    let response = SubscribeResponse {
        subscription: Some(convert::subscription_to_proto(&subscription)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

struct Command {
    subscriber: SubscriberId,
    filter: Filter,
}

fn decode(request: &SubscribeRequest) -> Result<Command, Error> {
    let mut violations = Violations::new();
    let subscriber = violations.take("subscriber", convert::subscriber_id(&request.subscriber));
    let filter = convert::filter(&mut violations, request.filter.as_ref());
    match subscriber {
        Some(subscriber) if violations.is_empty() => Ok(Command { subscriber, filter }),
        _ => Err(violations.into_fault().into()),
    }
}
