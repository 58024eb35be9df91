//! The district boards of the registry with their succession.

use handslag_platform::text::{Code, ShortText};
use sqlx::PgConnection;
use time::Date;

use super::{StoreError, inconsistent};
use crate::domain::deliberation::DistrictBoard;
use crate::domain::names::DistrictBoardCode;

/// Writes a board that began; a replay writes the same again and leaves its succession.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut PgConnection, board: &DistrictBoard) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO district_board (code, title_sv, title_en, established_on)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (code) DO UPDATE SET title_sv = excluded.title_sv,
             title_en = excluded.title_en, established_on = excluded.established_on",
        board.code.code(),
        board.title.sv.as_str(),
        board.title.en.as_ref().map(ShortText::as_str),
        board.established_on,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes who took over; says whether the board that ended is known.
///
/// # Errors
/// The database's.
pub async fn succeed(
    tx: &mut PgConnection,
    code: &DistrictBoardCode,
    successor: &DistrictBoardCode,
    succeeded_on: Date,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE district_board SET successor = $2, succeeded_on = $3 WHERE code = $1",
        code.code(),
        successor.code(),
        succeeded_on,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads a board.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn find(
    conn: &mut PgConnection,
    code: &DistrictBoardCode,
) -> Result<Option<DistrictBoard>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT code, title_sv, title_en, established_on, successor, succeeded_on
         FROM district_board WHERE code = $1",
        code.code()
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::board).transpose()
}

/// Reads every board of any time in Swedish order. There are some tens of them in a century, so
/// there are no pages.
///
/// # Errors
/// The database's, and when a row cannot be.
pub async fn all(conn: &mut PgConnection) -> Result<Vec<DistrictBoard>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT code, title_sv, title_en, established_on, successor, succeeded_on
           FROM district_board ORDER BY title_sv COLLATE "sv-x-icu", code"#
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::board).collect()
}

struct Row {
    code: String,
    title_sv: String,
    title_en: Option<String>,
    established_on: Option<Date>,
    successor: Option<String>,
    succeeded_on: Option<Date>,
}

impl Row {
    fn board(self) -> Result<DistrictBoard, StoreError> {
        let key = self.code.clone();
        let key = &key;
        let wrong = |column| move || inconsistent("district_board", column, key);
        let board = |code: &str| Code::parse(code).ok().map(DistrictBoardCode);
        let succession = match (self.successor, self.succeeded_on) {
            (Some(successor), Some(day)) => {
                Some((board(&successor).ok_or_else(wrong("successor"))?, day))
            }
            _ => None,
        };
        Ok(DistrictBoard {
            code: board(&self.code).ok_or_else(wrong("code"))?,
            title: super::title(&self.title_sv, self.title_en.as_deref())
                .ok_or_else(wrong("title_sv"))?,
            established_on: self.established_on,
            succession,
        })
    }
}
