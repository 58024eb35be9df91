//! Organisations' relations to agreements, as one row per change.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::{Result, inconsistent};
use crate::domain::figures::SignatoryState;
use crate::domain::history::{Change, History};
use crate::domain::names::AgreementId;
use crate::domain::section::Counted;

/// Notes that an organisation's relation to an agreement has changed.
///
/// # Errors
/// The database's.
pub(crate) async fn note(
    conn: &mut PgConnection,
    agreement: AgreementId,
    organisation: Uuid,
    change: Change<SignatoryState>,
    example: bool,
) -> Result<()> {
    let Change {
        version,
        day,
        state,
    } = change;
    sqlx::query!(
        "INSERT INTO signatory_change (agreement, organisation, version, state, certain_on, example)
         VALUES ($1, $2, $3, $4, $5, $6)",
        agreement.0,
        organisation,
        version,
        state.code(),
        day,
        example
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The relations to an agreement, an organisation each, without the examples when asked.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn of(
    conn: &mut PgConnection,
    agreement: AgreementId,
    exclude_examples: bool,
) -> Result<Vec<Counted<SignatoryState>>> {
    let rows = sqlx::query!(
        "SELECT organisation, version, state, certain_on, example FROM signatory_change
         WHERE agreement = $1 AND NOT (example AND $2)
         ORDER BY organisation, version",
        agreement.0,
        exclude_examples
    )
    .fetch_all(conn)
    .await?;
    let mut relations: BTreeMap<Uuid, (Vec<Change<SignatoryState>>, bool)> = BTreeMap::new();
    for row in rows {
        let state = SignatoryState::parse(&row.state)
            .ok_or_else(|| inconsistent("signatory_change", "state", &row.organisation))?;
        let change = change(row.version, row.certain_on, state);
        let relation = relations.entry(row.organisation).or_default();
        relation.0.push(change);
        relation.1 |= row.example;
    }
    Ok(relations
        .into_values()
        .map(|(changes, example)| Counted {
            history: History::new(changes),
            example,
        })
        .collect())
}

fn change<S>(version: i64, day: Date, state: S) -> Change<S> {
    Change {
        version,
        day,
        state,
    }
}
