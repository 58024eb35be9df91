//! `CommitmentAccepted`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::CommitmentAccepted;
use sqlx::PgConnection;

use crate::consumers::{heard_on, id};
use crate::domain::figures::CommitmentState;
use crate::domain::history::Change;
use crate::domain::names::CommitmentId;
use crate::store;

/// Counts the commitment as binding once the last bearer has accepted it, and not before.
pub(crate) async fn commitment_accepted(
    tx: &mut PgConnection,
    event: &Envelope<CommitmentAccepted>,
) -> Result<(), Rejection> {
    let body = &event.body;
    if !body.binding {
        return Ok(());
    }
    let commitment = CommitmentId(id("commitments", &body.commitment)?);
    let (version, day) = (event.version, heard_on(event));
    let change = Change {
        version,
        day,
        state: CommitmentState::Binding,
    };
    Ok(store::commitments::note(tx, commitment, change).await?)
}
