//! The areas of the registry.

use handslag_platform::text::ShortText;
use sqlx::PgConnection;

use crate::domain::names::AreaCode;
use crate::domain::title::Title;

/// Writes what the registry says of an area; a replay writes the same again.
///
/// # Errors
/// The database's.
pub async fn put(tx: &mut PgConnection, code: &AreaCode, title: &Title) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO area (code, title_sv, title_en) VALUES ($1, $2, $3)
         ON CONFLICT (code) DO UPDATE
             SET title_sv = excluded.title_sv, title_en = excluded.title_en",
        code.code(),
        title.sv.as_str(),
        title.en.as_ref().map(ShortText::as_str),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The Swedish name of an area, `None` when it is unknown here.
///
/// # Errors
/// The database's.
pub async fn title(
    conn: &mut PgConnection,
    code: &AreaCode,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT title_sv FROM area WHERE code = $1", code.code())
        .fetch_optional(conn)
        .await
}
