//! `RegisterSubscriber`: enters somebody who is to be told.

use handslag_platform::{
    id, messaging::outbox, rpc::Call, text::ShortText, violations::Violations,
};
use handslag_proto::{
    events::v1::SubscriberRegistered,
    notifications::v1::{RegisterSubscriberRequest, RegisterSubscriberResponse},
};

use super::districts;
use crate::{
    Notifications, convert,
    domain::{
        names::DistrictCode,
        subscriber::{Subscriber, SubscriberId},
    },
    error::Error,
    store,
};

/// Enters a subscriber with an empty inbox.
///
/// # Errors
/// `INVALID_REQUEST`, `SUBSCRIBER_EXISTS`.
pub async fn register_subscriber(
    service: &Notifications,
    call: Call<RegisterSubscriberRequest>,
) -> Result<RegisterSubscriberResponse, Error> {
    let command = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    if let Some(code) = &command.district_board {
        districts::check_one(&mut tx, code).await?;
    }
    let now = service.clock.now();
    let subscriber = Subscriber::register(
        SubscriberId(id::new()),
        command.display_name,
        command.district_board,
    );
    if !store::subscribers::insert(&mut tx, &subscriber, now).await? {
        return Err(Error::SubscriberExists(call.district_board.clone()));
    }
    let event = outbox::Event {
        aggregate_id: id::encode(subscriber.id.0),
        version: subscriber.version,
        subject: convert::subscriber_name(subscriber.id),
        actor: call.principal.subject.clone(),
        time: now,
        body: SubscriberRegistered {
            scope: Some(convert::subscriber_scope(&subscriber)),
            subscriber: convert::subscriber_name(subscriber.id),
            display_name: subscriber.display_name.to_string(),
            district_board: call.district_board.clone(),
        },
    };
    outbox::append(&mut tx, event).await?;
    let response = RegisterSubscriberResponse {
        subscriber: Some(convert::subscriber_to_proto(&subscriber)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

struct Command {
    display_name: ShortText,
    district_board: Option<DistrictCode>,
}

fn decode(request: &RegisterSubscriberRequest) -> Result<Command, Error> {
    let mut violations = Violations::new();
    let display_name = violations.take("display_name", ShortText::parse(&request.display_name));
    let district_board = match request.district_board.as_str() {
        "" => None,
        name => violations.take("district_board", convert::district_code(name)),
    };
    match display_name {
        Some(display_name) if violations.is_empty() => Ok(Command {
            display_name,
            district_board,
        }),
        _ => Err(violations.into_fault().into()),
    }
}
