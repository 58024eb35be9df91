//! `DeclineCommitment`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::text::LongText;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{DeclineCommitmentRequest, DeclineCommitmentResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::names::{CommitmentId, PartyCode};
use crate::error::Error;
use crate::store;

/// A bearer declines with a reason: the commitment will bind nobody.
///
/// # Errors
/// `NOT_A_BEARER`, `ALREADY_SETTLED`, `ALREADY_ANSWERED`.
pub async fn decline_commitment(
    service: &Commitments,
    call: Call<DeclineCommitmentRequest>,
) -> Result<DeclineCommitmentResponse, Error> {
    let (id, party, reason) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let commitment = store::commitments::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("commitment", &id))?;
    commitment.version.expect(&call.etag)?;
    let now = service.clock.now();
    let commitment = commitment.decline(&party, reason, now)?;
    store::commitments::update(&mut tx, &commitment, &party).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: now,
    };
    outbox::append(
        &mut tx,
        events::commitment_declined(act, &commitment, &party),
    )
    .await?;
    let commitment = Some(resources::commitment(&commitment));
    let response = DeclineCommitmentResponse { commitment };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(
    request: &DeclineCommitmentRequest,
) -> Result<(CommitmentId, PartyCode, LongText), Error> {
    let mut violations = Violations::new();
    let id = violations.take("commitment", fields::name(&request.commitment));
    let party = violations.take("party", fields::name(&request.party));
    let reason = violations.take("reason", LongText::parse(&request.reason));
    let (Some(id), Some(party), Some(reason)) = (id, party, reason) else {
        return Err(violations.into_fault().into());
    };
    Ok((id, party, reason))
}
