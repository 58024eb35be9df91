//! `GetSubscriber`: reads a subscriber.

use handslag_platform::{error::Fault, rpc::Call};
use handslag_proto::notifications::v1::{GetSubscriberRequest, GetSubscriberResponse};

use crate::{Notifications, access, convert, error::Error, store};

/// Reads a subscriber.
///
/// # Errors
/// `INVALID_REQUEST`, `RESOURCE_NOT_FOUND`, `NOT_YOUR_OWN`.
pub async fn get_subscriber(
    service: &Notifications,
    call: Call<GetSubscriberRequest>,
) -> Result<GetSubscriberResponse, Error> {
    let id = convert::subscriber_id(&call.name).map_err(|error| Fault::from(("name", error)))?;
    let mut conn = service.database.read().await?;
    let subscriber = store::subscribers::get(&mut conn, id)
        .await?
        .ok_or_else(|| Error::SubscriberNotFound(call.name.clone()))?;
    access::may_read(&call.principal, &subscriber)?;
    Ok(GetSubscriberResponse {
        subscriber: Some(convert::subscriber_to_proto(&subscriber)),
    })
}
