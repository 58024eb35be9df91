//! Records that a district board was succeeded by another.

use handslag_platform::{messaging::outbox, rpc::Call, wire};
use handslag_proto::registry::v1::{SucceedDistrictBoardRequest, SucceedDistrictBoardResponse};
use time::Date;

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::name::DistrictBoardCode,
    error::Error,
    form::{Form, unknown},
    store,
};

struct Succession {
    board: DistrictBoardCode,
    successor: DistrictBoardCode,
    on: Date,
}

pub(crate) async fn succeed_district_board(
    service: &Registry,
    call: Call<SucceedDistrictBoardRequest>,
) -> Result<SucceedDistrictBoardResponse, Error> {
    let Succession {
        board,
        successor,
        on,
    } = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let codes = [&board, &successor].map(|code| code.as_str().to_owned());
    let boards = store::district_boards::lock(&mut tx, &codes).await?;
    let of = |code: &DistrictBoardCode| boards.iter().find(|one| one.code == *code).cloned();
    let board = of(&board).ok_or_else(|| Error::NotFound {
        kind: "DistrictBoard",
        name: board.name(),
    })?;
    let successor = of(&successor).ok_or_else(unknown_successor)?;
    board.version.expect(&call.etag)?;
    let board = board.succeed(&successor, on)?;
    store::district_boards::update(&mut tx, &board).await?;
    if let Some(succession) = &board.succession {
        let stamp = Stamp::of(&call, service.clock.now());
        let event = events::district_board_succeeded(&board, succession, stamp);
        outbox::append(&mut tx, event).await?;
    }
    let district_board = Some(convert::district_board(&board));
    let response = SucceedDistrictBoardResponse { district_board };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &SucceedDistrictBoardRequest) -> Result<Succession, Error> {
    let mut form = Form::new();
    let board = form.take(
        "district_board",
        DistrictBoardCode::parse(&request.district_board),
    );
    let successor = form.take("successor", DistrictBoardCode::parse(&request.successor));
    let on = form.take("succeeded_on", wire::date(request.succeeded_on.as_ref()));
    let ((board, successor), on) = form.finish(board.zip(successor).zip(on))?;
    Ok(Succession {
        board,
        successor,
        on,
    })
}

fn unknown_successor() -> Error {
    let mut form = Form::new();
    form.refuse("successor", unknown("UNKNOWN_DISTRICT_BOARD"));
    form.into_error()
}
