//! Says whether the organisation with a number is a signatory, as of a day.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{LookUpOrganisationRequest, LookUpOrganisationResponse};

use crate::{
    Registry, convert, domain::organisation_number::OrganisationNumber, error::Error, form::Form,
    store,
};

pub(crate) async fn look_up_organisation(
    service: &Registry,
    call: Call<LookUpOrganisationRequest>,
) -> Result<LookUpOrganisationResponse, Error> {
    let mut form = Form::new();
    let number = form.take("number", OrganisationNumber::parse(&call.number));
    let agreement = form.agreement("agreement", &call.agreement);
    let day = form.as_of(call.as_of.as_ref(), service.clock.today());
    let mut conn = service.database.read().await?;
    form.check_references(&mut conn).await?;
    let ((number, agreement), day) = form.finish(number.zip(agreement).zip(day))?;
    let asked = [number.digits().to_owned()];
    let known = store::organisation_numbers::look_up(&mut conn, &asked, agreement, day).await?;
    let known = known.into_iter().flatten().next();
    Ok(LookUpOrganisationResponse {
        look_up: Some(convert::look_up(&number, known.as_ref(), day)),
    })
}
