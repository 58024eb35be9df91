//! What happened, each event once.

use std::collections::HashSet;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{inconsistent, stored_code};
use crate::domain::{
    names::{AgreementId, AreaCode, DistrictCode},
    notification::{Occurrence, Scope, Severity},
    title::Title,
};

/// Stores events, in order, and gives those back that were not there: of the others, everybody who
/// was to be told has been told.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    tx: &mut PgConnection,
    mut events: Vec<Occurrence>,
) -> Result<Vec<Occurrence>, sqlx::Error> {
    let mut columns = Columns::default();
    for event in &events {
        columns.push(event);
    }
    let mut new: HashSet<Uuid> = sqlx::query_scalar!(
        r#"
        INSERT INTO event (id, type, subject, subject_version, occurred_at, agreement, areas,
                           district_board, severity, title_sv, title_en, link)
        SELECT id, type, subject, subject_version, occurred_at, agreement,
               string_to_array(areas, ' '), district_board, severity, title_sv, title_en, link
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[],
                    $6::uuid[], $7::text[], $8::text[], $9::smallint[], $10::text[], $11::text[],
                    $12::text[])
             WITH ORDINALITY
             AS event (id, type, subject, subject_version, occurred_at, agreement, areas,
                       district_board, severity, title_sv, title_en, link, place)
        ORDER BY place
        ON CONFLICT ON CONSTRAINT event_id_key DO NOTHING
        RETURNING id
        "#,
        &columns.ids,
        &columns.types,
        &columns.subjects,
        &columns.subject_versions,
        &columns.times,
        &columns.agreements as _,
        &columns.areas,
        &columns.district_boards as _,
        &columns.severities,
        &columns.titles_sv,
        &columns.titles_en,
        &columns.links,
    )
    .fetch_all(tx)
    .await?
    .into_iter()
    .collect();
    events.retain(|event| new.remove(&event.id));
    Ok(events)
}

/// Events as a statement for many takes them: a list per column.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    types: Vec<String>,
    subjects: Vec<String>,
    subject_versions: Vec<i64>,
    times: Vec<OffsetDateTime>,
    agreements: Vec<Option<Uuid>>,
    /// The codes with a space between, since there are no lists of lists of different lengths.
    areas: Vec<String>,
    district_boards: Vec<Option<String>>,
    severities: Vec<i16>,
    titles_sv: Vec<String>,
    titles_en: Vec<String>,
    links: Vec<String>,
}

impl Columns {
    fn push(&mut self, event: &Occurrence) {
        let scope = &event.scope;
        let areas: Vec<&str> = scope.areas.iter().map(|code| code.0.as_str()).collect();
        let district = scope.district_board.as_ref();
        self.ids.push(event.id);
        self.types.push(event.event_type.clone());
        self.subjects.push(event.subject.clone());
        self.subject_versions.push(event.subject_version);
        self.times.push(event.occurred_at);
        self.agreements.push(scope.agreement.map(|id| id.0));
        self.areas.push(areas.join(" "));
        self.district_boards
            .push(district.map(|code| code.0.as_str().to_owned()));
        self.severities.push(event.severity.number());
        self.titles_sv.push(event.title.swedish.clone());
        self.titles_en.push(event.title.english.clone());
        self.links.push(event.link.clone());
    }
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
