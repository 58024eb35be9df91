//! `ListSubscriptions`: the subscriptions of a subscriber, oldest first.

use handslag_platform::{error::Fault, id, rpc::Call};
use handslag_proto::notifications::v1::{ListSubscriptionsRequest, ListSubscriptionsResponse};

use crate::{
    Notifications, access, convert, domain::subscription::Subscription, error::Error, store,
};

/// Lists the subscriptions of a subscriber, ended ones too.
///
/// # Errors
/// `INVALID_REQUEST`, `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`.
pub async fn list_subscriptions(
    service: &Notifications,
    call: Call<ListSubscriptionsRequest>,
) -> Result<ListSubscriptionsResponse, Error> {
    let id = convert::subscriber_id(&call.subscriber)
        .map_err(|error| Fault::from(("subscriber", error)))?;
    let bound_to = ListSubscriptionsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &bound_to)?;
    let after = page
        .after
        .as_deref()
        .and_then(|keys| id::decode(keys.first()?));
    let mut conn = service.database.read().await?;
    let subscriber = store::subscribers::get(&mut conn, id)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.subscriber.clone()))?;
    access::may_read(&call.principal, &subscriber)?;
    let mut found =
        store::subscriptions::list(&mut conn, subscriber.id, after, page.size + 1).await?;
    let next = super::next_page(&mut found, page.size, |last: &Subscription| {
        service.tokens.encode(&[id::encode(last.id.0)], &bound_to)
    });
    Ok(ListSubscriptionsResponse {
        subscriptions: found.iter().map(convert::subscription_to_proto).collect(),
        next_page_token: next,
    })
}
