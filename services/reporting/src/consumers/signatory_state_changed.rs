//! `SignatoryStateChanged`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::SignatoryStateChanged;
use sqlx::PgConnection;

use crate::consumers::{id, known, latest};
use crate::domain::figures::SignatoryState;
use crate::domain::history::Change;
use crate::domain::names::AgreementId;
use crate::store;

/// Counts the organisation where it stands from that day on.
pub(crate) async fn signatory_state_changed(
    tx: &mut PgConnection,
    event: &Envelope<SignatoryStateChanged>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let agreement = AgreementId(id("agreements", &body.agreement)?);
    let organisation = id("organisations", &body.organisation)?;
    let change = Change {
        version: event.version,
        day: latest(body.effective_on.as_ref(), event)?,
        state: known(SignatoryState::parse, &body.state)?,
    };
    Ok(store::signatories::note(tx, agreement, organisation, change, body.example).await?)
}
