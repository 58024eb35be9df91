//! What happened, each event once.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{inconsistent, stored_code};
use crate::domain::{
    names::{AgreementId, AreaCode, DistrictCode},
    notification::{Occurrence, Scope, Severity},
    title::Title,
};

/// Stores an event. False when it is there already: then everybody who was to be told has been
/// told.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut PgConnection, event: &Occurrence) -> Result<bool, sqlx::Error> {
    let areas: Vec<String> = event
        .scope
        .areas
        .iter()
        .map(|code| code.0.as_str().to_owned())
        .collect();
    let done = sqlx::query!(
        r#"
        INSERT INTO event (id, type, subject, subject_version, occurred_at, agreement, areas,
                           district_board, severity, title_sv, title_en, link)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT ON CONSTRAINT event_id_key DO NOTHING
        "#,
        event.id,
        event.event_type,
        event.subject,
        event.subject_version,
        event.occurred_at,
        event.scope.agreement.map(|id| id.0),
        &areas,
        event
            .scope
            .district_board
            .as_ref()
            .map(|code| code.0.as_str()),
        event.severity.number(),
        event.title.swedish,
        event.title.english,
        event.link,
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The latest events, newest first.
///
/// # Errors
/// When the database fails.
pub async fn latest(conn: &mut PgConnection, limit: i64) -> Result<Vec<Occurrence>, sqlx::Error> {
    sqlx::query_as!(
        EventRow,
        r#"
        SELECT id, type AS event_type, subject, subject_version, occurred_at, agreement, areas,
               district_board, severity, title_sv, title_en, link
        FROM event ORDER BY seq DESC LIMIT $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Occurrence::try_from)
    .collect()
}

/// The columns of an event as a notification shows them.
pub(super) struct EventRow {
    pub(super) id: Uuid,
    pub(super) event_type: String,
    pub(super) subject: String,
    pub(super) subject_version: i64,
    pub(super) occurred_at: OffsetDateTime,
    pub(super) agreement: Option<Uuid>,
    pub(super) areas: Vec<String>,
    pub(super) district_board: Option<String>,
    pub(super) severity: i16,
    pub(super) title_sv: String,
    pub(super) title_en: String,
    pub(super) link: String,
}

impl TryFrom<EventRow> for Occurrence {
    type Error = sqlx::Error;

    fn try_from(row: EventRow) -> Result<Self, sqlx::Error> {
        let id = row.id;
        let areas: Result<Vec<_>, _> = row
            .areas
            .iter()
            .map(|code| stored_code(code, "event", "areas", id).map(AreaCode))
            .collect();
        let district_board = row
            .district_board
            .map(|code| stored_code(&code, "event", "district_board", id))
            .transpose()?;
        Ok(Self {
            id,
            event_type: row.event_type,
            subject: row.subject,
            subject_version: row.subject_version,
            occurred_at: row.occurred_at,
            scope: Scope {
                agreement: row.agreement.map(AgreementId),
                areas: areas?,
                district_board: district_board.map(DistrictCode),
            },
            severity: Severity::from_number(row.severity.into())
                .ok_or_else(|| inconsistent("event", "severity", id))?,
            title: Title {
                swedish: row.title_sv,
                english: row.title_en,
            },
            link: row.link,
        })
    }
}
