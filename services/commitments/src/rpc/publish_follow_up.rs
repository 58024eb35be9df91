//! `PublishFollowUp`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{PublishFollowUpRequest, PublishFollowUpResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::names::{FollowUpId, PartyCode};
use crate::error::Error;
use crate::store;

/// Publishes a year's follow-up with what is missing shown as missing.
///
/// # Errors
/// `NOT_A_PARTY`, `ALREADY_PUBLISHED`, `NOTHING_TO_PUBLISH`.
pub async fn publish_follow_up(
    service: &Commitments,
    call: Call<PublishFollowUpRequest>,
) -> Result<PublishFollowUpResponse, Error> {
    let (id, party) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let round = store::follow_ups::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("follow_up", &id))?;
    round.version.expect(&call.etag)?;
    let now = service.clock.now();
    let round = round.publish(&party, now)?;
    store::follow_ups::update(&mut tx, &round).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: now,
    };
    outbox::append(&mut tx, events::follow_up_published(act, &round)).await?;
    let response = PublishFollowUpResponse {
        follow_up: Some(resources::follow_up(&round)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &PublishFollowUpRequest) -> Result<(FollowUpId, PartyCode), Error> {
    let mut violations = Violations::new();
    let id = violations.take("follow_up", fields::name(&request.follow_up));
    let party = violations.take("party", fields::name(&request.party));
    let (Some(id), Some(party)) = (id, party) else {
        return Err(violations.into_fault().into());
    };
    Ok((id, party))
}
