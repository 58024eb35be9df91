//! `se.handslag.registry.party.created.v1`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::PartyCreated;
use sqlx::PgConnection;

use super::{named, reject};
use crate::convert::fields;
use crate::store;

/// Knows the party, so that a request that names it wrongly can be told why.
///
/// # Errors
/// When the message cannot be read, or the database fails.
pub async fn party_created(
    tx: &mut PgConnection,
    event: &Envelope<PartyCreated>,
) -> Result<(), Rejection> {
    let party = named(&event.body.party)?;
    let title = fields::title(event.body.title.as_ref()).map_err(|error| reject(error.message))?;
    Ok(store::parties::put(tx, &party, &title).await?)
}
