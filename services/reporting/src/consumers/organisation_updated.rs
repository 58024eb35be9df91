//! `OrganisationUpdated`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::OrganisationUpdated;
use sqlx::PgConnection;

use crate::consumers::{id, unreadable};
use crate::store;

/// Knows the organisation by its new name.
pub(crate) async fn organisation_updated(
    tx: &mut PgConnection,
    event: &Envelope<OrganisationUpdated>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let organisation = id("organisations", &body.organisation)?;
    // Its registration is an earlier version of the same aggregate, so that it has been heard of.
    if store::organisations::rename(tx, organisation, &body.display_name).await? {
        Ok(())
    } else {
        Err(unreadable("organisation", &body.organisation))
    }
}
