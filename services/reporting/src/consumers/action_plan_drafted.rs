//! `ActionPlanDrafted`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::ActionPlanDrafted;
use sqlx::PgConnection;

use crate::consumers::{agreement, id, title};
use crate::store;

/// Knows the plan by its name.
pub(crate) async fn action_plan_drafted(
    tx: &mut PgConnection,
    event: &Envelope<ActionPlanDrafted>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let plan = id("actionPlans", &body.action_plan)?;
    let agreement = agreement(body.scope.as_ref())?;
    let title = title(body.title.as_ref());
    Ok(store::plans::put(tx, plan, agreement, &title, body.example).await?)
}
