//! How an ordered report goes, and the report itself.
//!
//! # Design notes
//! A page that reloads by itself takes the reading place away from those who listen to it (WCAG
//! 2.2.1), and axe counts it as a fault. So the page waits for the report, on the server, for as
//! long as one is usually made; when it takes longer the reader asks again, or chooses a page that
//! does so by itself.

use std::time::Duration;

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::{StreamExt, stream};
use handslag_proto::reporting::v1::{
    DownloadReportRequest, DownloadReportResponse, GetReportRequest, Report, ReportFormat,
    ReportState,
};

use crate::{
    app::App,
    clients::Clients,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    pages::{
        parts,
        reports::{board_title, format_name},
    },
    params::Params,
    reads, security, view,
};

/// Pauses between questions while the page waits: 7.7 seconds in all, quick at first.
const PAUSES_MS: [u64; 8] = [100, 200, 400, 600, 1_000, 1_400, 2_000, 2_000];
/// Seconds between questions of a page that asks by itself.
const REFRESH_SECONDS: u32 = 5;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    page: Page,
    id: String,
    board: String,
    year: i32,
    format: &'static str,
    state: &'static Label,
    ready: bool,
    failed: bool,
    is_page: bool,
    size: String,
    failure: String,
    ordered: String,
    as_of: String,
    refreshing: bool,
}

/// Shows where a report stands, waiting a little for it.
pub(super) async fn page(
    State(app): State<App>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, PageError> {
    let name = format!("reports/{}", parts::id(&id)?);
    let (report, boards) = tokio::join!(finished(&app.clients, &name), reads::boards(&app.clients));
    let report = report?;
    let boards: Vec<(String, String)> = boards
        .unwrap_or_default()
        .into_iter()
        .map(|board| (board.name, view::text(board.title.as_ref())))
        .collect();
    let running = report.state == ReportState::Running as i32;
    let refreshing = running && params.ticked("automatiskt");
    let board = board_title(&report.board, &boards);
    let title = format!("Rapport för {board} {}", report.year);
    let page = Page::new(title, "/rapporter").below("Rapporter", "/rapporter");
    let mut response = html(&ReportPage {
        page: Page {
            refresh: refreshing.then_some(REFRESH_SECONDS),
            ..page
        },
        id,
        board,
        year: report.year,
        format: format_name(report.format),
        state: labels::of(labels::REPORTS, report.state),
        ready: report.state == ReportState::Ready as i32,
        failed: report.state == ReportState::Failed as i32,
        is_page: report.format == ReportFormat::Html as i32,
        size: view::size(report.size_bytes),
        failure: report.failure,
        ordered: view::instant(report.created_at.as_ref()),
        as_of: view::instant(report.freshness.and_then(|f| f.as_of).as_ref()),
        refreshing,
    })?;
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// Passes a report through piece by piece; it is never held here as a whole.
pub(super) async fn file(
    State(app): State<App>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, PageError> {
    let request = DownloadReportRequest {
        name: format!("reports/{}", parts::id(&id)?),
    };
    let mut pieces = app
        .clients
        .reporting(
            request,
            |mut c, r| async move { c.download_report(r).await },
        )
        .await?;
    let internal = |what: String| PageError::Internal(format!("download: {what}"));
    let first = pieces
        .message()
        .await
        .map_err(|status| internal(status.to_string()))?
        .ok_or_else(|| internal("empty".into()))?;
    let media_type = known_media_type(&first).ok_or_else(|| internal(first.media_type.clone()))?;
    let file_name = safe_name(&first.file_name);
    let rest = pieces.map(|piece| piece.map(|p: DownloadReportResponse| Bytes::from(p.content)));
    let content = stream::once(async { Ok(Bytes::from(first.content)) }).chain(rest);
    let how = if params.ticked("visa") {
        "inline"
    } else {
        "attachment"
    };
    Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(
            header::CONTENT_DISPOSITION,
            format!("{how}; filename=\"{file_name}\""),
        )
        .header(header::CONTENT_SECURITY_POLICY, security::REPORT_POLICY)
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::from_stream(content))
        .map_err(|error| internal(error.to_string()))
}

async fn finished(clients: &Clients, name: &str) -> Result<Report, PageError> {
    let mut report = read(clients, name).await?;
    for pause in PAUSES_MS {
        if report.state != ReportState::Running as i32 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
        report = read(clients, name).await?;
    }
    Ok(report)
}

async fn read(clients: &Clients, name: &str) -> Result<Report, PageError> {
    let request = GetReportRequest {
        name: name.to_owned(),
    };
    let answer = clients
        .reporting(request, |mut c, r| async move { c.get_report(r).await })
        .await?;
    answer.report.ok_or(PageError::NotFound)
}

/// Only what a report can be; anything else would be shown in our name.
fn known_media_type(piece: &DownloadReportResponse) -> Option<&'static str> {
    ["application/pdf", "text/html; charset=utf-8"]
        .into_iter()
        .find(|known| *known == piece.media_type)
}

/// A file name that needs no quoting in a header.
fn safe_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            'å' | 'ä' => 'a',
            'ö' => 'o',
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') => c,
            _ => '-',
        })
        .take(100)
        .collect();
    if plain.trim_matches(['.', '-']).is_empty() {
        "rapport".into()
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(
            safe_name("socialnämnden 2012.pdf"),
            "socialnamnden-2012.pdf"
        );
        assert_eq!(safe_name("a\"\r\nSet-Cookie: x"), "a---Set-Cookie--x");
        assert_eq!(safe_name(""), "rapport");
    }
}
