//! `ListActions`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{ListActionsRequest, ListActionsResponse};
use time::Date;

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::ActionId;
use crate::error::Error;
use crate::store;
use crate::store::actions::Filter;

/// Lists actions by last day.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn list_actions(
    service: &Commitments,
    call: Call<ListActionsRequest>,
) -> Result<ListActionsResponse, Error> {
    let today = service.clock.today();
    let filter = decode(&call, today)?;
    let question = ListActionsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let due_on = fields::keyset(&page, 0, fields::keyset_day)?;
    let after = due_on.zip(fields::keyset_id(&page, 1)?.map(ActionId));
    let mut conn = service.database.read().await?;
    let mut rows = store::actions::list(&mut conn, &filter, after, page.size + 1).await?;
    let total = store::actions::count(&mut conn, &filter).await?;
    let next = fields::cut(&mut rows, page.size).map(|last| {
        let keyset = [last.task.due_on.to_string(), last.id.0.to_string()];
        service.tokens.encode(&keyset, &question)
    });
    Ok(ListActionsResponse {
        actions: rows
            .iter()
            .map(|action| resources::action(action, today))
            .collect(),
        next_page_token: next.unwrap_or_default(),
        total_size: resources::count(total),
    })
}

fn decode(request: &ListActionsRequest, today: Date) -> Result<Filter, Error> {
    let mut violations = Violations::new();
    let plan = violations.take("action_plan", fields::optional_name(&request.action_plan));
    let commitment = violations.take("commitment", fields::optional_name(&request.commitment));
    let owner = violations.take("owner", fields::optional_name(&request.owner));
    let state = violations.take("state", fields::action_state(request.state));
    let (Some(plan), Some(commitment), Some(owner), Some(state)) = (plan, commitment, owner, state)
    else {
        return Err(violations.into_fault().into());
    };
    let overdue_on = request.overdue_only.then_some(today);
    let exclude_examples = request.exclude_examples;
    Ok(Filter {
        plan,
        commitment,
        owner,
        state,
        overdue_on,
        exclude_examples,
    })
}
