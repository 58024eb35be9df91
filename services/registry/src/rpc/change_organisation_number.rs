//! Gives an organisation another number from a day on.

use handslag_platform::{messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{
    ChangeOrganisationNumberRequest, ChangeOrganisationNumberResponse,
};
use time::Date;

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{
        name::OrganisationId, organisation::change_number, organisation_number::OrganisationNumber,
    },
    error::Error,
    form::Form,
    store::{self, organisation_numbers},
};

struct Change {
    id: OrganisationId,
    number: Option<OrganisationNumber>,
    valid_from: Date,
}

pub(crate) async fn change_organisation_number(
    service: &Registry,
    call: Call<ChangeOrganisationNumberRequest>,
) -> Result<ChangeOrganisationNumberResponse, Error> {
    let Change {
        id,
        number,
        valid_from,
    } = decode(&call, service.clock.today())?;
    let mut tx = service.database.begin(&call).await?;
    let organisation = store::organisations::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::no_organisation(&call.organisation))?;
    organisation.version.expect(&call.etag)?;
    let history = organisation_numbers::history(&mut tx, id).await?;
    let change = change_number(&history, number, valid_from)?;
    if let Some(number) = &change.number {
        organisation_numbers::hold(&mut tx, number).await?;
        if organisation_numbers::is_taken(&mut tx, number, id, Some(change.on)).await? {
            return Err(Error::OrganisationNumberTaken);
        }
    }
    let organisation = organisation.touched();
    store::organisations::update(&mut tx, &organisation).await?;
    if change.ends_one {
        organisation_numbers::end(&mut tx, id, change.on).await?;
    }
    if let Some(number) = &change.number {
        organisation_numbers::insert(&mut tx, id, number, Some(change.on)).await?;
    }
    let stamp = Stamp::of(&call, service.clock.now());
    let event = events::organisation_number_changed(&organisation, change.on, stamp);
    outbox::append(&mut tx, event).await?;
    let organisation = Some(convert::organisation(&organisation, change.number.as_ref()));
    let response = ChangeOrganisationNumberResponse { organisation };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &ChangeOrganisationNumberRequest, today: Date) -> Result<Change, Error> {
    let mut form = Form::new();
    let id = form.take("organisation", OrganisationId::parse(&request.organisation));
    let number = if request.number.trim().is_empty() {
        Some(None)
    } else {
        form.take("number", OrganisationNumber::parse(&request.number))
            .map(Some)
    };
    let valid_from = form.past_day("valid_from", request.valid_from.as_ref(), today);
    let ((id, number), valid_from) = form.finish(id.zip(number).zip(valid_from))?;
    Ok(Change {
        id,
        number,
        valid_from,
    })
}
