//! Records the decision that adopts the next edition.

use handslag_platform::{messaging::outbox, rpc::Call, text::ShortText};
use handslag_proto::registry::v1::{AdoptAgreementRequest, AdoptAgreementResponse};
use time::Date;

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{agreement::Decision, name::AgreementId, text::DiaryNumber},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn adopt_agreement(
    service: &Registry,
    call: Call<AdoptAgreementRequest>,
) -> Result<AdoptAgreementResponse, Error> {
    let today = service.clock.today();
    let mut form = Form::new();
    let adoption = decode(&call, today, &mut form);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    let (id, decision) = form.finish(adoption)?;
    let agreement = store::agreements::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::no_agreement(&call.agreement))?;
    agreement.version.expect(&call.etag)?;
    let agreement = agreement.adopt(decision)?;
    store::agreements::update_version(&mut tx, &agreement).await?;
    if let Some(edition) = agreement.editions.last() {
        store::agreements::insert_edition(&mut tx, id, edition).await?;
        let stamp = Stamp::of(&call, service.clock.now());
        outbox::append(
            &mut tx,
            events::agreement_adopted(&agreement, edition, stamp),
        )
        .await?;
    }
    let agreement = Some(convert::agreement(&agreement, today));
    let response = AdoptAgreementResponse { agreement };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(
    request: &AdoptAgreementRequest,
    today: Date,
    form: &mut Form,
) -> Option<(AgreementId, Decision)> {
    let id = form.take("agreement", AgreementId::parse(&request.agreement));
    let decided_on = form.past("decided_on", request.decided_on.as_ref(), today);
    let decided_by = form.take("decided_by", ShortText::parse(&request.decided_by));
    let principles = form.principles("principles", &request.principles);
    let areas = form.areas("areas", &request.areas);
    let diary_numbers = form.each(
        "diary_numbers",
        &request.diary_numbers,
        |form, path, number| form.take(path, DiaryNumber::parse(number)),
    );
    let decision = Decision {
        decided_on: decided_on?,
        decided_by: decided_by?,
        principles: Some(principles?).filter(|principles| !principles.is_empty()),
        areas: Some(areas?).filter(|areas| !areas.is_empty()),
        diary_numbers: diary_numbers?,
    };
    Some((id?, decision))
}
