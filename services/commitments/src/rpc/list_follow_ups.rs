//! `ListFollowUps`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{ListFollowUpsRequest, ListFollowUpsResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::FollowUpId;
use crate::error::Error;
use crate::store;

/// Lists rounds, newest year first.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn list_follow_ups(
    service: &Commitments,
    call: Call<ListFollowUpsRequest>,
) -> Result<ListFollowUpsResponse, Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::optional_name(&call.agreement));
    let Some(agreement) = agreement else {
        return Err(violations.into_fault().into());
    };
    let question = ListFollowUpsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let year = fields::keyset(&page, 0, |text| text.parse::<i32>().ok())?;
    let after = year.zip(fields::keyset_id(&page, 1)?.map(FollowUpId));
    let mut conn = service.database.read().await?;
    let mut rows = store::follow_ups::list(&mut conn, agreement, after, page.size + 1).await?;
    let next = fields::cut(&mut rows, page.size).map(|last| {
        service
            .tokens
            .encode(&[last.year.to_string(), last.id.0.to_string()], &question)
    });
    Ok(ListFollowUpsResponse {
        follow_ups: rows.iter().map(resources::follow_up).collect(),
        next_page_token: next.unwrap_or_default(),
    })
}
