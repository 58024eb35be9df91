//! Subscriptions.

use handslag_platform::etag::Version;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{inconsistent, stored_code};
use crate::domain::{
    filter::{Filter, TypePrefix},
    names::{AgreementId, AreaCode, DistrictCode},
    notification::Severity,
    subscriber::SubscriberId,
    subscription::{State, Subscription, SubscriptionId},
};

const TABLE: &str = "subscription";

/// Stores a new subscription.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut PgConnection, subscription: &Subscription) -> Result<(), sqlx::Error> {
    let filter = &subscription.filter;
    let event_types: Vec<String> = filter
        .event_types
        .iter()
        .map(|prefix| prefix.as_str().to_owned())
        .collect();
    let areas: Vec<String> = filter
        .areas
        .iter()
        .map(|code| code.0.as_str().to_owned())
        .collect();
    let agreements: Vec<Uuid> = filter.agreements.iter().map(|id| id.0).collect();
    let districts: Vec<String> = filter
        .district_boards
        .iter()
        .map(|code| code.0.as_str().to_owned())
        .collect();
    sqlx::query!(
        r#"
        INSERT INTO subscription (id, subscriber, event_types, areas, agreements, district_boards,
                                  minimum_severity, active, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        "#,
        subscription.id.0,
        subscription.subscriber.0,
        &event_types,
        &areas,
        &agreements,
        &districts,
        filter.minimum_severity.map_or(0, Severity::number),
        subscription.state == State::Active,
        subscription.version.0,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads one subscription of a subscriber and holds its row until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock(
    tx: &mut PgConnection,
    subscriber: SubscriberId,
    id: SubscriptionId,
) -> Result<Option<Subscription>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT id, subscriber, event_types, areas, agreements, district_boards,
               minimum_severity, active, version
        FROM subscription WHERE id = $1 AND subscriber = $2 FOR UPDATE
        "#,
        id.0,
        subscriber.0,
    )
    .fetch_optional(tx)
    .await?
    .map(Subscription::try_from)
    .transpose()
}

/// Stores what can change of a locked subscription: whether it is in force.
///
/// # Errors
/// When the database fails, or the row that was locked is gone.
pub async fn update(tx: &mut PgConnection, subscription: &Subscription) -> Result<(), sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE subscription SET active = $2, version = $3 WHERE id = $1",
        subscription.id.0,
        subscription.state == State::Active,
        subscription.version.0,
    )
    .execute(tx)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// How many subscriptions of a subscriber are in force.
///
/// # Errors
/// When the database fails.
pub async fn count_active(
    conn: &mut PgConnection,
    subscriber: SubscriberId,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM subscription WHERE subscriber = $1 AND active"#,
        subscriber.0,
    )
    .fetch_one(conn)
    .await
}

/// A page of a subscriber's subscriptions, oldest first, from the row after `after` on.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut PgConnection,
    subscriber: SubscriberId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Subscription>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        -- The ids are UUIDv7: their order is that of their making.
        SELECT id, subscriber, event_types, areas, agreements, district_boards,
               minimum_severity, active, version
        FROM subscription
        WHERE subscriber = $1 AND ($2::uuid IS NULL OR id > $2)
        ORDER BY id
        LIMIT $3
        "#,
        subscriber.0,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Subscription::try_from)
    .collect()
}

/// A subscription in force with the district board of its reader.
#[derive(Debug)]
pub struct InForce {
    /// The subscription.
    pub subscription: Subscription,
    /// The district board that its subscriber is, if any.
    pub reader: Option<DistrictCode>,
}

/// Every subscription in force.
///
/// # Errors
/// When the database fails.
pub async fn in_force(conn: &mut PgConnection) -> Result<Vec<InForce>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT s.id, s.subscriber, s.event_types, s.areas, s.agreements, s.district_boards,
               s.minimum_severity, s.active, s.version, r.district_board AS reader
        FROM subscription s JOIN subscriber r ON r.id = s.subscriber
        WHERE s.active
        "#,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let reader = row
                .reader
                .map(|code| stored_code(&code, "subscriber", "district_board", row.subscriber))
                .transpose()?;
            let subscription = Subscription::try_from(Row {
                id: row.id,
                subscriber: row.subscriber,
                event_types: row.event_types,
                areas: row.areas,
                agreements: row.agreements,
                district_boards: row.district_boards,
                minimum_severity: row.minimum_severity,
                active: row.active,
                version: row.version,
            })?;
            Ok(InForce {
                subscription,
                reader: reader.map(DistrictCode),
            })
        })
        .collect()
}

struct Row {
    id: Uuid,
    subscriber: Uuid,
    event_types: Vec<String>,
    areas: Vec<String>,
    agreements: Vec<Uuid>,
    district_boards: Vec<String>,
    minimum_severity: i16,
    active: bool,
    version: i64,
}

impl TryFrom<Row> for Subscription {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let id = row.id;
        let areas: Result<Vec<_>, _> = row
            .areas
            .iter()
            .map(|code| stored_code(code, TABLE, "areas", id).map(AreaCode))
            .collect();
        let district_boards: Result<Vec<_>, _> = row
            .district_boards
            .iter()
            .map(|code| stored_code(code, TABLE, "district_boards", id).map(DistrictCode))
            .collect();
        let minimum_severity = match i32::from(row.minimum_severity) {
            0 => None,
            number => Some(
                Severity::from_number(number)
                    .ok_or_else(|| inconsistent(TABLE, "minimum_severity", id))?,
            ),
        };
        Ok(Self {
            id: SubscriptionId(id),
            subscriber: SubscriberId(row.subscriber),
            filter: Filter {
                event_types: row
                    .event_types
                    .into_iter()
                    .map(TypePrefix::stored)
                    .collect(),
                areas: areas?,
                agreements: row.agreements.into_iter().map(AgreementId).collect(),
                district_boards: district_boards?,
                minimum_severity,
            },
            state: if row.active {
                State::Active
            } else {
                State::Ended
            },
            version: Version(row.version),
        })
    }
}
