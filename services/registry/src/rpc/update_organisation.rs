//! Corrects what is recorded of an organisation.

use handslag_platform::{messaging::outbox, rpc::Call, text::ShortText, violations::FieldError};
use handslag_proto::registry::v1::{UpdateOrganisationRequest, UpdateOrganisationResponse};

use crate::{
    Registry,
    convert::{self, enums, events, events::Stamp},
    domain::{name::OrganisationId, organisation::Correction},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn update_organisation(
    service: &Registry,
    call: Call<UpdateOrganisationRequest>,
) -> Result<UpdateOrganisationResponse, Error> {
    let mut form = Form::new();
    let id = form.take("name", OrganisationId::parse(&call.name));
    let correction = decode(&call, &mut form);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    let (id, correction) = form.finish(id.zip(correction))?;
    let organisation = store::organisations::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::no_organisation(&call.name))?;
    organisation.version.expect(&call.etag)?;
    let organisation = organisation.corrected(correction);
    store::organisations::update(&mut tx, &organisation).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::organisation_updated(&organisation, stamp)).await?;
    let today = service.clock.today();
    let numbers = store::organisation_numbers::of(&mut tx, &[id.0], today).await?;
    let number = numbers.first().map(|(_, number)| number);
    let organisation = Some(convert::organisation(&organisation, number));
    let response = UpdateOrganisationResponse { organisation };
    tx.commit(&call, &response).await?;
    Ok(response)
}

/// Only what the mask names is read.
fn decode(request: &UpdateOrganisationRequest, form: &mut Form) -> Option<Correction> {
    let paths = request
        .update_mask
        .as_ref()
        .map(|mask| mask.paths.as_slice())
        .unwrap_or_default();
    form.at_least("update_mask", paths, 1);
    form.at_most("update_mask", paths, crate::form::ITEMS_MOST)?;
    let mut correction = Correction::default();
    for path in paths {
        match path.as_str() {
            "display_name" => {
                correction.display_name =
                    form.take("display_name", ShortText::parse(&request.display_name));
            }
            "kind" => correction.kind = form.take("kind", enums::organisation_kind(request.kind)),
            "level" => {
                correction.level = form.take("level", enums::organisation_level(request.level));
            }
            "roles" => {
                correction.roles = form.distinct("roles", &request.roles, |form, path, role| {
                    form.take(path, enums::role(*role))
                });
            }
            "areas" => correction.areas = form.areas("areas", &request.areas),
            _ => form.refuse("update_mask", not_updatable()),
        }
    }
    Some(correction)
}

fn not_updatable() -> FieldError {
    FieldError::new(
        "UPDATE_MASK_INVALID",
        "may name display_name, kind, level, roles and areas",
        "Kan ange display_name, kind, level, roles och areas.",
    )
}
