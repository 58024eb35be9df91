//! The district boards' discussions.

use handslag_platform::date::PartialDate;
use handslag_platform::etag::Version;
use handslag_platform::text::{Code, LongText, ShortText, parse_optional};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{StoreError, inconsistent};
use crate::domain::deliberation::Deliberation;
use crate::domain::names::{AgreementId, DeliberationId, DistrictBoardCode};

/// Writes a discussion, and says whether it did: the same paragraph of the same meeting is one
/// discussion.
///
/// # Errors
/// The database's.
pub async fn insert(tx: &mut PgConnection, held: &Deliberation) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "INSERT INTO deliberation (id, agreement, district_board, held_year, held_month, held_day,
             paragraph, note, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT ON CONSTRAINT deliberation_once DO NOTHING",
        held.id.0,
        held.agreement.0,
        held.board.code(),
        held.held_on.year(),
        i32::from(held.held_on.month_or_zero()),
        i32::from(held.held_on.day_or_zero()),
        held.paragraph.as_str(),
        held.note.as_ref().map(LongText::as_str),
        held.version.0,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads every discussion of an agreement's principles. Some tens of boards discuss them about once
/// a year, so there are no pages.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn of_agreement(
    conn: &mut PgConnection,
    agreement: AgreementId,
) -> Result<Vec<Deliberation>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, agreement, district_board, held_year, held_month, held_day, paragraph, note,
             version
         FROM deliberation WHERE agreement = $1 ORDER BY id",
        agreement.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::deliberation).collect()
}

struct Row {
    id: Uuid,
    agreement: Uuid,
    district_board: String,
    held_year: i32,
    held_month: i32,
    held_day: i32,
    paragraph: String,
    note: Option<String>,
    version: i64,
}

impl Row {
    fn deliberation(self) -> Result<Deliberation, StoreError> {
        let id = DeliberationId(self.id);
        let wrong = |column| inconsistent("deliberation", column, id);
        let board = Code::parse(&self.district_board).map(DistrictBoardCode);
        let held_on = PartialDate::parse(self.held_year, self.held_month, self.held_day);
        let note = parse_optional(self.note.as_deref().unwrap_or_default());
        Ok(Deliberation {
            id,
            agreement: AgreementId(self.agreement),
            board: board.map_err(|_| wrong("district_board"))?,
            held_on: held_on.map_err(|_| wrong("held_year"))?,
            paragraph: ShortText::parse(&self.paragraph).map_err(|_| wrong("paragraph"))?,
            note: note.map_err(|_| wrong("note"))?,
            version: Version(self.version),
        })
    }
}
