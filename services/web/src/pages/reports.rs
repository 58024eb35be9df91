//! Orders a report for a board and a year.

use askama::Template;
use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use handslag_proto::reporting::v1::{
    CreateReportRequest, ListReportsRequest, Report, ReportFormat,
};

use crate::{
    app::App,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    pages::parts::{self, Choice},
    reads, view,
};

const PATH: &str = "/rapporter";
/// The first year there is anything to report on.
const FIRST_YEAR: i32 = 2010;
/// How many of the reports made lately are listed.
const LATEST: i32 = 10;

struct Line {
    id: String,
    board: String,
    year: i32,
    format: &'static str,
    state: &'static Label,
    ordered: String,
}

#[derive(Template)]
#[template(path = "reports.html")]
struct Reports {
    page: Page,
    request_id: String,
    boards: Vec<Choice>,
    years: Vec<i32>,
    chosen_year: i32,
    formats: Vec<Choice>,
    latest: Vec<Line>,
    latest_missing: bool,
}

/// What the form sends.
#[derive(serde::Deserialize)]
pub(super) struct Order {
    request_id: String,
    board: String,
    year: String,
    format: String,
}

/// Shows the form, with an identity made now: the same form sent twice orders once.
pub(super) async fn page(State(app): State<App>) -> Result<Response, PageError> {
    let request = ListReportsRequest {
        page_size: LATEST,
        ..Default::default()
    };
    let (boards, framework, latest) = tokio::join!(
        reads::boards(&app.clients),
        reads::framework(&app.clients),
        app.clients
            .reporting(request, |mut c, r| async move { c.list_reports(r).await }),
    );
    let boards: Vec<(String, String)> = boards?
        .into_iter()
        .map(|board| (board.name, view::text(board.title.as_ref())))
        .collect();
    // The year the agreement began is the first of which there is something to tell.
    let this_year = app.clock.today().year();
    let began = framework?.and_then(|agreement| agreement.term?.starts_on);
    let (latest, latest_missing) = match latest {
        Ok(answer) => (answer.reports, false),
        Err(_) => (Vec::new(), true),
    };
    let mut response = html(&Reports {
        page: Page::new("Rapporter", PATH),
        request_id: handslag_platform::id::new().to_string(),
        latest: latest
            .iter()
            .take(10)
            .map(|report| line(report, &boards))
            .collect(),
        boards: parts::named(&boards, ""),
        years: (FIRST_YEAR..=this_year).rev().collect(),
        chosen_year: began.map_or(this_year, |day| day.year),
        formats: parts::fixed(labels::FORMATS, labels::FORMATS.first()),
        latest_missing,
    })?;
    // A page out of a cache would carry somebody else's identity.
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// Orders the report and leads to the page that tells how it goes.
pub(super) async fn order(
    State(app): State<App>,
    form: Result<Form<Order>, FormRejection>,
) -> Result<Response, PageError> {
    let Form(order) =
        form.map_err(|_| PageError::BadRequest("Formuläret är inte fullständigt.".into()))?;
    let request = request(order)?;
    let answer = app
        .clients
        .reporting(request, |mut c, r| async move { c.create_report(r).await })
        .await?;
    let report = answer
        .report
        .ok_or_else(|| PageError::Internal("no report was answered".into()))?;
    Ok(Redirect::to(&format!("{PATH}/{}", view::last(&report.name))).into_response())
}

fn request(order: Order) -> Result<CreateReportRequest, PageError> {
    let refused = |what: &str| PageError::BadRequest(what.to_owned());
    let code = order.board.as_str();
    if code.is_empty()
        || code.len() > 40
        || !code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        return Err(refused("Välj en nämnd i listan."));
    }
    let year = order
        .year
        .parse()
        .map_err(|_| refused("Välj ett år i listan."))?;
    let format = labels::FORMATS
        .iter()
        .find(|label| label.code == order.format)
        .ok_or_else(|| refused("Välj ett format i listan."))?
        .value;
    if order.request_id.len() > 40 {
        return Err(refused(
            "Formuläret går inte att känna igen. Öppna sidan på nytt.",
        ));
    }
    Ok(CreateReportRequest {
        request_id: order.request_id,
        board: format!("boards/{code}"),
        year,
        format,
    })
}

fn line(report: &Report, boards: &[(String, String)]) -> Line {
    Line {
        id: view::last(&report.name).into(),
        board: board_title(&report.board, boards),
        year: report.year,
        format: format_name(report.format),
        state: labels::of(labels::REPORTS, report.state),
        ordered: view::instant(report.created_at.as_ref()),
    }
}

/// A format's short name.
pub(super) fn format_name(format: i32) -> &'static str {
    if format == ReportFormat::Pdf as i32 {
        "PDF"
    } else {
        "HTML"
    }
}

/// A board's name, or its code.
pub(super) fn board_title(name: &str, boards: &[(String, String)]) -> String {
    boards
        .iter()
        .find(|(known, _)| known == name)
        .map_or_else(|| view::last(name).to_owned(), |(_, title)| title.clone())
}
