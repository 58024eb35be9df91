//! The inboxes.

use sqlx::PgConnection;
use uuid::Uuid;

use super::events::EventRow;
use crate::domain::{
    notification::{Letter, Notification, Occurrence},
    subscriber::{Subscriber, SubscriberId},
};

/// Waits until no other transaction fills inboxes, and keeps others waiting until this one ends.
///
/// # Errors
/// When the database fails.
pub async fn one_at_a_time(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('handslag.fan_out', 0)) AS "locked: ()""#
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

/// Letters of one statement: the most that a batch of events makes for some fifty subscribers, and
/// less than a megabyte of parameters.
const LETTERS_AT_ONCE: usize = 10_000;

/// Puts letters into the inboxes, each at its subscriber's next position in the order given.
///
/// # Errors
/// When the database fails.
pub async fn tell(tx: &mut PgConnection, letters: &[Letter]) -> Result<(), sqlx::Error> {
    for letters in letters.chunks(LETTERS_AT_ONCE) {
        let (subscribers, events): (Vec<Uuid>, Vec<Uuid>) = letters
            .iter()
            .map(|letter| (letter.subscriber.0, letter.event))
            .unzip();
        sqlx::query!(
            r#"
            -- The row lock of each subscriber lasts until the commit: positions become visible in
            -- their order and without a hole.
            WITH letter AS (
                SELECT subscriber, event,
                       row_number() OVER (PARTITION BY subscriber ORDER BY place) AS nth
                FROM unnest($1::uuid[], $2::uuid[])
                     WITH ORDINALITY AS letter (subscriber, event, place)
            ), told AS (
                UPDATE subscriber SET last_position = last_position + news.letters
                FROM (SELECT subscriber, count(*) AS letters FROM letter GROUP BY subscriber) AS news
                WHERE id = news.subscriber
                RETURNING id, last_position - news.letters AS before
            )
            INSERT INTO notification (subscriber, position, event)
            SELECT told.id, told.before + letter.nth, letter.event
            FROM told JOIN letter ON letter.subscriber = told.id
            "#,
            &subscribers,
            &events,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// The oldest notifications of a subscriber after a position.
///
/// # Errors
/// When the database fails.
pub async fn after(
    conn: &mut PgConnection,
    subscriber: SubscriberId,
    position: i64,
    limit: i64,
) -> Result<Vec<Notification>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT n.position, n.position <= s.acknowledged_up_to AS "acknowledged!",
               e.id, e.type AS event_type, e.subject, e.subject_version, e.occurred_at, e.agreement,
               e.areas, e.district_board, e.severity, e.title_sv, e.title_en, e.link
        -- Hides from the planner what is asked, and leaves it no choice: it would plan each read
        -- anew otherwise, which costs more than the read of a few.
        FROM (SELECT $1::uuid AS subscriber, $2::bigint AS position, $3::bigint AS most
              OFFSET 0) AS q
        JOIN subscriber s ON s.id = q.subscriber
        CROSS JOIN LATERAL (
            SELECT position, event FROM notification
            WHERE subscriber = q.subscriber AND position > q.position
            ORDER BY position LIMIT q.most
        ) AS n
        CROSS JOIN LATERAL (SELECT * FROM event WHERE id = n.event OFFSET 0) AS e
        ORDER BY n.position
        "#,
        subscriber.0,
        position,
        limit,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| row.of(subscriber))
    .collect()
}

/// A page of a subscriber's inbox, newest first, from before the position `before` on and down to
/// those after `least`.
///
/// # Errors
/// When the database fails.
pub async fn list(
    conn: &mut PgConnection,
    subscriber: &Subscriber,
    least: i64,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Notification>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT n.position, n.position <= $2 AS "acknowledged!",
               e.id, e.type AS event_type, e.subject, e.subject_version, e.occurred_at, e.agreement,
               e.areas, e.district_board, e.severity, e.title_sv, e.title_en, e.link
        FROM notification n
        JOIN event e ON e.id = n.event
        WHERE n.subscriber = $1 AND n.position > $3
          AND ($4::bigint IS NULL OR n.position < $4)
        ORDER BY n.position DESC
        LIMIT $5
        "#,
        subscriber.id.0,
        subscriber.acknowledged_up_to,
        least,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| row.of(subscriber.id))
    .collect()
}

struct Row {
    position: i64,
    acknowledged: bool,
    id: Uuid,
    event_type: String,
    subject: String,
    subject_version: i64,
    occurred_at: time::OffsetDateTime,
    agreement: Option<Uuid>,
    areas: Vec<String>,
    district_board: Option<String>,
    severity: i16,
    title_sv: String,
    title_en: String,
    link: String,
}

impl Row {
    fn of(self, subscriber: SubscriberId) -> Result<Notification, sqlx::Error> {
        let occurrence = Occurrence::try_from(EventRow {
            id: self.id,
            event_type: self.event_type,
            subject: self.subject,
            subject_version: self.subject_version,
            occurred_at: self.occurred_at,
            agreement: self.agreement,
            areas: self.areas,
            district_board: self.district_board,
            severity: self.severity,
            title_sv: self.title_sv,
            title_en: self.title_en,
            link: self.link,
        })?;
        Ok(Notification {
            subscriber,
            position: self.position,
            occurrence,
            acknowledged: self.acknowledged,
        })
    }
}
