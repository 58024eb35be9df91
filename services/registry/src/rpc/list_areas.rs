//! Lists the areas by code.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListAreasRequest, ListAreasResponse};

use crate::{Registry, convert, error::Error, pages, store};

pub(crate) async fn list_areas(
    service: &Registry,
    call: Call<ListAreasRequest>,
) -> Result<ListAreasResponse, Error> {
    let question = ListAreasRequest::default();
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_text(&page)?;
    let mut conn = service.database.read().await?;
    let mut rows = store::areas::list(&mut conn, &after, pages::limit(&page)).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |area| {
        vec![area.code.as_str().to_owned()]
    });
    Ok(ListAreasResponse {
        areas: rows.iter().map(convert::area).collect(),
        next_page_token,
    })
}
