//! Lists the relations to an agreement, in Swedish order of the organisations' names.

use handslag_platform::{
    rpc::Call,
    text::{ShortText, parse_optional},
};
use handslag_proto::registry::v1::{ListSignatoriesRequest, ListSignatoriesResponse};

use crate::{
    Registry, convert,
    domain::name::AgreementId,
    error::Error,
    form::Form,
    pages,
    store::{self, signatories::Filter},
};

pub(crate) async fn list_signatories(
    service: &Registry,
    call: Call<ListSignatoriesRequest>,
) -> Result<ListSignatoriesResponse, Error> {
    let question = ListSignatoriesRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let filter = decode(&call)?;
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_text_and_id(&page, "")?;
    let mut conn = service.database.read().await?;
    if store::agreements::find(&mut conn, filter.agreement)
        .await?
        .is_none()
    {
        return Err(Error::no_agreement(&call.agreement));
    }
    let limit = pages::limit(&page);
    let mut rows = store::signatories::list(&mut conn, &filter, &after, limit).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |listed| {
        let organisation = listed.signatory.id.organisation;
        vec![listed.display_name.to_string(), organisation.0.to_string()]
    });
    let total = store::signatories::count(&mut conn, &filter).await?;
    let signatories = rows.iter().map(|listed| {
        let version = listed.signatory.version();
        convert::signatory(
            &listed.signatory,
            version,
            &listed.display_name,
            listed.example,
        )
    });
    Ok(ListSignatoriesResponse {
        signatories: signatories.collect(),
        next_page_token,
        total_size: i32::try_from(total).unwrap_or(i32::MAX),
    })
}

fn decode(request: &ListSignatoriesRequest) -> Result<Filter, Error> {
    let mut form = Form::new();
    let agreement = form.take("agreement", AgreementId::parse(&request.agreement));
    let states = form.states("states", &request.states);
    let query = form.take("query", parse_optional::<ShortText>(&request.query));
    let ((agreement, states), query) = form.finish(agreement.zip(states).zip(query))?;
    Ok(Filter {
        agreement,
        states,
        name: query.map(|query| store::containing(query.as_str())),
        exclude_examples: request.exclude_examples,
    })
}
