//! Records what became of a proposal.

use handslag_platform::{messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{ResolveProposalRequest, ResolveProposalResponse};
use time::Date;

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{name::ProposalId, proposal::Resolution},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn resolve_proposal(
    service: &Registry,
    call: Call<ResolveProposalRequest>,
) -> Result<ResolveProposalResponse, Error> {
    let (id, resolution) = decode(&call, service.clock.today())?;
    let mut tx = service.database.begin(&call).await?;
    let proposal = store::proposals::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::NotFound {
            kind: "Proposal",
            name: id.name(),
        })?;
    proposal.version.expect(&call.etag)?;
    let proposal = proposal.resolve(resolution.clone())?;
    store::proposals::update(&mut tx, &proposal).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(
        &mut tx,
        events::proposal_resolved(&proposal, &resolution, stamp),
    )
    .await?;
    let response = ResolveProposalResponse {
        proposal: Some(convert::proposal(&proposal)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(
    request: &ResolveProposalRequest,
    today: Date,
) -> Result<(ProposalId, Resolution), Error> {
    let mut form = Form::new();
    let id = form.take("proposal", ProposalId::parse(&request.proposal));
    let text = form.localized("resolution", request.resolution.as_ref());
    let resolved_on = form.past("resolved_on", request.resolved_on.as_ref(), today);
    let ((id, text), resolved_on) = form.finish(id.zip(text).zip(resolved_on))?;
    Ok((
        id,
        Resolution {
            adopted: request.adopted,
            text,
            resolved_on,
        },
    ))
}
