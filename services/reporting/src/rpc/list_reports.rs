//! `ListReports`.

use handslag_platform::paging::Page;
use handslag_platform::rpc::Call;
use handslag_platform::violations::{FieldError, Violations};
use handslag_proto::reporting::v1::{ListReportsRequest, ListReportsResponse};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::domain::names::BoardCode;
use crate::domain::report::Report;
use crate::domain::year::Year;
use crate::error::Error;
use crate::store::reports::Filter;
use crate::{Reporting, convert, read, store};

/// Lists reports, newest first.
pub(crate) async fn list_reports(
    service: &Reporting,
    call: Call<ListReportsRequest>,
) -> Result<ListReportsResponse, Error> {
    let question = ListReportsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let filter = decode(&call, &page, service.clock.today())?;
    let mut conn = service.database.read().await?;
    if let Some(board) = &filter.board {
        let board = read::board(&mut conn, board).await?;
        board.map_err(|unknown| convert::refused("board", unknown))?;
    }
    // One more than asked for shows whether there is a next page.
    let mut reports = store::reports::list(&mut conn, &filter, page.size + 1).await?;
    let full = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = reports.len() > full;
    reports.truncate(full);
    let next = reports.last().filter(|_| more).map(keyset);
    Ok(ListReportsResponse {
        reports: reports.iter().map(convert::report).collect(),
        next_page_token: next
            .map(|keyset| service.tokens.encode(&keyset, &question))
            .unwrap_or_default(),
    })
}

fn decode(request: &ListReportsRequest, page: &Page, today: Date) -> Result<Filter, Error> {
    let mut violations = Violations::new();
    let board = violations.take(
        "board",
        convert::optional_code(BoardCode::from_name, &request.board),
    );
    let year = match request.year {
        0 => Some(None),
        year => violations
            .take("year", convert::year(year, today))
            .map(Some),
    };
    let after = violations.take("page_token", after(page));
    match (board, year, after) {
        (Some(board), Some(year), Some(after)) => Ok(Filter {
            board,
            year: year.map(Year::number),
            after,
        }),
        _ => Err(violations.into_fault().into()),
    }
}

/// What the list is sorted by.
fn keyset(report: &Report) -> [String; 2] {
    [
        report.created_at.unix_timestamp_nanos().to_string(),
        report.id.to_string(),
    ]
}

fn after(page: &Page) -> Result<Option<(OffsetDateTime, Uuid)>, FieldError> {
    let Some(keyset) = &page.after else {
        return Ok(None);
    };
    let read = || {
        let [at, id] = keyset.as_slice() else {
            return None;
        };
        let at = OffsetDateTime::from_unix_timestamp_nanos(at.parse().ok()?).ok()?;
        Some((at, Uuid::parse_str(id).ok()?))
    };
    let invalid = || {
        FieldError::new(
            "PAGE_TOKEN_INVALID",
            "is no token of this list; start again without it",
            "Sidan hör inte till denna lista. Börja om från första sidan.",
        )
    };
    read().map(Some).ok_or_else(invalid)
}
