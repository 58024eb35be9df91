//! Table `board`.

use handslag_platform::etag::Version;
use sqlx::PgConnection;

use crate::domain::{board::Board, name::BoardCode};

use super::{Columns, StoreError, area_codes, english};

/// Adds a board; `false` when its code is taken.
pub(crate) async fn insert(tx: &mut PgConnection, board: &Board) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO board (code, title_sv, title_en, areas, version) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (code) DO NOTHING",
        board.code.as_str(),
        board.title.sv.as_str(),
        english(&board.title),
        &area_codes(&board.areas),
        board.version.0,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Boards by code, after one.
pub(crate) async fn list(
    conn: &mut PgConnection,
    after: &str,
    limit: i64,
) -> Result<Vec<Board>, StoreError> {
    let rows = sqlx::query!(
        "SELECT code, title_sv, title_en, areas, version FROM board
         WHERE code > $1 ORDER BY code LIMIT $2",
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let columns = Columns::of("board", &row.code);
            Ok(Board {
                code: columns.read("code", BoardCode::from_code(&row.code))?,
                title: columns.title("title_sv", row.title_sv, row.title_en)?,
                areas: columns.areas(&row.areas)?,
                version: Version(row.version),
            })
        })
        .collect()
}
