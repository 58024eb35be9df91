//! What is known here of the agreements of the registry.

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::{StoreError, codes, inconsistent};
use crate::domain::agreement::Agreement;
use crate::domain::names::{AgreementId, AreaCode, PartyCode, PrincipleCode};

/// The adopted version of an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adoption {
    /// Its number, from 1.
    pub edition: i32,
    /// Its principles.
    pub principles: Vec<PrincipleCode>,
    /// Its areas.
    pub areas: Vec<AreaCode>,
    /// First day of the term.
    pub term_starts_on: Option<Date>,
    /// Last day of the term before any extension.
    pub term_ends_on: Option<Date>,
}

/// Writes a drafted agreement; a replay from the beginning starts it over.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut PgConnection, agreement: &Agreement) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO agreement (id, parties, principles, areas) VALUES ($1, $2, $3, $4)
         ON CONFLICT (id) DO UPDATE SET
             parties = excluded.parties, principles = excluded.principles, areas = excluded.areas",
        agreement.id.0,
        &texts(agreement.parties.iter().map(PartyCode::code)),
        &texts(agreement.principles.iter().map(PrincipleCode::code)),
        &texts(agreement.areas.iter().map(AreaCode::code)),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes an adopted version over the draft or the version before; says whether the agreement is
/// known.
///
/// # Errors
/// The database's.
pub async fn adopt(
    tx: &mut PgConnection,
    id: AgreementId,
    adoption: &Adoption,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE agreement SET edition = $2, principles = $3, areas = $4,
             term_starts_on = $5, term_ends_on = $6
         WHERE id = $1",
        id.0,
        adoption.edition,
        &texts(adoption.principles.iter().map(PrincipleCode::code)),
        &texts(adoption.areas.iter().map(AreaCode::code)),
        adoption.term_starts_on,
        adoption.term_ends_on,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads an agreement.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn find(
    conn: &mut PgConnection,
    id: AgreementId,
) -> Result<Option<Agreement>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, parties, principles, areas, term_ends_on FROM agreement WHERE id = $1",
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::agreement).transpose()
}

struct Row {
    id: Uuid,
    parties: Vec<String>,
    principles: Vec<String>,
    areas: Vec<String>,
    term_ends_on: Option<Date>,
}

impl Row {
    fn agreement(self) -> Result<Agreement, StoreError> {
        let id = AgreementId(self.id);
        let wrong = |column| move || inconsistent("agreement", column, id);
        Ok(Agreement {
            id,
            parties: codes(self.parties, PartyCode).ok_or_else(wrong("parties"))?,
            principles: codes(self.principles, PrincipleCode).ok_or_else(wrong("principles"))?,
            areas: codes(self.areas, AreaCode).ok_or_else(wrong("areas"))?,
            term_ends_on: self.term_ends_on,
        })
    }
}

fn texts<'a>(codes: impl Iterator<Item = &'a str>) -> Vec<String> {
    codes.map(str::to_owned).collect()
}
