//! Which of the things that a request names do not exist.

use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;

/// Areas that do not exist.
pub(crate) async fn unknown_areas(
    conn: &mut PgConnection,
    codes: &[String],
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT asked.code AS "code!" FROM unnest($1::text[]) AS asked (code)
           WHERE NOT EXISTS (SELECT FROM area WHERE area.code = asked.code)"#,
        codes,
    )
    .fetch_all(conn)
    .await?)
}

/// Parties that do not exist.
pub(crate) async fn unknown_parties(
    conn: &mut PgConnection,
    codes: &[String],
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT asked.code AS "code!" FROM unnest($1::text[]) AS asked (code)
           WHERE NOT EXISTS (SELECT FROM party WHERE party.code = asked.code)"#,
        codes,
    )
    .fetch_all(conn)
    .await?)
}

/// Agreements that do not exist.
pub(crate) async fn unknown_agreements(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT asked.id AS "id!" FROM unnest($1::uuid[]) AS asked (id)
           WHERE NOT EXISTS (SELECT FROM agreement WHERE agreement.id = asked.id)"#,
        ids,
    )
    .fetch_all(conn)
    .await?)
}

/// Organisations that do not exist.
pub(crate) async fn unknown_organisations(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT asked.id AS "id!" FROM unnest($1::uuid[]) AS asked (id)
           WHERE NOT EXISTS (SELECT FROM organisation WHERE organisation.id = asked.id)"#,
        ids,
    )
    .fetch_all(conn)
    .await?)
}
