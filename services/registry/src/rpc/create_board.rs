//! Adds a board.

use handslag_platform::{etag::Version, messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{CreateBoardRequest, CreateBoardResponse};

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{board::Board, name::BoardCode},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn create_board(
    service: &Registry,
    call: Call<CreateBoardRequest>,
) -> Result<CreateBoardResponse, Error> {
    let mut form = Form::new();
    let board = decode(&call, &mut form);
    let mut tx = service.database.begin(&call).await?;
    form.check_references(&mut tx).await?;
    let board = form.finish(board)?;
    if !store::boards::insert(&mut tx, &board).await? {
        return Err(Error::CodeTaken {
            kind: "Board",
            name: board.code.name(),
        });
    }
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::board_created(&board, stamp)).await?;
    let response = CreateBoardResponse {
        board: Some(convert::board(&board)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &CreateBoardRequest, form: &mut Form) -> Option<Board> {
    let code = form.take("board_id", BoardCode::from_code(&request.board_id));
    let title = form.localized("title", request.title.as_ref());
    let areas = form.areas("areas", &request.areas);
    Some(Board {
        code: code?,
        title: title?,
        areas: areas?,
        version: Version::FIRST,
    })
}
