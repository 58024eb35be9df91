//! `AcceptCommitment`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{AcceptCommitmentRequest, AcceptCommitmentResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::names::{CommitmentId, PartyCode};
use crate::error::Error;
use crate::store;

/// A bearer takes its share on. The commitment binds once the last bearer has.
///
/// # Errors
/// `NOT_A_BEARER`, `ALREADY_SETTLED`, `ALREADY_ANSWERED`.
pub async fn accept_commitment(
    service: &Commitments,
    call: Call<AcceptCommitmentRequest>,
) -> Result<AcceptCommitmentResponse, Error> {
    let (id, party) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let commitment = store::commitments::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("commitment", &id))?;
    commitment.version.expect(&call.etag)?;
    let now = service.clock.now();
    let commitment = commitment.accept(&party, now)?;
    store::commitments::update(&mut tx, &commitment, &party).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: now,
    };
    outbox::append(
        &mut tx,
        events::commitment_accepted(act, &commitment, &party),
    )
    .await?;
    let commitment = Some(resources::commitment(&commitment));
    let response = AcceptCommitmentResponse { commitment };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &AcceptCommitmentRequest) -> Result<(CommitmentId, PartyCode), Error> {
    let mut violations = Violations::new();
    let id = violations.take("commitment", fields::name(&request.commitment));
    let party = violations.take("party", fields::name(&request.party));
    let (Some(id), Some(party)) = (id, party) else {
        return Err(violations.into_fault().into());
    };
    Ok((id, party))
}
