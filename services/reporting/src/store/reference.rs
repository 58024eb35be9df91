//! Areas, parties and boards.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{Result, inconsistent};
use crate::domain::names::{AreaCode, BoardCode, PartyCode, Title};
use crate::domain::section::Board;

/// Stores an area.
///
/// # Errors
/// The database's.
pub(crate) async fn put_area(
    conn: &mut PgConnection,
    code: &AreaCode,
    title: &Title,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO area (code, title_sv, title_en) VALUES ($1, $2, $3)",
        code.as_str(),
        title.sv,
        title.en
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores a party.
///
/// # Errors
/// The database's.
pub(crate) async fn put_party(
    conn: &mut PgConnection,
    code: &PartyCode,
    title: &Title,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO party (code, title_sv, title_en) VALUES ($1, $2, $3)",
        code.as_str(),
        title.sv,
        title.en
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores a board.
///
/// # Errors
/// The database's.
pub(crate) async fn put_board(conn: &mut PgConnection, board: &Board) -> Result<()> {
    let areas: Vec<_> = board
        .areas
        .iter()
        .map(|area| area.as_str().to_owned())
        .collect();
    sqlx::query!(
        "INSERT INTO board (code, title_sv, title_en, areas) VALUES ($1, $2, $3, $4)",
        board.code.as_str(),
        board.title.sv,
        board.title.en,
        &areas
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether there is such an area.
///
/// # Errors
/// The database's.
pub(crate) async fn has_area(conn: &mut PgConnection, code: &AreaCode) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM area WHERE code = $1) AS "found!""#,
        code.as_str()
    );
    Ok(found.fetch_one(conn).await?)
}

/// Reads a board.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn board(conn: &mut PgConnection, code: &BoardCode) -> Result<Option<Board>> {
    let row = sqlx::query!(
        "SELECT title_sv, title_en, areas FROM board WHERE code = $1",
        code.as_str()
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Board {
            code: code.clone(),
            title: Title {
                sv: row.title_sv,
                en: row.title_en,
            },
            areas: areas("board", &code.as_str(), &row.areas)?,
        })
    })
    .transpose()
}

/// The names of `areas`, in their order. An area whose name has not been heard of yet goes by its code.
///
/// # Errors
/// The database's.
pub(crate) async fn area_titles(
    conn: &mut PgConnection,
    areas: &[AreaCode],
) -> Result<Vec<(AreaCode, Title)>> {
    let codes: Vec<_> = areas.iter().map(|area| area.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        "SELECT code, title_sv, title_en FROM area WHERE code = ANY($1)",
        &codes
    )
    .fetch_all(conn)
    .await?;
    let mut titles: BTreeMap<_, _> = rows
        .into_iter()
        .map(|row| {
            (
                row.code,
                Title {
                    sv: row.title_sv,
                    en: row.title_en,
                },
            )
        })
        .collect();
    let named = areas.iter().map(|area| {
        let title = titles.remove(area.as_str());
        (area.clone(), title.unwrap_or_else(|| bare(area.as_str())))
    });
    Ok(named.collect())
}

/// What goes by its code until its name is heard of.
pub(super) fn bare(code: &str) -> Title {
    Title {
        sv: code.to_owned(),
        en: String::new(),
    }
}

/// Codes of areas as a row holds them.
pub(super) fn areas(
    table: &'static str,
    row: &impl ToString,
    codes: &[String],
) -> Result<Vec<AreaCode>> {
    let read = codes
        .iter()
        .map(|code| AreaCode::from_code(code))
        .collect::<Option<_>>();
    read.ok_or_else(|| inconsistent(table, "areas", row))
}
