//! `AddAction`.

use handslag_platform::id;
use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::text::ShortText;
use handslag_platform::violations::Violations;
use handslag_platform::wire::date;
use handslag_proto::commitments::v1::{AddActionRequest, AddActionResponse};
use sqlx::PgConnection;

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::action::Task;
use crate::domain::action_plan::ActionPlan;
use crate::domain::commitment::Commitment;
use crate::domain::names::{ActionId, ActionPlanId, PartyCode};
use crate::error::Error;
use crate::references::References;
use crate::{references, store};

/// Adds an action to a plan that is not yet adopted, rooted in binding commitments.
///
/// # Errors
/// `PLAN_ADOPTED`, `COMMITMENT_NOT_BINDING`.
pub async fn add_action(
    service: &Commitments,
    call: Call<AddActionRequest>,
) -> Result<AddActionResponse, Error> {
    let (plan, party, task) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    // The plan's own version does not change: the action is an aggregate with events of its own.
    let plan = store::action_plans::lock(&mut tx, plan)
        .await?
        .ok_or_else(|| Error::not_found("action_plan", &plan))?;
    let roots = load_known(&mut tx, &plan, &party, &task).await?;
    let action = plan.add(ActionId(id::new()), task, &roots)?;
    store::actions::insert(&mut tx, &action).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    outbox::append(&mut tx, events::action_added(act, &action, &roots)).await?;
    let today = service.clock.today();
    let response = AddActionResponse {
        action: Some(resources::action(&action, today)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &AddActionRequest) -> Result<(ActionPlanId, PartyCode, Task), Error> {
    let mut violations = Violations::new();
    let plan = violations.take("action_plan", fields::name(&request.action_plan));
    let party = violations.take("party", fields::name(&request.party));
    let title = violations.take("title", ShortText::parse(&request.title));
    let commitments = fields::names(&mut violations, "commitments", &request.commitments);
    let owner = violations.take("owner", fields::name(&request.owner));
    let due_on = violations.take("due_on", date(request.due_on.as_ref()));
    let (Some(plan), Some(party), Some(title)) = (plan, party, title) else {
        return Err(violations.into_fault().into());
    };
    let (Some(commitments), Some(owner), Some(due_on)) = (commitments, owner, due_on) else {
        return Err(violations.into_fault().into());
    };
    let task = Task {
        title,
        commitments,
        owner,
        due_on,
        example: request.example,
    };
    Ok((plan, party, task))
}

async fn load_known(
    conn: &mut PgConnection,
    plan: &ActionPlan,
    party: &PartyCode,
    task: &Task,
) -> Result<Vec<Commitment>, Error> {
    let agreement = references::agreement(conn, plan.agreement).await?;
    let mut references = References::default();
    references.party(conn, &agreement, "party", party).await?;
    references
        .party(conn, &agreement, "owner", &task.owner)
        .await?;
    references.finish()?;
    references::roots(conn, plan.agreement, task.commitments.as_slice()).await
}
