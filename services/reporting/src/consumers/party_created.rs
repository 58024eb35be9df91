//! `PartyCreated`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::PartyCreated;
use sqlx::PgConnection;

use crate::consumers::{code, title};
use crate::domain::names::PartyCode;
use crate::store;

/// Knows the party by its name.
pub(crate) async fn party_created(
    tx: &mut PgConnection,
    event: &Envelope<PartyCreated>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let party = code(PartyCode::from_name, &body.party)?;
    Ok(store::reference::put_party(tx, &party, &title(body.title.as_ref())).await?)
}
