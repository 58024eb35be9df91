//! `CreateReport`.

use handslag_platform::etag::Version;
use handslag_platform::id as ids;
use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::violations::Violations;
use handslag_proto::reporting::v1::{CreateReportRequest, CreateReportResponse};
use time::Date;

use crate::domain::names::BoardCode;
use crate::domain::report::{Format, MOST_RUNNING, Report, State};
use crate::domain::year::Year;
use crate::error::Error;
use crate::{Reporting, convert, read, store};

/// Orders a report: takes down the section as it stands, and leaves the setting to the task.
pub(crate) async fn create_report(
    service: &Reporting,
    call: Call<CreateReportRequest>,
) -> Result<CreateReportResponse, Error> {
    let today = service.clock.today();
    let order = Order::decode(&call, today)?;
    // Read before the command begins, so that a call never holds two connections of the small pool.
    let mut snapshot = read::snapshot(&service.database).await?;
    let board = read::board(&mut snapshot, &order.board).await?;
    let section = match &board {
        Ok(board) => Some(read::section(&mut snapshot, board, order.year, today).await?),
        Err(_) => None,
    };
    snapshot.rollback().await?;

    let mut tx = service.database.begin(&call).await?;
    board.map_err(|unknown| convert::refused("board", unknown))?;
    let Some(section) = section else {
        return Err(Error::NotFound(order.board.name()));
    };
    store::reports::queue_up(&mut tx).await?;
    if store::reports::running(&mut tx).await? >= MOST_RUNNING {
        return Err(Error::Busy);
    }
    let report = Report {
        id: ids::new(),
        board: order.board,
        year: order.year.number(),
        format: order.format,
        state: State::Running,
        created_at: service.clock.now(),
        freshness: section.freshness,
        version: Version::FIRST.0,
    };
    store::reports::insert(&mut tx, &report, &section).await?;
    let actor = &call.principal.subject;
    outbox::append(&mut tx, convert::requested(&report, &section, actor)).await?;
    let response = CreateReportResponse {
        report: Some(convert::report(&report)),
    };
    tx.commit(&call, &response).await?;
    service.ordered.notify_one();
    Ok(response)
}

struct Order {
    board: BoardCode,
    year: Year,
    format: Format,
}

impl Order {
    fn decode(request: &CreateReportRequest, today: Date) -> Result<Self, Error> {
        let mut violations = Violations::new();
        let board = violations.take("board", convert::code(BoardCode::from_name, &request.board));
        let year = violations.take("year", convert::year(request.year, today));
        let format = violations.take("format", convert::format(request.format));
        match (board, year, format) {
            (Some(board), Some(year), Some(format)) => Ok(Self {
                board,
                year,
                format,
            }),
            _ => Err(violations.into_fault().into()),
        }
    }
}
