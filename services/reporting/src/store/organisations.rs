//! Organisations by name.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;

/// An organisation that is heard of for the first time.
#[derive(Debug)]
pub(crate) struct Organisation<'a> {
    pub(crate) id: Uuid,
    pub(crate) display_name: &'a str,
    pub(crate) example: bool,
}

/// Stores organisations.
///
/// # Errors
/// The database's.
pub(crate) async fn put(conn: &mut PgConnection, new: &[Organisation<'_>]) -> Result<()> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.id).collect();
    let names: Vec<String> = new.iter().map(|one| one.display_name.to_owned()).collect();
    let examples: Vec<bool> = new.iter().map(|one| one.example).collect();
    sqlx::query!(
        "INSERT INTO organisation (id, display_name, example)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::boolean[])",
        &ids,
        &names,
        &examples
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
