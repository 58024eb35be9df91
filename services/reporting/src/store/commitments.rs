//! Commitments, and their states as one row per change.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::agreements::codes;
use super::reference::areas;
use super::{Result, inconsistent};
use crate::domain::figures::CommitmentState;
use crate::domain::history::{Change, History};
use crate::domain::names::{AgreementId, AreaCode, CommitmentId};
use crate::domain::section::{Commitment, Counted};

/// What was proposed.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// The commitment.
    pub id: CommitmentId,
    /// The agreement it belongs to.
    pub agreement: AgreementId,
    /// Its areas; empty when it concerns all.
    pub areas: Vec<AreaCode>,
    /// Plain-language text.
    pub text: String,
    /// Who would bear it.
    pub bearers: Vec<String>,
    /// The principles it serves.
    pub principles: Vec<String>,
    /// Whether it is example data.
    pub example: bool,
}

/// Stores what was proposed; its state is noted apart.
///
/// # Errors
/// The database's.
pub(crate) async fn put(conn: &mut PgConnection, proposal: &Proposal) -> Result<()> {
    sqlx::query!(
        "INSERT INTO commitment (id, agreement, areas, text, bearers, principles, example)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        proposal.id.0,
        proposal.agreement.0,
        &codes(&proposal.areas),
        proposal.text,
        &proposal.bearers,
        &proposal.principles,
        proposal.example
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes a change of state.
///
/// # Errors
/// The database's.
pub(crate) async fn note(
    conn: &mut PgConnection,
    id: CommitmentId,
    change: Change<CommitmentState>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO commitment_change (commitment, version, state, changed_on)
         VALUES ($1, $2, $3, $4)",
        id.0,
        change.version,
        change.state.code(),
        change.day
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The commitments of an agreement, without the examples when asked.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn of(
    conn: &mut PgConnection,
    agreement: AgreementId,
    exclude_examples: bool,
) -> Result<Vec<Commitment>> {
    let rows = sqlx::query!(
        "SELECT id, areas, example FROM commitment
         WHERE agreement = $1 AND NOT (example AND $2) ORDER BY id",
        agreement.0,
        exclude_examples
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut changes: BTreeMap<Uuid, Vec<Change<CommitmentState>>> = BTreeMap::new();
    let noted = sqlx::query!(
        "SELECT commitment, version, state, changed_on FROM commitment_change
         WHERE commitment IN (SELECT id FROM commitment WHERE agreement = $1)",
        agreement.0
    )
    .fetch_all(conn)
    .await?;
    for row in noted {
        let state = CommitmentState::parse(&row.state)
            .ok_or_else(|| inconsistent("commitment_change", "state", &row.commitment))?;
        let change = Change {
            version: row.version,
            day: row.changed_on,
            state,
        };
        changes.entry(row.commitment).or_default().push(change);
    }
    rows.into_iter()
        .map(|row| {
            let history = History::new(changes.remove(&row.id).unwrap_or_default());
            Ok(Commitment {
                id: CommitmentId(row.id),
                areas: areas("commitment", &row.id, &row.areas)?,
                counted: Counted {
                    history,
                    example: row.example,
                },
            })
        })
        .collect()
}
