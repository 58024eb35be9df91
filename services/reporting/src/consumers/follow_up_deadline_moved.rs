//! `FollowUpDeadlineMoved`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::FollowUpDeadlineMoved;
use sqlx::PgConnection;

use crate::consumers::{day, id};
use crate::store;

/// Knows the new last day for the accounts.
pub(crate) async fn follow_up_deadline_moved(
    tx: &mut PgConnection,
    event: &Envelope<FollowUpDeadlineMoved>,
) -> Result<(), Rejection> {
    let round = id("followUps", &event.body.follow_up)?;
    let due_on = day(event.body.accounts_due_on.as_ref())?;
    Ok(store::follow_ups::note_deadline(tx, round, event.version, due_on).await?)
}
