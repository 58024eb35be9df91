//! Adds an area.

use handslag_platform::{etag::Version, messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{CreateAreaRequest, CreateAreaResponse};

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{area::Area, name::AreaCode},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn create_area(
    service: &Registry,
    call: Call<CreateAreaRequest>,
) -> Result<CreateAreaResponse, Error> {
    let area = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    // Nothing to load and nothing to decide: the code is free or it is not.
    if !store::areas::insert(&mut tx, &area).await? {
        return Err(Error::CodeTaken {
            kind: "Area",
            name: area.code.name(),
        });
    }
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::area_created(&area, stamp)).await?;
    let response = CreateAreaResponse {
        area: Some(convert::area(&area)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &CreateAreaRequest) -> Result<Area, Error> {
    let mut form = Form::new();
    let code = form.take("area_id", AreaCode::from_code(&request.area_id));
    let title = form.localized("title", request.title.as_ref());
    let (code, title) = form.finish(code.zip(title))?;
    Ok(Area {
        code,
        title,
        version: Version::FIRST,
    })
}
