//! `SubmitAccount`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::text::LongText;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{SubmitAccountRequest, SubmitAccountResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::names::{FollowUpId, PartyCode};
use crate::error::Error;
use crate::store;

/// A party hands its own account in. Also late, and also after publication.
///
/// # Errors
/// `NOT_A_PARTY`, `ALREADY_SUBMITTED`.
pub async fn submit_account(
    service: &Commitments,
    call: Call<SubmitAccountRequest>,
) -> Result<SubmitAccountResponse, Error> {
    let (id, party, summary) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let round = store::follow_ups::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("follow_up", &id))?;
    round.version.expect(&call.etag)?;
    let today = service.clock.today();
    let round = round.submit(&party, summary, call.light, call.example, today)?;
    store::follow_ups::update(&mut tx, &round).await?;
    store::follow_ups::update_account(&mut tx, &round, &party).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    outbox::append(&mut tx, events::account_submitted(act, &round, &party)).await?;
    let response = SubmitAccountResponse {
        follow_up: Some(resources::follow_up(&round)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &SubmitAccountRequest) -> Result<(FollowUpId, PartyCode, LongText), Error> {
    let mut violations = Violations::new();
    let id = violations.take("follow_up", fields::name(&request.follow_up));
    let party = violations.take("party", fields::name(&request.party));
    let summary = violations.take("summary", LongText::parse(&request.summary));
    let (Some(id), Some(party), Some(summary)) = (id, party, summary) else {
        return Err(violations.into_fault().into());
    };
    Ok((id, party, summary))
}
