//! `ListActionPlans`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{ListActionPlansRequest, ListActionPlansResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::ActionPlanId;
use crate::error::Error;
use crate::store;

/// Lists plans, newest first.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn list_action_plans(
    service: &Commitments,
    call: Call<ListActionPlansRequest>,
) -> Result<ListActionPlansResponse, Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::optional_name(&call.agreement));
    let Some(agreement) = agreement else {
        return Err(violations.into_fault().into());
    };
    let question = ListActionPlansRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = fields::keyset_id(&page, 0)?.map(ActionPlanId);
    let mut conn = service.database.read().await?;
    let most = page.size + 1;
    let mut rows =
        store::action_plans::list(&mut conn, agreement, call.exclude_examples, after, most).await?;
    let next = fields::cut(&mut rows, page.size)
        .map(|last| service.tokens.encode(&[last.id.0.to_string()], &question));
    Ok(ListActionPlansResponse {
        action_plans: rows.iter().map(resources::action_plan).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}
