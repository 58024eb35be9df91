//! `AreaCreated`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::AreaCreated;
use sqlx::PgConnection;

use crate::consumers::{code, title};
use crate::domain::names::AreaCode;
use crate::store;

/// Knows the area by its name.
pub(crate) async fn area_created(
    tx: &mut PgConnection,
    event: &Envelope<AreaCreated>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let area = code(AreaCode::from_name, &body.area)?;
    Ok(store::reference::put_area(tx, &area, &title(body.title.as_ref())).await?)
}
