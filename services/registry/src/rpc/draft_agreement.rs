//! Begins the work on an agreement.

use handslag_platform::{etag::Version, id, messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{DraftAgreementRequest, DraftAgreementResponse};

use crate::{
    Registry,
    convert::{self, enums, events, events::Stamp},
    domain::{
        agreement::{Agreement, Content},
        name::AgreementId,
        term::TermRules,
    },
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn draft_agreement(
    service: &Registry,
    call: Call<DraftAgreementRequest>,
) -> Result<DraftAgreementResponse, Error> {
    let mut form = Form::new();
    let agreement = decode(&call, AgreementId(id::new()), &mut form);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    let agreement = form.finish(agreement)?;
    store::agreements::insert(&mut tx, &agreement).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::agreement_drafted(&agreement, stamp)).await?;
    let agreement = convert::agreement(&agreement, service.clock.today());
    let response = DraftAgreementResponse {
        agreement: Some(agreement),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &DraftAgreementRequest, id: AgreementId, form: &mut Form) -> Option<Agreement> {
    let kind = form.take("kind", enums::agreement_kind(request.kind));
    let title = form.localized("title", request.title.as_ref());
    form.at_least("parties", &request.parties, 2);
    let parties = form.parties("parties", &request.parties);
    form.at_least("principles", &request.principles, 1);
    let principles = form.principles("principles", &request.principles);
    form.at_least("areas", &request.areas, 1);
    let areas = form.areas("areas", &request.areas);
    let rules = match TermRules::parse(request.term_years, request.max_extensions) {
        Ok(rules) => Some(rules),
        Err(refused) => {
            for (field, error) in refused {
                form.refuse(field, error);
            }
            None
        }
    };
    Some(Agreement {
        id,
        kind: kind?,
        title: title?,
        parties: parties?,
        draft: Content {
            principles: principles?,
            areas: areas?,
        },
        rules: rules?,
        editions: Vec::new(),
        version: Version::FIRST,
    })
}
