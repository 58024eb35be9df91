//! Lists the boards by code.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListBoardsRequest, ListBoardsResponse};

use crate::{Registry, convert, error::Error, pages, store};

pub(crate) async fn list_boards(
    service: &Registry,
    call: Call<ListBoardsRequest>,
) -> Result<ListBoardsResponse, Error> {
    let question = ListBoardsRequest::default();
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_text(&page)?;
    let mut conn = service.database.read().await?;
    let mut rows = store::boards::list(&mut conn, &after, pages::limit(&page)).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |board| {
        vec![board.code.as_str().to_owned()]
    });
    Ok(ListBoardsResponse {
        boards: rows.iter().map(convert::board).collect(),
        next_page_token,
    })
}
