//! How many events the read models have heard of, and up to when.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Result;
use crate::domain::figures::Freshness;

/// Counts an event of a producer.
///
/// # Errors
/// The database's.
pub(crate) async fn count(
    conn: &mut PgConnection,
    producer: &str,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO freshness (producer, events, as_of) VALUES ($1, 1, $2)
         ON CONFLICT (producer) DO UPDATE
         SET events = freshness.events + 1, as_of = greatest(freshness.as_of, excluded.as_of)",
        producer,
        at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// As of when the read models are.
///
/// # Errors
/// The database's.
pub(crate) async fn read(conn: &mut PgConnection) -> Result<Freshness> {
    let row = sqlx::query!(
        r#"SELECT max(as_of) AS as_of, coalesce(sum(events), 0)::bigint AS "events!" FROM freshness"#
    )
    .fetch_one(conn)
    .await?;
    Ok(Freshness {
        as_of: row.as_of,
        events: row.events,
    })
}
