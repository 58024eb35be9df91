//! `OrganisationRegistered`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::OrganisationRegistered;
use sqlx::PgConnection;

use crate::consumers::id;
use crate::store;

/// Knows the organisation by its name.
pub(crate) async fn organisation_registered(
    tx: &mut PgConnection,
    event: &Envelope<OrganisationRegistered>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let organisation = id("organisations", &body.organisation)?;
    let put = store::organisations::put(tx, organisation, &body.display_name, body.example);
    Ok(put.await?)
}
