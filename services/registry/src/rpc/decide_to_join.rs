//! Records the organisation's own decision to join; also how one that withdrew or declined comes
//! back.

use handslag_platform::{messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{DecideToJoinRequest, DecideToJoinResponse};

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::signatory::Act,
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn decide_to_join(
    service: &Registry,
    call: Call<DecideToJoinRequest>,
) -> Result<DecideToJoinResponse, Error> {
    let mut form = Form::new();
    let today = service.clock.today();
    let names = (call.agreement.as_str(), call.organisation.as_str());
    let step = form.step(names, call.effective_on.as_ref(), &call.note, today);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    let (id, occasion) = form.finish(step)?;
    let organisation = store::organisations::lock(&mut tx, id.organisation)
        .await?
        .ok_or_else(|| Error::no_organisation(&call.organisation))?;
    let signatory = store::signatories::find(&mut tx, id).await?;
    signatory.version().expect(&call.etag)?;
    let signatory = signatory.step(Act::Decide, occasion)?;
    store::signatories::append(&mut tx, &signatory).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    let event = events::signatory_state_changed(&signatory, &organisation, stamp);
    outbox::append(&mut tx, event).await?;
    let signatory = convert::signatory(
        &signatory,
        signatory.version(),
        &organisation.display_name,
        organisation.example,
    );
    let response = DecideToJoinResponse {
        signatory: Some(signatory),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}
