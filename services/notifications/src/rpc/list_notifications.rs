//! `ListNotifications`: a subscriber's inbox, newest first.

use handslag_platform::{error::Fault, rpc::Call};
use handslag_proto::notifications::v1::{ListNotificationsRequest, ListNotificationsResponse};

use crate::{
    Notifications, access, convert, domain::notification::Notification, error::Error, store,
};

/// Lists a subscriber's inbox. What arrives while somebody turns the pages is before the first and
/// in none of them.
///
/// # Errors
/// `INVALID_REQUEST`, `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`.
pub async fn list_notifications(
    service: &Notifications,
    call: Call<ListNotificationsRequest>,
) -> Result<ListNotificationsResponse, Error> {
    let id = convert::subscriber_id(&call.subscriber)
        .map_err(|error| Fault::from(("subscriber", error)))?;
    let bound_to = ListNotificationsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &bound_to)?;
    let before = page
        .after
        .as_deref()
        .and_then(|keys| keys.first()?.parse::<i64>().ok());
    let mut conn = service.database.read().await?;
    let subscriber = store::subscribers::get(&mut conn, id)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.subscriber.clone()))?;
    access::may_read(&call.principal, &subscriber)?;
    let least = if call.unacknowledged_only {
        subscriber.acknowledged_up_to
    } else {
        0
    };
    let mut found =
        store::notifications::list(&mut conn, &subscriber, least, before, page.size + 1).await?;
    let next = super::next_page(&mut found, page.size, |last: &Notification| {
        service
            .tokens
            .encode(&[last.position.to_string()], &bound_to)
    });
    Ok(ListNotificationsResponse {
        notifications: found.iter().map(convert::notification_to_proto).collect(),
        next_page_token: next,
        unacknowledged_count: i32::try_from(subscriber.unacknowledged()).unwrap_or(i32::MAX),
    })
}
