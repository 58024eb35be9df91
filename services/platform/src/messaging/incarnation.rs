//! Which life of its log a database is in, and whose messages count.
//!
//! # Design notes
//! A database that is restored to an earlier instant has forgotten the end of its log, and the broker
//! may not have: queues hold events that never happened any more, whose numbers and versions the log
//! gives out again to others. A mark per aggregate cannot tell the two apart, and a digest would agree
//! with a consumer that has applied the wrong one. So a restored database begins a new *incarnation*,
//! by an operator's word (`migrate --incarnation`), in every service alike. Every message carries the
//! number of its sender's, and a consumer takes none that is not of its own: it is put aside, and what
//! of it did happen comes again by the digest and the replay. That holds for what waited in queues, for
//! what the broker itself had buried, and for what a process of before still publishes.
//!
//! Refused: PostgreSQL's timeline as the number, since a promoted standby has a new one as well and has
//! lost nothing; it would throw away good messages at each failover, and worse, services in databases
//! of their own would never have the same. Emptying the queues by hand instead: whatever is published
//! or given back a moment later is in them again. Jumping the log's numbers: that tells numbers apart
//! and not versions, by which consumers go.
//!
//! A message without the header is of the first incarnation. So nothing changes on the wire until a
//! database is restored for the first time, and programs from before the header agree until then.

use anyhow::{Context as _, ensure};
use lapin::BasicProperties;
use lapin::types::AMQPValue;
use sqlx::{PgExecutor, PgPool};

use super::envelope::Headers;
use super::relay::LOCK;
use crate::database::begin;

/// That of a database that was never restored.
pub const FIRST: i64 = 1;

/// What a service is in that does not say so yet.
pub(crate) fn first() -> i64 {
    FIRST
}

/// Carries the number, from the second on.
const HEADER: &str = "handslag_incarnation";

/// Of which incarnation a message is. What is no number is of none that will ever be.
pub(crate) fn of(headers: &Headers) -> i64 {
    headers
        .get(HEADER)
        .map_or(FIRST, |number| number.parse().unwrap_or(0))
}

/// Says of which incarnation a message is.
pub(crate) fn mark(properties: BasicProperties, incarnation: i64) -> BasicProperties {
    if incarnation == FIRST {
        return properties;
    }
    let mut headers = properties.headers().clone().unwrap_or_default();
    let number = AMQPValue::LongString(incarnation.to_string().into());
    headers.insert(HEADER.into(), number);
    properties.with_headers(headers)
}

/// The database's incarnation.
///
/// # Errors
/// The database's.
pub async fn current(executor: impl PgExecutor<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT max(number) AS "number!" FROM log_incarnation"#)
        .fetch_one(executor)
        .await
}

/// Begins the incarnation `number` if the database is in an earlier one; answers whether it was.
///
/// # Errors
/// When a relay still runs on the database: it, and consumers beside it, would go on as before.
pub async fn begin_at_least(pool: &PgPool, number: i64) -> anyhow::Result<bool> {
    #[cfg(feature = "failpoints")]
    if crate::failpoint::defect("same-incarnation") {
        return Ok(false);
    }
    let mut tx = begin(pool).await?;
    // Two at once would both find the earlier one.
    sqlx::query("LOCK TABLE log_incarnation IN SHARE ROW EXCLUSIVE MODE")
        .execute(&mut *tx)
        .await?;
    let before = current(&mut *tx).await?;
    if before >= number {
        return Ok(false);
    }
    let nobody_leads: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut *tx)
        .await?;
    ensure!(
        nobody_leads,
        "a process of this service still publishes from this database: stop every process of it \
         before a new incarnation begins"
    );
    let begun = sqlx::query(
        "INSERT INTO log_incarnation (number, last_seq)
         SELECT $1, coalesce(max(seq), 0) FROM outbox",
    );
    begun
        .bind(number)
        .execute(&mut *tx)
        .await
        .context("the incarnation could not begin")?;
    tx.commit().await?;
    tracing::warn!(before, now = number, "the log begins a new incarnation");
    Ok(true)
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;

    use super::{FIRST, Headers, mark, of};
    use crate::messaging::envelope::{control_properties, received_headers};

    #[test]
    fn a_message_says_its_incarnation_from_the_second_on() {
        let first = mark(control_properties("digest"), FIRST);
        assert_eq!(first, control_properties("digest"));
        assert_eq!(of(&received_headers(&first)), FIRST);
        let second = received_headers(&mark(control_properties("digest"), 2));
        assert_eq!(of(&second), 2);
        // What it is stays.
        assert_eq!(second.len(), 2);
        assert_eq!(
            of(&received_headers(&mark(BasicProperties::default(), 7))),
            7
        );
    }

    #[test]
    fn what_is_no_number_is_of_no_incarnation() {
        let headers = Headers::from([("handslag_incarnation".to_owned(), "two".to_owned())]);
        assert!(of(&headers) < FIRST);
    }
}
