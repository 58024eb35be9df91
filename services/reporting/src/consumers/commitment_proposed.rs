//! `CommitmentProposed`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::CommitmentProposed;
use sqlx::PgConnection;

use crate::consumers::{agreement, codes, heard_on, id};
use crate::domain::figures::CommitmentState;
use crate::domain::history::Change;
use crate::domain::names::{AreaCode, CommitmentId};
use crate::store::commitments::{self, Proposal};

/// Counts the commitment as proposed.
pub(crate) async fn commitment_proposed(
    tx: &mut PgConnection,
    event: &Envelope<CommitmentProposed>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let areas = body.scope.as_ref().map_or(&[][..], |scope| &scope.areas);
    let proposal = Proposal {
        id: CommitmentId(id("commitments", &body.commitment)?),
        agreement: agreement(body.scope.as_ref())?,
        areas: codes(AreaCode::from_name, areas)?,
        text: body.text.clone(),
        bearers: body.bearers.clone(),
        principles: body.principles.clone(),
        example: body.example,
    };
    commitments::put(tx, &proposal).await?;
    let (version, day) = (event.version, heard_on(event));
    let change = Change {
        version,
        day,
        state: CommitmentState::Proposed,
    };
    Ok(commitments::note(tx, proposal.id, change).await?)
}
