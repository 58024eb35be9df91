//! Reports and their contents.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Result, inconsistent};
use crate::domain::names::BoardCode;
use crate::domain::report::{Format, Report, State};
use crate::domain::section::Section;

struct Row {
    id: Uuid,
    board: String,
    year: i32,
    format: String,
    state: String,
    size_bytes: i64,
    failure: String,
    created_at: OffsetDateTime,
    section: serde_json::Value,
    version: i64,
}

/// Serialises orders until the transaction ends, so that two at once cannot both take the last place.
///
/// # Errors
/// The database's.
pub(crate) async fn queue_up(tx: &mut PgConnection) -> Result<()> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('reporting.report'))")
        .execute(tx)
        .await?;
    Ok(())
}

/// How many reports wait to be made.
///
/// # Errors
/// The database's.
pub(crate) async fn running(conn: &mut PgConnection) -> Result<i64> {
    let count =
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM report WHERE state = 'running'"#);
    Ok(count.fetch_one(conn).await?)
}

/// Stores a report that was ordered, with the section as it stood then.
///
/// # Errors
/// The database's, or a section that cannot be written.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    report: &Report,
    section: &Section,
) -> Result<()> {
    let section =
        serde_json::to_value(section).map_err(|_| inconsistent("report", "section", &report.id))?;
    sqlx::query!(
        "INSERT INTO report (id, board, year, format, state, created_at, section, version)
         VALUES ($1, $2, $3, $4, 'running', $5, $6, $7)",
        report.id,
        report.board.as_str(),
        report.year,
        report.format.code(),
        report.created_at,
        section,
        report.version
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the oldest report that waits and that nobody else is making, and holds its row until the transaction ends:
/// if this process dies, the next one takes it again.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn take(tx: &mut PgConnection) -> Result<Option<(Report, Section)>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, board, year, format, state, size_bytes, failure, created_at, section, version
         FROM report WHERE state = 'running'
         ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    .fetch_optional(tx)
    .await?;
    row.map(|row| {
        let section = section(&row)?;
        Ok((Report::try_from(row)?, section))
    })
    .transpose()
}

/// Stores how the making of a report ended, with its content if it is ready. True when the row was there.
///
/// # Errors
/// The database's.
pub(crate) async fn settle(tx: &mut PgConnection, report: &Report, content: &[u8]) -> Result<bool> {
    let (state, size_bytes, failure) = match &report.state {
        State::Running => ("running", 0, ""),
        State::Ready { size_bytes } => ("ready", *size_bytes, ""),
        State::Failed { why } => ("failed", 0, why.as_str()),
    };
    let done = sqlx::query!(
        "UPDATE report SET state = $2, size_bytes = $3, failure = $4, version = $5 WHERE id = $1",
        report.id,
        state,
        size_bytes,
        failure,
        report.version
    )
    .execute(&mut *tx)
    .await?;
    if state == "ready" {
        sqlx::query!(
            "INSERT INTO report_content (report, content) VALUES ($1, $2)",
            report.id,
            content
        )
        .execute(tx)
        .await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Removes the reports that were ordered before `before` and are not being made; says how many.
///
/// # Errors
/// The database's.
pub(crate) async fn remove_older(conn: &mut PgConnection, before: OffsetDateTime) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM report WHERE created_at < $1 AND state <> 'running'",
        before
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Reads a report.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn find(conn: &mut PgConnection, id: Uuid) -> Result<Option<Report>> {
    sqlx::query_as!(
        Row,
        "SELECT id, board, year, format, state, size_bytes, failure, created_at, section, version
         FROM report WHERE id = $1",
        id
    )
    .fetch_optional(conn)
    .await?
    .map(Report::try_from)
    .transpose()
}

/// Which reports to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// Only of this board.
    pub board: Option<BoardCode>,
    /// Only for this year.
    pub year: Option<i32>,
    /// Only those after this one, in the order of the list.
    pub after: Option<(OffsetDateTime, Uuid)>,
}

/// Lists reports, newest first.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    limit: i64,
) -> Result<Vec<Report>> {
    let (at, id) = filter.after.unzip();
    sqlx::query_as!(
        Row,
        "SELECT id, board, year, format, state, size_bytes, failure, created_at, section, version
         FROM report
         WHERE ($1::text IS NULL OR board = $1)
           AND ($2::integer IS NULL OR year = $2)
           AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
         ORDER BY created_at DESC, id DESC LIMIT $5",
        filter.board.as_ref().map(BoardCode::as_str),
        filter.year,
        at,
        id,
        limit
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(Report::try_from)
    .collect()
}

/// Reads a piece of a report's content; `from` counts bytes from 0. Empty behind the end.
///
/// # Errors
/// The database's.
pub(crate) async fn piece(
    conn: &mut PgConnection,
    id: Uuid,
    from: i32,
    length: i32,
) -> Result<Option<Vec<u8>>> {
    let piece = sqlx::query_scalar!(
        r#"SELECT substring(content FROM $2::integer + 1 FOR $3::integer) AS "piece!"
           FROM report_content WHERE report = $1"#,
        id,
        from,
        length
    );
    Ok(piece.fetch_optional(conn).await?)
}

impl TryFrom<Row> for Report {
    type Error = super::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let freshness = section(&row)?.freshness;
        let state = match row.state.as_str() {
            "running" => State::Running,
            "ready" => State::Ready {
                size_bytes: row.size_bytes,
            },
            "failed" => State::Failed { why: row.failure },
            _ => return Err(inconsistent("report", "state", &row.id)),
        };
        Ok(Self {
            id: row.id,
            board: BoardCode::from_code(&row.board)
                .ok_or_else(|| inconsistent("report", "board", &row.id))?,
            year: row.year,
            format: Format::parse(&row.format)
                .ok_or_else(|| inconsistent("report", "format", &row.id))?,
            state,
            created_at: row.created_at,
            freshness,
            version: row.version,
        })
    }
}

fn section(row: &Row) -> Result<Section> {
    serde_json::from_value(row.section.clone())
        .map_err(|_| inconsistent("report", "section", &row.id))
}
