//! The parties of the registry.

use handslag_platform::text::ShortText;
use sqlx::PgConnection;

use crate::domain::names::PartyCode;
use crate::domain::title::Title;

/// Writes what the registry says of a party; a replay writes the same again.
///
/// # Errors
/// The database's.
pub async fn put(
    tx: &mut PgConnection,
    code: &PartyCode,
    title: &Title,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO party (code, title_sv, title_en) VALUES ($1, $2, $3)
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

/// The Swedish name of a party, `None` when it is unknown here.
///
/// # Errors
/// The database's.
pub async fn title(
    conn: &mut PgConnection,
    code: &PartyCode,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT title_sv FROM party WHERE code = $1", code.code())
        .fetch_optional(conn)
        .await
}
