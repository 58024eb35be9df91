//! Lists the reported figures of an agreement by date.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListFiguresRequest, ListFiguresResponse};

use crate::{Registry, convert, domain::name::AgreementId, error::Error, form::Form, pages, store};

pub(crate) async fn list_figures(
    service: &Registry,
    call: Call<ListFiguresRequest>,
) -> Result<ListFiguresResponse, Error> {
    let question = ListFiguresRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let mut form = Form::new();
    let id = form.take("agreement", AgreementId::parse(&call.agreement));
    let id = form.finish(id)?;
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_text_and_id(&page, pages::BEFORE_ALL_DATES)?;
    let mut conn = service.database.read().await?;
    if store::agreements::find(&mut conn, id).await?.is_none() {
        return Err(Error::no_agreement(&call.agreement));
    }
    let mut rows = store::figures::list(&mut conn, id, &after, pages::limit(&page)).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |figure| {
        vec![
            figure.reported_on.earliest().to_string(),
            figure.id.0.to_string(),
        ]
    });
    let figures = rows.iter().map(convert::figure).collect();
    Ok(ListFiguresResponse {
        figures,
        next_page_token,
    })
}
