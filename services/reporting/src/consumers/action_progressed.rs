//! `ActionProgressed`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::ActionProgressed;
use sqlx::PgConnection;

use crate::consumers::{day, id, known};
use crate::domain::figures::ActionState;
use crate::domain::history::Change;
use crate::store;

/// Counts the action where it stands from the day of the report on.
pub(crate) async fn action_progressed(
    tx: &mut PgConnection,
    event: &Envelope<ActionProgressed>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let change = Change {
        version: event.version,
        day: day(body.reported_on.as_ref())?,
        state: known(ActionState::parse, &body.state)?,
    };
    Ok(store::actions::note(tx, id("actions", &body.action)?, change, body.percent).await?)
}
