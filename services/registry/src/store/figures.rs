//! Table `figure`.

use handslag_platform::{etag::Version, text::ShortText};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::domain::{
    figure::{Count, Figure, Measure},
    name::{AgreementId, FigureId},
};

use super::{Columns, StoreError};

/// Adds a figure.
pub(crate) async fn insert(tx: &mut PgConnection, figure: &Figure) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO figure (id, agreement, measure, value, approximate, reported_on, reported_from,
                             source_document, source_place, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        figure.id.0,
        figure.agreement.0,
        figure.measure.as_str(),
        figure.value.value(),
        figure.approximate,
        figure.reported_on.to_string(),
        figure.reported_on.earliest(),
        figure.source.document.as_str(),
        figure.source.place.as_ref().map(ShortText::as_str),
        figure.version.0,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Figures by date, after one.
pub(crate) async fn list(
    conn: &mut PgConnection,
    agreement: AgreementId,
    after: &(String, Uuid),
    limit: i64,
) -> Result<Vec<Figure>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, measure, value, approximate, reported_on, source_document, source_place, version
         FROM figure
         WHERE agreement = $1 AND (reported_from, id) > ($2::text::date, $3)
         ORDER BY reported_from, id
         LIMIT $4",
        agreement.0,
        after.0,
        after.1,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let columns = Columns::of("figure", &row.id);
            Ok(Figure {
                id: FigureId(row.id),
                agreement,
                measure: columns.some("measure", Measure::from_word(&row.measure))?,
                value: columns.read("value", Count::parse(row.value))?,
                approximate: row.approximate,
                reported_on: columns.read("reported_on", row.reported_on.parse())?,
                source: columns.source(row.source_document, row.source_place)?,
                version: Version(row.version),
            })
        })
        .collect()
}
