//! The district boards as the registry's events tell of them.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::Date;

use crate::domain::{names::DistrictCode, title::Title};

/// A succession of a board that was never created: its events have no beginning.
#[derive(Debug, thiserror::Error)]
#[error("the district board {} was never created", .0.0)]
pub struct Unknown(pub DistrictCode);

/// Enters a district board, or its name anew when the registry's log is read again.
///
/// # Errors
/// When the database fails.
pub async fn enter(
    tx: &mut PgConnection,
    code: &DistrictCode,
    title: &Title,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        INSERT INTO district_board (code, title_sv, title_en) VALUES ($1, $2, $3)
        ON CONFLICT (code) DO UPDATE SET title_sv = $2, title_en = $3
        "#,
        code.0.as_str(),
        title.swedish,
        title.english,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes which board took over; the row stays, since its history does. False when the board is
/// unknown.
///
/// # Errors
/// When the database fails.
pub async fn succeed(
    tx: &mut PgConnection,
    code: &DistrictCode,
    successor: &DistrictCode,
    on: Date,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE district_board SET successor = $2, succeeded_on = $3 WHERE code = $1",
        code.0.as_str(),
        successor.0.as_str(),
        on,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The boards' own names.
pub type Titles = HashMap<DistrictCode, Title>;

/// The own names of those of `codes` that the registry knows.
///
/// # Errors
/// When the database fails.
pub async fn titles(
    conn: &mut PgConnection,
    codes: &[&DistrictCode],
) -> Result<Titles, sqlx::Error> {
    if codes.is_empty() {
        return Ok(Titles::new());
    }
    let names: Vec<String> = codes
        .iter()
        .map(|code| code.0.as_str().to_owned())
        .collect();
    let rows = sqlx::query!(
        "SELECT code, title_sv, title_en FROM district_board WHERE code = ANY ($1)",
        &names
    )
    .fetch_all(conn)
    .await?;
    let mut stored: HashMap<String, Title> = rows
        .into_iter()
        .map(|row| {
            let title = Title {
                swedish: row.title_sv,
                english: row.title_en,
            };
            (row.code, title)
        })
        .collect();
    Ok(codes
        .iter()
        .filter_map(|code| Some(((*code).clone(), stored.remove(code.0.as_str())?)))
        .collect())
}

/// Those of `codes` that the registry knows.
///
/// # Errors
/// When the database fails.
pub async fn known(
    conn: &mut PgConnection,
    codes: &[DistrictCode],
) -> Result<Vec<String>, sqlx::Error> {
    let codes: Vec<String> = codes
        .iter()
        .map(|code| code.0.as_str().to_owned())
        .collect();
    sqlx::query_scalar!(
        "SELECT code FROM district_board WHERE code = ANY ($1)",
        &codes
    )
    .fetch_all(conn)
    .await
}
