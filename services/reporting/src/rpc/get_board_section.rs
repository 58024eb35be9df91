//! `GetBoardSection`.

use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::reporting::v1::{GetBoardSectionRequest, GetBoardSectionResponse};
use time::Date;

use crate::domain::names::BoardCode;
use crate::domain::year::Year;
use crate::error::Error;
use crate::{Reporting, convert, read};

/// Gives the content of a board's section for a year.
pub(crate) async fn get_board_section(
    service: &Reporting,
    call: Call<GetBoardSectionRequest>,
) -> Result<GetBoardSectionResponse, Error> {
    let today = service.clock.today();
    let (board, year) = decode(&call, today)?;
    let mut snapshot = read::snapshot(&service.database).await?;
    let board = read::board(&mut snapshot, &board).await?;
    let board = board.map_err(|unknown| convert::refused("board", unknown))?;
    let section = read::section(&mut snapshot, &board, year, today).await?;
    Ok(GetBoardSectionResponse {
        section: Some(convert::section(&section)),
    })
}

fn decode(request: &GetBoardSectionRequest, today: Date) -> Result<(BoardCode, Year), Error> {
    let mut violations = Violations::new();
    let board = violations.take("board", convert::code(BoardCode::from_name, &request.board));
    let year = violations.take("year", convert::year(request.year, today));
    board
        .zip(year)
        .ok_or_else(|| violations.into_fault().into())
}
