//! Where inboxes stood when the database was restored to an earlier instant.

use sqlx::PgConnection;

use crate::domain::{place::Standing, subscriber::SubscriberId};

/// In which incarnation the database is, and up to which position an inbox is as it was in the
/// incarnation `since`.
///
/// # Errors
/// When the database fails.
pub async fn standing(
    conn: &mut PgConnection,
    subscriber: SubscriberId,
    since: i64,
) -> Result<Standing, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"
        SELECT (SELECT max(number) FROM log_incarnation) AS "incarnation!",
               (SELECT min(last_position) FROM inbox_restored
                WHERE subscriber = $1 AND incarnation > $2) AS kept_up_to
        "#,
        subscriber.0,
        since,
    )
    .fetch_one(conn)
    .await
}
