//! `GetAction`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{GetActionRequest, GetActionResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::ActionId;
use crate::error::Error;
use crate::store;

/// Reads an action.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get_action(
    service: &Commitments,
    call: Call<GetActionRequest>,
) -> Result<GetActionResponse, Error> {
    let mut violations = Violations::new();
    let Some(id) = violations.take::<ActionId>("name", fields::name(&call.name)) else {
        return Err(violations.into_fault().into());
    };
    let mut conn = service.database.read().await?;
    let action = store::actions::find(&mut conn, id)
        .await?
        .ok_or_else(|| Error::not_found("action", &id))?;
    Ok(GetActionResponse {
        action: Some(resources::action(&action, service.clock.today())),
    })
}
