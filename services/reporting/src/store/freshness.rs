//! How many events the read models have heard of, and up to when.

use sqlx::PgConnection;
use time::OffsetDateTime;

use super::Result;
use crate::domain::figures::Freshness;

/// Counts events of a producer, the newest of them from `at`.
///
/// # Errors
/// The database's.
pub(crate) async fn count(
    conn: &mut PgConnection,
    producer: &str,
    events: usize,
    at: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO freshness (producer, events, as_of) VALUES ($1, $2, $3)
         ON CONFLICT (producer) DO UPDATE
         SET events = freshness.events + excluded.events,
             as_of = greatest(freshness.as_of, excluded.as_of)",
        producer,
        i64::try_from(events).unwrap_or(i64::MAX),
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
