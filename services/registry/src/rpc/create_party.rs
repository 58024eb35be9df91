//! Adds a party.

use handslag_platform::{etag::Version, messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{CreatePartyRequest, CreatePartyResponse};

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{name::PartyCode, party::Party},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn create_party(
    service: &Registry,
    call: Call<CreatePartyRequest>,
) -> Result<CreatePartyResponse, Error> {
    let party = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    // Nothing to load and nothing to decide: the code is free or it is not.
    if !store::parties::insert(&mut tx, &party).await? {
        return Err(Error::CodeTaken {
            kind: "Party",
            name: party.code.name(),
        });
    }
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::party_created(&party, stamp)).await?;
    let response = CreatePartyResponse {
        party: Some(convert::party(&party)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &CreatePartyRequest) -> Result<Party, Error> {
    let mut form = Form::new();
    let code = form.take("party_id", PartyCode::from_code(&request.party_id));
    let title = form.localized("title", request.title.as_ref());
    let (code, title) = form.finish(code.zip(title))?;
    Ok(Party {
        code,
        title,
        version: Version::FIRST,
    })
}
