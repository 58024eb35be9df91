//! `GetFollowUp`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{GetFollowUpRequest, GetFollowUpResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::FollowUpId;
use crate::error::Error;
use crate::store;

/// Reads a round.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get_follow_up(
    service: &Commitments,
    call: Call<GetFollowUpRequest>,
) -> Result<GetFollowUpResponse, Error> {
    let mut violations = Violations::new();
    let Some(id) = violations.take::<FollowUpId>("name", fields::name(&call.name)) else {
        return Err(violations.into_fault().into());
    };
    let mut conn = service.database.read().await?;
    let round = store::follow_ups::find(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found("follow_up", &id))?;
    Ok(GetFollowUpResponse {
        follow_up: Some(resources::follow_up(&round)),
    })
}
