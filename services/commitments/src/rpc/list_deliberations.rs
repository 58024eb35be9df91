//! `ListDeliberations`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_platform::wire::optional_date;
use handslag_proto::commitments::v1::{ListDeliberationsRequest, ListDeliberationsResponse};

use crate::Commitments;
use crate::convert::{fields, resources};
use crate::domain::deliberation::districts;
use crate::error::Error;
use crate::{references, store};

/// Says for each district board of a day whether it has discussed the principles.
///
/// # Errors
/// `INVALID_REQUEST`.
pub async fn list_deliberations(
    service: &Commitments,
    call: Call<ListDeliberationsRequest>,
) -> Result<ListDeliberationsResponse, Error> {
    let mut violations = Violations::new();
    let agreement = violations.take("agreement", fields::name(&call.agreement));
    let as_of = violations.take("as_of", optional_date(call.as_of.as_ref()));
    let (Some(agreement), Some(as_of)) = (agreement, as_of) else {
        return Err(violations.into_fault().into());
    };
    let mut conn = service.database.read().await?;
    references::agreement(&mut conn, agreement).await?;
    let boards = store::district_boards::all(&mut conn).await?;
    let held = store::deliberations::of_agreement(&mut conn, agreement).await?;
    let told = districts(
        &boards,
        &held,
        as_of.unwrap_or_else(|| service.clock.today()),
    );
    Ok(ListDeliberationsResponse {
        districts: told.iter().map(resources::district).collect(),
    })
}
