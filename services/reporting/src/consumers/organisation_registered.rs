//! `OrganisationRegistered`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::OrganisationRegistered;
use sqlx::PgConnection;

use crate::consumers::id;
use crate::store;
use crate::store::organisations::Organisation;

/// Knows the organisations by their names.
pub(crate) async fn organisations_registered(
    tx: &mut PgConnection,
    events: &[Envelope<OrganisationRegistered>],
) -> Result<(), Rejection> {
    let organisations: Result<Vec<_>, Rejection> = events
        .iter()
        .map(|event| {
            Ok(Organisation {
                id: id("organisations", &event.body.organisation)?,
                display_name: &event.body.display_name,
                example: event.body.example,
            })
        })
        .collect();
    Ok(store::organisations::put(tx, &organisations?).await?)
}
