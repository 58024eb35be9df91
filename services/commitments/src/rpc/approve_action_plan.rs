//! `ApproveActionPlan`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{ApproveActionPlanRequest, ApproveActionPlanResponse};

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::names::{ActionPlanId, PartyCode};
use crate::error::Error;
use crate::store;

/// A party approves a plan. It is adopted once every party has.
///
/// # Errors
/// `NOT_A_PARTY`, `ALREADY_APPROVED`, `PLAN_WITHOUT_ACTIONS`.
pub async fn approve_action_plan(
    service: &Commitments,
    call: Call<ApproveActionPlanRequest>,
) -> Result<ApproveActionPlanResponse, Error> {
    let (id, party) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let plan = store::action_plans::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("action_plan", &id))?;
    plan.seen().expect(&call.etag)?;
    let now = service.clock.now();
    let plan = plan.approve(&party, now)?;
    store::action_plans::update(&mut tx, &plan, &party).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: now,
    };
    outbox::append(&mut tx, events::action_plan_approved(act, &plan, &party)).await?;
    let response = ApproveActionPlanResponse {
        action_plan: Some(resources::action_plan(&plan)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &ApproveActionPlanRequest) -> Result<(ActionPlanId, PartyCode), Error> {
    let mut violations = Violations::new();
    let id = violations.take("action_plan", fields::name(&request.action_plan));
    let party = violations.take("party", fields::name(&request.party));
    let (Some(id), Some(party)) = (id, party) else {
        return Err(violations.into_fault().into());
    };
    Ok((id, party))
}
