//! Reads an organisation, with the number that it had on a day.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{GetOrganisationRequest, GetOrganisationResponse};

use crate::{Registry, convert, domain::name::OrganisationId, error::Error, form::Form, store};

pub(crate) async fn get_organisation(
    service: &Registry,
    call: Call<GetOrganisationRequest>,
) -> Result<GetOrganisationResponse, Error> {
    let mut form = Form::new();
    let id = form.take("name", OrganisationId::parse(&call.name));
    let day = form.as_of(call.as_of.as_ref(), service.clock.today());
    let (id, day) = form.finish(id.zip(day))?;
    let mut conn = service.database.read().await?;
    let organisation = store::organisations::find(&mut conn, id)
        .await?
        .ok_or_else(|| Error::no_organisation(&call.name))?;
    let numbers = store::organisation_numbers::of(&mut conn, &[id.0], day).await?;
    let number = numbers.first().map(|(_, number)| number);
    Ok(GetOrganisationResponse {
        organisation: Some(convert::organisation(&organisation, number)),
    })
}
