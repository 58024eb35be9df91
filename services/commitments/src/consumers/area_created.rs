//! `se.handslag.registry.area.created.v1`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::AreaCreated;
use sqlx::PgConnection;

use super::{named, reject};
use crate::convert::fields;
use crate::store;

/// Knows the area, so that a commitment can be told what it lacks.
///
/// # Errors
/// When the message cannot be read, or the database fails.
pub async fn area_created(
    tx: &mut PgConnection,
    event: &Envelope<AreaCreated>,
) -> Result<(), Rejection> {
    let area = named(&event.body.area)?;
    let title = fields::title(event.body.title.as_ref()).map_err(|error| reject(error.message))?;
    Ok(store::areas::put(tx, &area, &title).await?)
}
