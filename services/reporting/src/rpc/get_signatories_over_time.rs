//! `GetSignatoriesOverTime`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_platform::wire;
use handslag_proto::reporting::v1::{
    GetSignatoriesOverTimeRequest, GetSignatoriesOverTimeResponse,
};
use time::Date;

use crate::domain::curve::curve;
use crate::domain::names::AgreementId;
use crate::error::Error;
use crate::{Reporting, convert, read, store};

/// Gives the number of signatories over time, with what sources report beside it.
pub(crate) async fn get_signatories_over_time(
    service: &Reporting,
    call: Call<GetSignatoriesOverTimeRequest>,
) -> Result<GetSignatoriesOverTimeResponse, Error> {
    let Query {
        agreement,
        from,
        to,
    } = Query::decode(&call, service.clock.today())?;
    let mut snapshot = read::snapshot(&service.database).await?;
    let agreement = read::agreement(&mut snapshot, agreement).await?;
    let agreement = agreement.map_err(|unknown| convert::refused("agreement", unknown))?;
    let days = store::signatories::days(&mut snapshot, agreement, call.exclude_examples).await?;
    let reported = store::figures::of(&mut snapshot, agreement, None).await?;
    let freshness = store::freshness::read(&mut snapshot).await?;
    Ok(GetSignatoriesOverTimeResponse {
        points: curve(&days, from, to).iter().map(convert::point).collect(),
        reported_figures: reported.iter().map(convert::reported).collect(),
        freshness: Some(convert::freshness(freshness)),
    })
}

struct Query {
    agreement: AgreementId,
    from: Option<Date>,
    to: Date,
}

impl Query {
    fn decode(request: &GetSignatoriesOverTimeRequest, today: Date) -> Result<Self, Error> {
        let mut violations = Violations::new();
        let agreement = violations.take("agreement", convert::id("agreements", &request.agreement));
        let from = violations.take("from", wire::optional_date(request.from.as_ref()));
        let to = violations.take("to", wire::optional_date(request.to.as_ref()));
        let to = to.map(|to| to.unwrap_or(today));
        if let (Some(Some(from)), Some(to)) = (from, to)
            && from > to
        {
            violations.add(
                "to",
                "DATES_REVERSED",
                "must not be before the first day",
                "Får inte ligga före den första dagen.",
            );
        }
        match (agreement, from, to) {
            (Some(agreement), Some(from), Some(to)) if violations.is_empty() => Ok(Self {
                agreement: AgreementId(agreement),
                from,
                to,
            }),
            _ => Err(violations.into_fault().into()),
        }
    }
}
