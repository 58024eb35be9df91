//! Table `district_board`.

use handslag_platform::etag::Version;
use sqlx::PgConnection;
use time::Date;

use crate::domain::{
    district_board::{DistrictBoard, Succession},
    name::DistrictBoardCode,
};

use super::{Columns, Inconsistent, StoreError, english, hit};

struct Row {
    code: String,
    title_sv: String,
    title_en: Option<String>,
    established_on: Option<Date>,
    succeeded_on: Option<Date>,
    successor: Option<String>,
    version: i64,
    predecessors: Vec<String>,
    predecessors_ended_on: Vec<Date>,
}

impl TryFrom<Row> for DistrictBoard {
    type Error = Inconsistent;

    fn try_from(row: Row) -> Result<Self, Inconsistent> {
        let columns = Columns::of("district_board", &row.code);
        let code = |column, code: &str| columns.read(column, DistrictBoardCode::from_code(code));
        let succession = match (row.successor, row.succeeded_on) {
            (Some(successor), Some(on)) => Some(Succession {
                successor: code("successor", &successor)?,
                on,
            }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(columns.broken("successor")),
        };
        let predecessors = row.predecessors.iter().zip(row.predecessors_ended_on);
        Ok(Self {
            code: code("code", &row.code)?,
            title: columns.title("title_sv", row.title_sv, row.title_en)?,
            established_on: row.established_on,
            succession,
            predecessors: predecessors
                .map(|(predecessor, on)| Ok((code("code", predecessor)?, on)))
                .collect::<Result<_, Inconsistent>>()?,
            version: Version(row.version),
        })
    }
}

/// Adds a district board; `false` when its code is taken.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    board: &DistrictBoard,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO district_board (code, title_sv, title_en, established_on, version)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (code) DO NOTHING",
        board.code.as_str(),
        board.title.sv.as_str(),
        english(&board.title),
        board.established_on,
        board.version.0,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads the boards with these codes and holds their rows until the transaction ends.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    codes: &[String],
) -> Result<Vec<DistrictBoard>, StoreError> {
    // One order for everybody, so that two successions wait for each other and do not lock each
    // other out. The rows are read by a second statement, which sees what the one that was waited
    // for has written.
    sqlx::query!(
        "SELECT code FROM district_board WHERE code = ANY($1) ORDER BY code FOR UPDATE",
        codes,
    )
    .fetch_all(&mut *tx)
    .await?;
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT code, title_sv, title_en, established_on, succeeded_on, successor, version,
               ARRAY(SELECT p.code FROM district_board p
                     WHERE p.successor = b.code ORDER BY p.code) AS "predecessors!",
               ARRAY(SELECT p.succeeded_on FROM district_board p
                     WHERE p.successor = b.code ORDER BY p.code) AS "predecessors_ended_on!"
        FROM district_board b
        WHERE code = ANY($1)
        "#,
        codes,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}

/// Records how a board ended.
pub(crate) async fn update(tx: &mut PgConnection, board: &DistrictBoard) -> Result<(), StoreError> {
    let done = sqlx::query!(
        "UPDATE district_board SET successor = $2, succeeded_on = $3, version = $4
         WHERE code = $1 AND version = $4::bigint - 1",
        board.code.as_str(),
        board
            .succession
            .as_ref()
            .map(|succession| succession.successor.as_str()),
        board.succession.as_ref().map(|succession| succession.on),
        board.version.0,
    )
    .execute(tx)
    .await?;
    Ok(hit("district_board", &board.code.as_str(), &done)?)
}

/// District boards in Swedish order, after one; of a day, or all.
pub(crate) async fn list(
    conn: &mut PgConnection,
    existing_on: Option<Date>,
    after: &(String, String),
    limit: i64,
) -> Result<Vec<DistrictBoard>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        SELECT code, title_sv, title_en, established_on, succeeded_on, successor, version,
               ARRAY(SELECT p.code FROM district_board p
                     WHERE p.successor = b.code ORDER BY p.code) AS "predecessors!",
               ARRAY(SELECT p.succeeded_on FROM district_board p
                     WHERE p.successor = b.code ORDER BY p.code) AS "predecessors_ended_on!"
        FROM district_board b
        WHERE (title_sv, code) > ($1, $2)
          AND ($3::date IS NULL OR ((established_on IS NULL OR established_on <= $3)
                                    AND (succeeded_on IS NULL OR succeeded_on > $3)))
        ORDER BY title_sv, code
        LIMIT $4
        "#,
        after.0,
        after.1,
        existing_on,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| Ok(row.try_into()?)).collect()
}
