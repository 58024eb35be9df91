//! Lists how an agreement came to be, in order of time.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListProceedingsRequest, ListProceedingsResponse};

use crate::{
    Registry,
    convert::{self, enums},
    domain::name::AgreementId,
    error::Error,
    form::Form,
    pages, store,
};

pub(crate) async fn list_proceedings(
    service: &Registry,
    call: Call<ListProceedingsRequest>,
) -> Result<ListProceedingsResponse, Error> {
    let question = ListProceedingsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let mut form = Form::new();
    let id = form.take("agreement", AgreementId::parse(&call.agreement));
    let kinds = form.each("kinds", &call.kinds, |form, path, kind| {
        form.take(path, enums::proceeding_kind(*kind))
            .map(|kind| kind.as_str().to_owned())
    });
    let (id, kinds) = form.finish(id.zip(kinds))?;
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_date_and_position(&page)?;
    let mut conn = service.database.read().await?;
    if store::agreements::find(&mut conn, id).await?.is_none() {
        return Err(Error::no_agreement(&call.agreement));
    }
    let kinds = Some(kinds.as_slice()).filter(|kinds| !kinds.is_empty());
    let limit = pages::limit(&page);
    let mut rows = store::proceedings::list(&mut conn, id, kinds, &after, limit).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |proceeding| {
        vec![
            proceeding.step.held_on.earliest().to_string(),
            proceeding.position.to_string(),
        ]
    });
    let proceedings = rows.iter().map(convert::proceeding).collect();
    Ok(ListProceedingsResponse {
        proceedings,
        next_page_token,
    })
}
