//! Enters an organisation.

use handslag_platform::{etag::Version, id, messaging::outbox, rpc::Call, text::ShortText};
use handslag_proto::registry::v1::{RegisterOrganisationRequest, RegisterOrganisationResponse};

use crate::{
    Registry,
    convert::{self, enums, events, events::Stamp},
    domain::{
        name::OrganisationId,
        organisation::{Organisation, RecordNote},
        organisation_number::OrganisationNumber,
    },
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn register_organisation(
    service: &Registry,
    call: Call<RegisterOrganisationRequest>,
) -> Result<RegisterOrganisationResponse, Error> {
    let mut form = Form::new();
    let read = decode(&call, OrganisationId(id::new()), &mut form);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    let (organisation, number) = form.finish(read)?;
    store::organisations::insert(&mut tx, &organisation).await?;
    if let Some(number) = &number {
        // It may have had the number for long: the record does not say since when.
        store::organisation_numbers::hold(&mut tx, number).await?;
        if store::organisation_numbers::is_taken(&mut tx, number, organisation.id, None).await? {
            return Err(Error::OrganisationNumberTaken);
        }
        store::organisation_numbers::insert(&mut tx, organisation.id, number, None).await?;
    }
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(
        &mut tx,
        events::organisation_registered(&organisation, stamp),
    )
    .await?;
    let organisation = Some(convert::organisation(&organisation, number.as_ref()));
    let response = RegisterOrganisationResponse { organisation };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(
    request: &RegisterOrganisationRequest,
    id: OrganisationId,
    form: &mut Form,
) -> Option<(Organisation, Option<OrganisationNumber>)> {
    let display_name = form.take("display_name", ShortText::parse(&request.display_name));
    let number = if request.number.trim().is_empty() {
        Some(None)
    } else {
        form.take("number", OrganisationNumber::parse(&request.number))
            .map(Some)
    };
    let kind = form.take("kind", enums::organisation_kind(request.kind));
    let level = form.take("level", enums::organisation_level(request.level));
    let roles = form.distinct("roles", &request.roles, |form, path, role| {
        form.take(path, enums::role(*role))
    });
    let areas = form.areas("areas", &request.areas);
    let notes = form.each("notes", &request.notes, |form, path, note| {
        let text = form.localized(&format!("{path}.text"), note.text.as_ref());
        let source = form.source(&format!("{path}.source"), note.source.as_ref());
        Some(RecordNote {
            text: text?,
            source: source?,
        })
    });
    let organisation = Organisation {
        id,
        display_name: display_name?,
        kind: kind?,
        level: level?,
        roles: roles?,
        areas: areas?,
        notes: notes?,
        example: request.example,
        version: Version::FIRST,
    };
    Some((organisation, number?))
}
