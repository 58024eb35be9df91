//! Stores a figure that a source reports.

use handslag_platform::{etag::Version, id, messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{ReportFigureRequest, ReportFigureResponse};
use time::Date;

use crate::{
    Registry,
    convert::{self, enums, events, events::Stamp},
    domain::{
        figure::{Count, Figure},
        name::FigureId,
    },
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn report_figure(
    service: &Registry,
    call: Call<ReportFigureRequest>,
) -> Result<ReportFigureResponse, Error> {
    let mut form = Form::new();
    let figure = decode(&call, FigureId(id::new()), service.clock.today(), &mut form);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    let figure = form.finish(figure)?;
    store::figures::insert(&mut tx, &figure).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::figure_reported(&figure, stamp)).await?;
    let response = ReportFigureResponse {
        figure: Some(convert::figure(&figure)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(
    request: &ReportFigureRequest,
    id: FigureId,
    today: Date,
    form: &mut Form,
) -> Option<Figure> {
    let agreement = form.agreement("agreement", &request.agreement);
    let measure = form.take("measure", enums::measure(request.measure));
    let value = form.take("value", Count::parse(request.value));
    let reported_on = form.past("reported_on", request.reported_on.as_ref(), today);
    let source = form.source("source", request.source.as_ref());
    Some(Figure {
        id,
        agreement: agreement?,
        measure: measure?,
        value: value?,
        approximate: request.approximate,
        reported_on: reported_on?,
        source: source?,
        version: Version::FIRST,
    })
}
