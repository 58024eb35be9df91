//! `FigureReported`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::FigureReported;
use sqlx::PgConnection;

use crate::consumers::{id, known, partial};
use crate::domain::figures::{Measure, ReportedFigure, ReportedOn};
use crate::domain::names::AgreementId;
use crate::store;

/// Keeps what a source reports, apart from all that is counted.
pub(crate) async fn figure_reported(
    tx: &mut PgConnection,
    event: &Envelope<FigureReported>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let reported_on = partial(body.reported_on.as_ref())?;
    let source = body.source.clone().unwrap_or_default();
    let figure = ReportedFigure {
        measure: known(Measure::parse, &body.measure)?,
        value: body.value,
        reported_on: ReportedOn {
            year: reported_on.year(),
            month: i32::from(reported_on.month_or_zero()),
            day: i32::from(reported_on.day_or_zero()),
        },
        document: source.document,
        place: source.place,
    };
    let agreement = AgreementId(id("agreements", &body.agreement)?);
    Ok(store::figures::put(tx, id("figures", &body.figure)?, agreement, &figure).await?)
}
