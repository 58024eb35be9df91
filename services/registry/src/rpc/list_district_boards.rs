//! Lists the district boards that existed on a day, in Swedish order.

use handslag_platform::rpc::Call;
use handslag_proto::registry::v1::{ListDistrictBoardsRequest, ListDistrictBoardsResponse};

use crate::{Registry, convert, error::Error, form::Form, pages, store};

pub(crate) async fn list_district_boards(
    service: &Registry,
    call: Call<ListDistrictBoardsRequest>,
) -> Result<ListDistrictBoardsResponse, Error> {
    let question = ListDistrictBoardsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let mut form = Form::new();
    let day = form.as_of(call.as_of.as_ref(), service.clock.today());
    let day = form.finish(day)?;
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let after = pages::after_texts(&page)?;
    let existing_on = (!call.include_succeeded).then_some(day);
    let mut conn = service.database.read().await?;
    let mut rows =
        store::district_boards::list(&mut conn, existing_on, &after, pages::limit(&page)).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |board| {
        vec![board.title.sv.to_string(), board.code.as_str().to_owned()]
    });
    let district_boards = rows.iter().map(convert::district_board).collect();
    Ok(ListDistrictBoardsResponse {
        district_boards,
        next_page_token,
    })
}
