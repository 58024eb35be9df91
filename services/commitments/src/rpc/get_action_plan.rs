//! `GetActionPlan`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{GetActionPlanRequest, GetActionPlanResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::ActionPlanId;
use crate::error::Error;
use crate::store;

/// Reads a plan.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get_action_plan(
    service: &Commitments,
    call: Call<GetActionPlanRequest>,
) -> Result<GetActionPlanResponse, Error> {
    let mut violations = Violations::new();
    let Some(id) = violations.take::<ActionPlanId>("name", fields::name(&call.name)) else {
        return Err(violations.into_fault().into());
    };
    let mut conn = service.database.read().await?;
    let plan = store::action_plans::find(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found("action_plan", &id))?;
    Ok(GetActionPlanResponse {
        action_plan: Some(resources::action_plan(&plan)),
    })
}
