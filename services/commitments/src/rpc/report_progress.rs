//! `ReportProgress`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{ReportProgressRequest, ReportProgressResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::action::Progress;
use crate::domain::names::{ActionId, PartyCode};
use crate::error::Error;
use crate::store;

/// The owner reports how an action goes.
///
/// # Errors
/// `NOT_THE_OWNER`.
pub async fn report_progress(
    service: &Commitments,
    call: Call<ReportProgressRequest>,
) -> Result<ReportProgressResponse, Error> {
    let (id, party, progress) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let action = store::actions::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("action", &id))?;
    action.version.expect(&call.etag)?;
    let today = service.clock.today();
    let action = action.report(&party, progress, today)?;
    store::actions::update(&mut tx, &action).await?;
    store::actions::insert_last_report(&mut tx, &action).await?;
    // A commitment's area never changes, so its row needs no lock.
    let roots = store::commitments::find(&mut tx, action.task.commitments.as_slice()).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    outbox::append(
        &mut tx,
        events::action_progressed(act, &action, &roots, today),
    )
    .await?;
    let response = ReportProgressResponse {
        action: Some(resources::action(&action, today)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &ReportProgressRequest) -> Result<(ActionId, PartyCode, Progress), Error> {
    let mut violations = Violations::new();
    let id = violations.take("action", fields::name(&request.action));
    let party = violations.take("party", fields::name(&request.party));
    let progress = fields::progress(&mut violations, request);
    let (Some(id), Some(party), Some(progress)) = (id, party, progress) else {
        return Err(violations.into_fault().into());
    };
    Ok((id, party, progress))
}
