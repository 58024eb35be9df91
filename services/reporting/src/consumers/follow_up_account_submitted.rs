//! `FollowUpAccountSubmitted`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::FollowUpAccountSubmitted;
use sqlx::PgConnection;

use crate::consumers::{code, day, id};
use crate::domain::names::PartyCode;
use crate::domain::section::Written;
use crate::store;

/// Shows the party's account in its own words.
pub(crate) async fn follow_up_account_submitted(
    tx: &mut PgConnection,
    event: &Envelope<FollowUpAccountSubmitted>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let round = id("followUps", &body.follow_up)?;
    let party = code(PartyCode::from_name, &body.party)?;
    let written = Written {
        summary: body.summary.clone(),
        late: body.late,
        example: body.example,
    };
    let submitted_on = day(body.submitted_on.as_ref())?;
    Ok(store::follow_ups::put_account(tx, round, &party, &written, submitted_on).await?)
}
