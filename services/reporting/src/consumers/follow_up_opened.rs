//! `FollowUpOpened`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::FollowUpOpened;
use sqlx::PgConnection;

use crate::consumers::{agreement, codes, day, id};
use crate::domain::names::PartyCode;
use crate::store::follow_ups;

/// From now on the accounts of the year are missing until they come.
pub(crate) async fn follow_up_opened(
    tx: &mut PgConnection,
    event: &Envelope<FollowUpOpened>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let round = id("followUps", &body.follow_up)?;
    let parties = codes(PartyCode::from_name, &body.parties)?;
    follow_ups::put(
        tx,
        round,
        agreement(body.scope.as_ref())?,
        body.year,
        &parties,
    )
    .await?;
    let due_on = day(body.accounts_due_on.as_ref())?;
    Ok(follow_ups::note_deadline(tx, round, event.version, due_on).await?)
}
