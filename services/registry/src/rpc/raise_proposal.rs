//! Records a proposal that reservations carry.

use handslag_platform::{etag::Version, id, messaging::outbox, rpc::Call, violations::FieldError};
use handslag_proto::registry::v1::{RaiseProposalRequest, RaiseProposalResponse};
use sqlx::PgConnection;

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{
        name::{ProceedingId, ProposalId},
        proceeding::ProceedingKind,
        proposal::Proposal,
    },
    error::Error,
    form::{Form, unknown},
    store,
};

pub(crate) async fn raise_proposal(
    service: &Registry,
    call: Call<RaiseProposalRequest>,
) -> Result<RaiseProposalResponse, Error> {
    let mut form = Form::new();
    let proposal = decode(&call, ProposalId(id::new()), &mut form);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    if let Some(proposal) = &proposal {
        check_reservations(&mut tx, proposal, &mut form).await?;
    }
    let proposal = form.finish(proposal)?;
    store::proposals::insert(&mut tx, &proposal).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::proposal_raised(&proposal, stamp)).await?;
    let response = RaiseProposalResponse {
        proposal: Some(convert::proposal(&proposal)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &RaiseProposalRequest, id: ProposalId, form: &mut Form) -> Option<Proposal> {
    let agreement = form.agreement("agreement", &request.agreement);
    let title = form.localized("title", request.title.as_ref());
    form.at_least("raised_in", &request.raised_in, 1);
    let raised_in = form.distinct("raised_in", &request.raised_in, |form, path, name| {
        form.take(path, ProceedingId::parse(name))
    });
    Some(Proposal {
        id,
        agreement: agreement?,
        title: title?,
        raised_in: raised_in?,
        resolution: None,
        version: Version::FIRST,
    })
}

/// The steps must be reservations of the same agreement.
async fn check_reservations(
    tx: &mut PgConnection,
    proposal: &Proposal,
    form: &mut Form,
) -> Result<(), Error> {
    let agreement = proposal.agreement;
    let ids: Vec<_> = proposal.raised_in.iter().map(|step| step.id).collect();
    let kinds = store::proceedings::kinds(tx, agreement, &ids).await?;
    for (index, step) in proposal.raised_in.iter().enumerate() {
        let path = format!("raised_in[{index}]");
        let found = kinds
            .iter()
            .find(|(id, _)| *id == step.id && step.agreement == agreement);
        match found {
            None => form.refuse(&path, unknown("UNKNOWN_PROCEEDING")),
            Some((_, ProceedingKind::Reservation)) => {}
            Some(_) => form.refuse(&path, no_reservation()),
        }
    }
    Ok(())
}

fn no_reservation() -> FieldError {
    FieldError::new(
        "PROCEEDING_KIND_MISMATCH",
        "must be a reservation",
        "Måste vara en reservation.",
    )
}
