//! `ActionDeadlineMoved`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::ActionDeadlineMoved;
use sqlx::PgConnection;

use crate::consumers::{day, id};
use crate::store;

/// Measures the action against its new last day.
pub(crate) async fn action_deadline_moved(
    tx: &mut PgConnection,
    event: &Envelope<ActionDeadlineMoved>,
) -> Result<(), Rejection> {
    let action = id("actions", &event.body.action)?;
    let due_on = day(event.body.due_on.as_ref())?;
    Ok(store::actions::note_deadline(tx, action, event.version, due_on).await?)
}
