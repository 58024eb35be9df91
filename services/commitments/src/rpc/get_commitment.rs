//! `GetCommitment`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::commitments::v1::{GetCommitmentRequest, GetCommitmentResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::names::CommitmentId;
use crate::error::Error;
use crate::store;

/// Reads a commitment.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn get_commitment(
    service: &Commitments,
    call: Call<GetCommitmentRequest>,
) -> Result<GetCommitmentResponse, Error> {
    let mut violations = Violations::new();
    let Some(id) = violations.take::<CommitmentId>("name", fields::name(&call.name)) else {
        return Err(violations.into_fault().into());
    };
    let mut conn = service.database.read().await?;
    let commitment = store::commitments::find(&mut conn, &[id])
        .await?
        .pop()
        .ok_or_else(|| Error::not_found("commitment", &id))?;
    Ok(GetCommitmentResponse {
        commitment: Some(resources::commitment(&commitment)),
    })
}
