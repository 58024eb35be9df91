//! The insert-only log of what this service says.
//!
//! # Design notes
//! An event is a row in the same transaction as the change it tells of. The aggregate's row must be
//! locked or written before [`append`] is called, so that version v + 1 always draws a higher `seq`
//! than v. The service's role has INSERT and SELECT on the table and nothing else; a trigger
//! refuses the rest to everybody.

use handslag_proto::EventMessage;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::trace;
use crate::etag::Version;
use crate::failpoint;
use crate::id;

/// District of events that concern the whole city.
const EVERYWHERE: &str = "all";

/// An event about to be said.
#[derive(Clone, Debug)]
pub struct Event<E> {
    /// Id or code of the aggregate, unique within its type.
    pub aggregate_id: String,
    /// The aggregate's new version: 1, 2, 3 …
    pub version: Version,
    /// Resource name.
    pub subject: String,
    /// Who did it: the principal's subject.
    pub actor: String,
    /// When it was decided.
    pub time: OffsetDateTime,
    /// What happened.
    pub body: E,
}

/// Writes the event into the log; it is published when the transaction commits, and only then.
///
/// # Errors
/// The database's.
pub async fn append<E: EventMessage>(
    tx: &mut PgConnection,
    event: Event<E>,
) -> Result<(), sqlx::Error> {
    let district = event
        .body
        .scope()
        .and_then(|scope| scope.district_board.strip_prefix("districtBoards/"))
        .filter(|code| !code.is_empty())
        .unwrap_or(EVERYWHERE);
    sqlx::query!(
        "INSERT INTO outbox (aggregate, aggregate_id, version, id, type, district, subject, actor,
                             time, traceparent, payload)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        E::AGGREGATE,
        event.aggregate_id,
        event.version.0,
        id::new(),
        E::TYPE,
        district,
        event.subject,
        event.actor,
        event.time,
        trace::current(),
        event.body.encode_to_vec(),
    )
    .execute(&mut *tx)
    .await?;
    #[cfg(feature = "failpoints")]
    super::defects::say_before_commit(tx).await?;
    failpoint::at("command-appended");
    Ok(())
}
