//! `GetReport`.

use handslag_platform::rpc::Call;
use handslag_proto::reporting::v1::{GetReportRequest, GetReportResponse};

use crate::error::Error;
use crate::{Reporting, convert, store};

/// Reads where a report stands.
pub(crate) async fn get_report(
    service: &Reporting,
    call: Call<GetReportRequest>,
) -> Result<GetReportResponse, Error> {
    let id = convert::id("reports", &call.name);
    let id = id.map_err(|error| convert::refused("name", error))?;
    let mut conn = service.database.read().await?;
    let report = store::reports::find(&mut conn, id).await?;
    let report = report.ok_or_else(|| Error::NotFound(call.name.clone()))?;
    Ok(GetReportResponse {
        report: Some(convert::report(&report)),
    })
}
