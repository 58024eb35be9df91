//! Subscribers, and how far their inboxes have come.

use handslag_platform::{etag::Version, text::ShortText};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{inconsistent, stored_code};
use crate::domain::{
    names::DistrictCode,
    subscriber::{Subscriber, SubscriberId},
};

/// Stores a new subscriber. False when its district board has one already.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut PgConnection,
    subscriber: &Subscriber,
    now: OffsetDateTime,
) -> Result<bool, sqlx::Error> {
    // ON CONFLICT instead of an error to be caught: a caught error would leave the transaction
    // unusable for the rest.
    let done = sqlx::query!(
        r#"
        INSERT INTO subscriber (id, display_name, district_board, version, registered_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT ON CONSTRAINT subscriber_district_board_key DO NOTHING
        "#,
        subscriber.id.0,
        subscriber.display_name.as_str(),
        subscriber
            .district_board
            .as_ref()
            .map(|code| code.0.as_str()),
        subscriber.version.0,
        now,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Reads one subscriber.
///
/// # Errors
/// When the database fails.
pub async fn get(
    conn: &mut PgConnection,
    id: SubscriberId,
) -> Result<Option<Subscriber>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, display_name, district_board, version, last_position, acknowledged_up_to
        FROM subscriber WHERE id = $1
        "#,
        id.0,
    )
    .fetch_optional(conn)
    .await?
    .map(Subscriber::try_from)
    .transpose()
}

/// Reads one subscriber and holds its row until the transaction ends, so that its events get their
/// numbers in the order of its versions.
///
/// # Errors
/// When the database fails.
pub async fn lock(
    tx: &mut PgConnection,
    id: SubscriberId,
) -> Result<Option<Subscriber>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, display_name, district_board, version, last_position, acknowledged_up_to
        FROM subscriber WHERE id = $1 FOR UPDATE
        "#,
        id.0,
    )
    .fetch_optional(tx)
    .await?
    .map(Subscriber::try_from)
    .transpose()
}

/// Stores what commands change of a locked subscriber. The last position is the fan-out's and
/// stays.
///
/// # Errors
/// When the database fails, or the row that was locked is gone.
pub async fn update(tx: &mut PgConnection, subscriber: &Subscriber) -> Result<(), sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE subscriber SET version = $2, acknowledged_up_to = $3 WHERE id = $1",
        subscriber.id.0,
        subscriber.version.0,
        subscriber.acknowledged_up_to,
    )
    .execute(tx)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// A page of subscribers in Swedish order of their names, from the row after `after` on.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut PgConnection,
    district_board: Option<&str>,
    only_district: Option<&str>,
    after: Option<(&str, Uuid)>,
    limit: i64,
) -> Result<Vec<Subscriber>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, display_name, district_board, version, last_position, acknowledged_up_to
        FROM subscriber
        WHERE ($1::text IS NULL OR district_board = $1)
          AND ($2::text IS NULL OR district_board = $2)
          AND ($3::text IS NULL OR (display_name, id) > ($3, $4::uuid))
        ORDER BY display_name, id
        LIMIT $5
        "#,
        district_board,
        only_district,
        after.map(|(name, _)| name),
        after.map(|(_, id)| id),
        limit,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Subscriber::try_from)
    .collect()
}

struct Row {
    id: Uuid,
    display_name: String,
    district_board: Option<String>,
    version: i64,
    last_position: i64,
    acknowledged_up_to: i64,
}

impl TryFrom<Row> for Subscriber {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let display_name = ShortText::parse(&row.display_name)
            .map_err(|_| inconsistent("subscriber", "display_name", row.id))?;
        let district_board = row
            .district_board
            .map(|code| stored_code(&code, "subscriber", "district_board", row.id))
            .transpose()?;
        Ok(Self {
            id: SubscriberId(row.id),
            display_name,
            district_board: district_board.map(DistrictCode),
            version: Version(row.version),
            last_position: row.last_position,
            acknowledged_up_to: row.acknowledged_up_to,
        })
    }
}
