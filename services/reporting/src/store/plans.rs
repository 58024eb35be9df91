//! Action plans and who has approved them.

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::Result;
use crate::domain::names::{AgreementId, PartyCode, Title};

/// Stores a plan that was begun.
///
/// # Errors
/// The database's.
pub(crate) async fn put(
    conn: &mut PgConnection,
    id: Uuid,
    agreement: AgreementId,
    title: &Title,
    example: bool,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO action_plan (id, agreement, title_sv, title_en, example)
         VALUES ($1, $2, $3, $4, $5)",
        id,
        agreement.0,
        title.sv,
        title.en,
        example
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that a party has approved a plan.
///
/// # Errors
/// The database's.
pub(crate) async fn note_approval(
    conn: &mut PgConnection,
    id: Uuid,
    party: &PartyCode,
    approved_on: Date,
    adopted: bool,
) -> Result<()> {
    sqlx::query!(
        // A plan may be revised and approved again: the last approval counts.
        "INSERT INTO action_plan_approval (action_plan, party, approved_on, adopted)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (action_plan, party)
         DO UPDATE SET approved_on = excluded.approved_on, adopted = excluded.adopted",
        id,
        party.as_str(),
        approved_on,
        adopted
    )
    .execute(conn)
    .await?;
    Ok(())
}
