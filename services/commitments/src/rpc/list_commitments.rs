//! `ListCommitments`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{ListCommitmentsRequest, ListCommitmentsResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::CommitmentId;
use crate::error::Error;
use crate::store;
use crate::store::commitments::Filter;

/// Lists commitments, oldest first.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn list_commitments(
    service: &Commitments,
    call: Call<ListCommitmentsRequest>,
) -> Result<ListCommitmentsResponse, Error> {
    let filter = decode(&call)?;
    let question = ListCommitmentsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = fields::keyset_id(&page, 0)?.map(CommitmentId);
    let mut conn = service.database.read().await?;
    let mut rows = store::commitments::list(&mut conn, &filter, after, page.size + 1).await?;
    let total = store::commitments::count(&mut conn, &filter).await?;
    let next = fields::cut(&mut rows, page.size)
        .map(|last| service.tokens.encode(&[last.id.0.to_string()], &question));
    Ok(ListCommitmentsResponse {
        commitments: rows.iter().map(resources::commitment).collect(),
        next_page_token: next.unwrap_or_default(),
        total_size: resources::count(total),
    })
}

fn decode(request: &ListCommitmentsRequest) -> Result<Filter, Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::optional_name(&request.agreement));
    let area = violations.take("area", fields::optional_name(&request.area));
    let principle = violations.take("principle", fields::optional_name(&request.principle));
    let bearer = violations.take("bearer", fields::optional_name(&request.bearer));
    let state = violations.take("state", fields::commitment_state(request.state));
    let (Some(agreement), Some(area), Some(principle), Some(bearer), Some(state)) =
        (agreement, area, principle, bearer, state)
    else {
        return Err(violations.into_fault().into());
    };
    let exclude_examples = request.exclude_examples;
    Ok(Filter {
        agreement,
        area,
        principle,
        bearer,
        state,
        exclude_examples,
    })
}
