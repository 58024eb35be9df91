//! `FollowUpPublished`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::FollowUpPublished;
use sqlx::PgConnection;

use crate::consumers::{heard_on, id};
use crate::store;

/// Knows that the round was published, with what was missing.
pub(crate) async fn follow_up_published(
    tx: &mut PgConnection,
    event: &Envelope<FollowUpPublished>,
) -> Result<(), Rejection> {
    let round = id("followUps", &event.body.follow_up)?;
    Ok(store::follow_ups::note_publication(tx, round, heard_on(event)).await?)
}
