//! `ActionPlanApproved`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::ActionPlanApproved;
use sqlx::PgConnection;

use crate::consumers::{code, heard_on, id};
use crate::domain::names::PartyCode;
use crate::store;

/// Notes who has approved the plan, and whether it is adopted.
pub(crate) async fn action_plan_approved(
    tx: &mut PgConnection,
    event: &Envelope<ActionPlanApproved>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let plan = id("actionPlans", &body.action_plan)?;
    let party = code(PartyCode::from_name, &body.party)?;
    let noted = store::plans::note_approval(tx, plan, &party, heard_on(event), body.adopted);
    Ok(noted.await?)
}
