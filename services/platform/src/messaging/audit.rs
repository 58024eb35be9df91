//! The audit chain: seals over the log, so that a change of what was said is found.
//!
//! # Design notes
//! A chain computed in the writing transaction would make every commit wait for the one before it.
//! Here the log is sealed behind the relay's durable mark, where nothing can turn up any more: a
//! seal covers at most [`SEAL_EVENTS_MOST`] events and holds the SHA-256 of the seal before it and
//! of the digests of its events. Changing, removing or inserting an event breaks its seal and every
//! one after it; [`verify`] names the first. What it cannot show is that somebody with the rights
//! of the owner wrote the whole chain anew; for that the newest seal is logged, and logs are kept
//! elsewhere.
//!
//! Any replica seals, one at a time. A round takes no input but the tables.
//!
//! Each replica also looks again at what is sealed, a few seals a round from the first to the last
//! and then anew, so that a change is told by an alert and not only to whoever asks. In quiet times a
//! seal covers an event or two: a hundred thousand seals are gone through in half a day, by seven
//! small reads a second. A seal that does not hold is where it stays, since nothing after it can be
//! judged.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Shared;
use crate::database::begin;
use crate::error::Chain;

/// Events of one seal: a change is found to lie among so many, and the seals are a hundredth of
/// the log.
const SEAL_EVENTS_MOST: i64 = 100;
/// Pause between rounds: how long an event may be changed without a trace.
const PAUSE: Duration = Duration::from_secs(2);
/// Seals that are looked at again in a round: few, since it goes on for ever in every replica.
const SEALS_AT_ONCE: u32 = 5;
/// Number of the lock that lets one replica seal: the letters "hs-audit".
const LOCK: i64 = 0x6873_2d61_7564_6974;

/// SHA-256.
type Digest = [u8; 32];

/// What an event says, in the order in which it is digested.
struct Row {
    seq: i64,
    id: Uuid,
    aggregate: String,
    aggregate_id: String,
    version: i64,
    r#type: String,
    district: String,
    subject: String,
    actor: String,
    time: OffsetDateTime,
    request_id: Option<Uuid>,
    payload: Vec<u8>,
}

impl Row {
    /// The digest of each field's length and bytes: no two rows share what is digested.
    fn digest(&self) -> Digest {
        let microseconds = self.time.unix_timestamp_nanos() / 1_000;
        let request_id = self.request_id.map(|id| id.to_string());
        let mut digest = Sha256::new();
        for field in [
            self.seq.to_string().as_bytes(),
            self.id.to_string().as_bytes(),
            self.aggregate.as_bytes(),
            self.aggregate_id.as_bytes(),
            self.version.to_string().as_bytes(),
            self.r#type.as_bytes(),
            self.district.as_bytes(),
            self.subject.as_bytes(),
            self.actor.as_bytes(),
            microseconds.to_string().as_bytes(),
            request_id.unwrap_or_default().as_bytes(),
            &self.payload,
        ] {
            let length = u64::try_from(field.len()).unwrap_or(u64::MAX);
            digest.update(length.to_be_bytes());
            digest.update(field);
        }
        digest.finalize().into()
    }
}

/// The seal after `previous` over these events.
fn seal(previous: &Digest, rows: &[Row]) -> Digest {
    let mut digest = Sha256::new();
    digest.update(previous);
    for row in rows {
        digest.update(row.digest());
    }
    digest.finalize().into()
}

/// Seals what is settled, now and every two seconds, until `stop`.
pub(crate) async fn supervise(shared: Arc<Shared>, stop: CancellationToken) {
    let mut place = Place::default();
    loop {
        for _ in 0..SEALS_AT_ONCE {
            if !look_again(&shared, &mut place).await {
                break;
            }
        }
        match round(&shared.pool).await {
            Ok(None) => {}
            Ok(Some((last_seq, digest))) => tracing::info!(
                service = shared.settings.service,
                last_seq,
                seal = hexadecimal(&digest),
                "the log is sealed"
            ),
            Err(error) => tracing::warn!(
                error = %Chain(&error),
                "the log could not be sealed and will be soon"
            ),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Looks at the next seal, and says when it does not hold any more, or does again. Answers whether
/// there may be another to look at.
async fn look_again(shared: &Shared, place: &mut Place) -> bool {
    let looked = async {
        let mut connection = shared.pool.acquire().await?;
        let oldest = oldest(&mut connection).await?;
        look(&mut connection, place, oldest).await
    };
    let look = match looked.await {
        Ok(Some(look)) => look,
        Ok(None) => {
            *place = Place::default();
            return false;
        }
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the seals could not be looked at and will be soon"
            );
            return false;
        }
    };
    match look {
        Look::Dropped => true,
        Look::Holds(_) => {
            if shared.metrics.audited(true) {
                tracing::info!("the log says again what it said when it was sealed");
            }
            true
        }
        Look::Broken(first, last) => {
            if shared.metrics.audited(false) {
                tracing::error!(
                    service = shared.settings.service,
                    first,
                    last,
                    "the log was changed after it had been sealed, between these numbers"
                );
            }
            false
        }
    }
}

/// Seals up to the mark; answers the newest seal if there is a new one.
async fn round(pool: &PgPool) -> Result<Option<(i64, Digest)>, sqlx::Error> {
    let mut newest = None;
    while let Some(sealed) = one(pool).await? {
        newest = Some(sealed);
    }
    Ok(newest)
}

/// Adds one seal, unless there is nothing to seal or another replica is at it.
async fn one(pool: &PgPool) -> Result<Option<(i64, Digest)>, sqlx::Error> {
    let mut tx = begin(pool).await?;
    let alone = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "alone!""#, LOCK)
        .fetch_one(&mut *tx)
        .await?;
    if !alone {
        return Ok(None);
    }
    let before =
        sqlx::query!("SELECT last_seq, digest FROM audit_seal ORDER BY last_seq DESC LIMIT 1")
            .fetch_optional(&mut *tx)
            .await?;
    let (after, previous) = before.map_or((0, Digest::default()), |seal| {
        (seal.last_seq, seal.digest.try_into().unwrap_or_default())
    });
    let settled = sqlx::query_scalar!("SELECT low_water FROM relay_mark")
        .fetch_one(&mut *tx)
        .await?;
    let rows = rows(&mut tx, after, settled).await?;
    let Some(last) = rows.last() else {
        return Ok(None);
    };
    let digest = seal(&previous, &rows);
    sqlx::query!(
        "INSERT INTO audit_seal (last_seq, count, digest) VALUES ($1, $2, $3)",
        last.seq,
        i64::try_from(rows.len()).unwrap_or(i64::MAX),
        &digest,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Some((last.seq, digest)))
}

/// The events with `after < seq <= last`, at most those of one seal.
async fn rows(
    connection: &mut PgConnection,
    after: i64,
    last: i64,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT seq, id, aggregate, aggregate_id, version, type, district, subject, actor, time,
                request_id, payload
         FROM outbox WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3",
        after,
        last,
        SEAL_EVENTS_MOST,
    )
    .fetch_all(connection)
    .await
}

