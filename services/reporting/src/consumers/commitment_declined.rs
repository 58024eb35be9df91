//! `CommitmentDeclined`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::CommitmentDeclined;
use sqlx::PgConnection;

use crate::consumers::{heard_on, id};
use crate::domain::figures::CommitmentState;
use crate::domain::history::Change;
use crate::domain::names::CommitmentId;
use crate::store;

/// Counts the commitment as declined.
pub(crate) async fn commitment_declined(
    tx: &mut PgConnection,
    event: &Envelope<CommitmentDeclined>,
) -> Result<(), Rejection> {
    let commitment = CommitmentId(id("commitments", &event.body.commitment)?);
    let (version, day) = (event.version, heard_on(event));
    let change = Change {
        version,
        day,
        state: CommitmentState::Declined,
    };
    Ok(store::commitments::note(tx, commitment, change).await?)
}
