//! Lists the parties by code.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListPartiesRequest, ListPartiesResponse};

use crate::{Registry, convert, error::Error, pages, store};

pub(crate) async fn list_parties(
    service: &Registry,
    call: Call<ListPartiesRequest>,
) -> Result<ListPartiesResponse, Error> {
    let question = ListPartiesRequest::default();
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_text(&page)?;
    let mut conn = service.database.read().await?;
    let mut rows = store::parties::list(&mut conn, &after, pages::limit(&page)).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |party| {
        vec![party.code.as_str().to_owned()]
    });
    Ok(ListPartiesResponse {
        parties: rows.iter().map(convert::party).collect(),
        next_page_token,
    })
}