/// What a look at the whole chain says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Seals that hold.
    pub seals: u64,
    /// Events under them.
    pub events: u64,
    /// The numbers from and to which something was changed, removed or added: those of the first
    /// seal that does not hold.
    pub broken: Option<(i64, i64)>,
}

/// Computes the chain anew and compares. A log whose oldest part was dropped by the retention rule
/// is checked from the first seal whose events are all there.
///
/// # Errors
/// The database's.
pub async fn verify(pool: &PgPool) -> Result<Audit, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let oldest = oldest(&mut connection).await?;
    let mut audit = Audit::default();
    let mut place = Place::default();
    while let Some(look) = look(&mut connection, &mut place, oldest).await? {
        match look {
            Look::Holds(events) => {
                audit.seals += 1;
                audit.events += events;
            }
            Look::Dropped => {}
            Look::Broken(first, last) => {
                audit.broken = Some((first, last));
                break;
            }
        }
    }
    Ok(audit)
}

/// How far the chain was gone through.
#[derive(Debug, Default)]
struct Place {
    after: i64,
    previous: Digest,
}

/// What a look at one seal says.
enum Look {
    /// It holds, over so many events.
    Holds(u64),
    /// Its events were dropped by the retention rule.
    Dropped,
    /// It does not hold: something is different between these numbers.
    Broken(i64, i64),
}

/// The number of the oldest event that is kept.
async fn oldest(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT coalesce(min(seq), 0) AS "oldest!" FROM outbox"#)
        .fetch_one(connection)
        .await
}

/// Looks at the seal after `place` and goes on to it, unless it does not hold. Nothing at the end.
async fn look(
    connection: &mut PgConnection,
    place: &mut Place,
    oldest: i64,
) -> Result<Option<Look>, sqlx::Error> {
    let Some(next) = sqlx::query!(
        "SELECT last_seq, count, digest FROM audit_seal WHERE last_seq > $1
         ORDER BY last_seq LIMIT 1",
        place.after,
    )
    .fetch_optional(&mut *connection)
    .await?
    else {
        return Ok(None);
    };
    let found = rows(connection, place.after, next.last_seq).await?;
    let dropped = place.after + 1 < oldest;
    let whole = i64::try_from(found.len()) == Ok(next.count);
    let holds = whole && next.digest == seal(&place.previous, &found);
    if !holds && !dropped {
        return Ok(Some(Look::Broken(place.after + 1, next.last_seq)));
    }
    *place = Place {
        after: next.last_seq,
        previous: next.digest.try_into().unwrap_or_default(),
    };
    Ok(Some(if holds {
        Look::Holds(next.count.unsigned_abs())
    } else {
        Look::Dropped
    }))
}

fn hexadecimal(digest: &Digest) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::{Digest, Row, seal};

    fn row(seq: i64) -> Row {
        Row {
            seq,
            id: Uuid::from_u128(7),
            aggregate: "area".to_owned(),
            aggregate_id: "social".to_owned(),
            version: seq,
            r#type: "se.handslag.registry.area.created.v1".to_owned(),
            district: "all".to_owned(),
            subject: "areas/social".to_owned(),
            actor: "a".to_owned(),
            time: datetime!(2026-03-01 12:00 UTC),
            request_id: None,
            payload: vec![1, 2, 3],
        }
    }

    #[test]
    fn every_field_and_the_order_count() {
        let first = Digest::default();
        let right = seal(&first, &[row(1), row(2)]);
        assert_ne!(right, seal(&first, &[row(2), row(1)]));
        assert_ne!(right, seal(&first, &[row(1)]));
        assert_ne!(right, seal(&right, &[row(1), row(2)]));
        let changes: [fn(&mut Row); 6] = [
            |row| row.payload.push(0),
            |row| row.actor = "b".to_owned(),
            |row| row.request_id = Some(Uuid::nil()),
            |row| row.time += time::Duration::MICROSECOND,
            // What moves from one field into the next is a change as well.
            |row| (row.aggregate, row.aggregate_id) = ("areas".to_owned(), "ocial".to_owned()),
            |row| row.version += 1,
        ];
        for change in changes {
            let mut changed = row(2);
            change(&mut changed);
            assert_ne!(right, seal(&first, &[row(1), changed]));
        }
    }
}
