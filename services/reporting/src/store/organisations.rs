//! Organisations by name.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;

/// Stores an organisation.
///
/// # Errors
/// The database's.
pub(crate) async fn put(
    conn: &mut PgConnection,
    id: Uuid,
    display_name: &str,
    example: bool,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO organisation (id, display_name, example) VALUES ($1, $2, $3)",
        id,
        display_name,
        example
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives an organisation another name; false when there is no such organisation.
///
/// # Errors
/// The database's.
pub(crate) async fn rename(conn: &mut PgConnection, id: Uuid, display_name: &str) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE organisation SET display_name = $2 WHERE id = $1",
        id,
        display_name
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
