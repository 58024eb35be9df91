//! Organisations' relations to agreements, as one row per change.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::domain::curve::Day;
use crate::domain::figures::SignatoryState;
use crate::domain::history::Change;
use crate::domain::names::AgreementId;

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

/// How the number of signatories of an agreement changes, day by day, without the examples when asked. The database keeps
/// the sums when a change is noted.
///
/// # Errors
/// The database's.
pub(crate) async fn days(
    conn: &mut PgConnection,
    agreement: AgreementId,
    exclude_examples: bool,
) -> Result<Vec<Day>> {
    let days = sqlx::query_as!(
        Day,
        "SELECT day, example, signed, decided, begun FROM signatory_day
         WHERE agreement = $1 AND NOT (example AND $2)
         ORDER BY day, example",
        agreement.0,
        exclude_examples
    )
    .fetch_all(conn)
    .await?;
    Ok(days)
}
