//! `se.handslag.registry.agreement.adopted.v1`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_platform::wire::optional_date;
use handslag_proto::events::v1::AgreementAdopted;
use sqlx::PgConnection;

use super::{all_named, named, reject};
use crate::domain::names::AgreementId;
use crate::store;
use crate::store::agreements::Adoption;

/// Puts the adopted version's principles and areas in the place of the draft's or the version
/// before, so that culture and sport can be promised something from the day they are in. What was
/// promised before stays as it is.
///
/// # Errors
/// When the message cannot be read, names an agreement that was never drafted, or the database
/// fails.
pub async fn agreement_adopted(
    tx: &mut PgConnection,
    event: &Envelope<AgreementAdopted>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let id: AgreementId = named(&body.agreement)?;
    let adoption = Adoption {
        edition: body.edition,
        principles: all_named(body.principles.iter().map(|principle| &principle.code))?,
        areas: all_named(&body.areas)?,
        term_starts_on: optional_date(body.term_starts_on.as_ref())
            .map_err(|error| reject(error.message))?,
        term_ends_on: optional_date(body.term_ends_on.as_ref())
            .map_err(|error| reject(error.message))?,
    };
    if store::agreements::adopt(tx, id, &adoption).await? {
        Ok(())
    } else {
        Err(reject(format!("{id} is adopted and was never drafted")))
    }
}
