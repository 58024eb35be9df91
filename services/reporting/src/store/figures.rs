//! Figures that sources report.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, inconsistent};
use crate::domain::figures::{Measure, ReportedFigure, ReportedOn};
use crate::domain::names::AgreementId;

/// Stores a figure.
///
/// # Errors
/// The database's.
pub(crate) async fn put(
    conn: &mut PgConnection,
    id: Uuid,
    agreement: AgreementId,
    figure: &ReportedFigure,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO figure (id, agreement, measure, value, reported_year, reported_month,
                             reported_day, source_document, source_place)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        agreement.0,
        figure.measure.code(),
        figure.value,
        figure.reported_on.year,
        figure.reported_on.month,
        figure.reported_on.day,
        figure.document,
        figure.place
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What sources report of an agreement, of one year when asked, by date.
///
/// # Errors
/// The database's, or a row that cannot be read.
pub(crate) async fn of(
    conn: &mut PgConnection,
    agreement: AgreementId,
    year: Option<i32>,
) -> Result<Vec<ReportedFigure>> {
    let rows = sqlx::query!(
        "SELECT id, measure, value, reported_year, reported_month, reported_day,
                source_document, source_place
         FROM figure WHERE agreement = $1 AND ($2::integer IS NULL OR reported_year = $2)
         ORDER BY reported_year, reported_month, reported_day, measure, value, id",
        agreement.0,
        year
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ReportedFigure {
                measure: Measure::parse(&row.measure)
                    .ok_or_else(|| inconsistent("figure", "measure", &row.id))?,
                value: row.value,
                reported_on: ReportedOn {
                    year: row.reported_year,
                    month: row.reported_month,
                    day: row.reported_day,
                },
                document: row.source_document,
                place: row.source_place,
            })
        })
        .collect()
}
