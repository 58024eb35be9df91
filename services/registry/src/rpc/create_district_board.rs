//! Adds a district board.

use handslag_platform::{etag::Version, messaging::outbox, rpc::Call, wire};
use handslag_proto::registry::v1::{CreateDistrictBoardRequest, CreateDistrictBoardResponse};

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{district_board::DistrictBoard, name::DistrictBoardCode},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn create_district_board(
    service: &Registry,
    call: Call<CreateDistrictBoardRequest>,
) -> Result<CreateDistrictBoardResponse, Error> {
    let board = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    if !store::district_boards::insert(&mut tx, &board).await? {
        return Err(Error::CodeTaken {
            kind: "DistrictBoard",
            name: board.code.name(),
        });
    }
    let stamp = Stamp::of(&call, service.clock.now());
    outbox::append(&mut tx, events::district_board_created(&board, stamp)).await?;
    let district_board = Some(convert::district_board(&board));
    let response = CreateDistrictBoardResponse { district_board };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &CreateDistrictBoardRequest) -> Result<DistrictBoard, Error> {
    let mut form = Form::new();
    let code = form.take(
        "district_board_id",
        DistrictBoardCode::from_code(&request.district_board_id),
    );
    let title = form.localized("title", request.title.as_ref());
    let established_on = form.take(
        "established_on",
        wire::optional_date(request.established_on.as_ref()),
    );
    let read = code.zip(title).zip(established_on);
    let ((code, title), established_on) = form.finish(read)?;
    Ok(DistrictBoard {
        code,
        title,
        established_on,
        succession: None,
        predecessors: Vec::new(),
        version: Version::FIRST,
    })
}
