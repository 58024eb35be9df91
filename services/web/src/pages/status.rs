//! Which parts of the service answer right now.

use askama::Template;
use axum::{extract::State, response::Response};
use handslag_proto::{
    commitments::v1::ListCommitmentsRequest, notifications::v1::ListSubscribersRequest,
    registry::v1::ListAreasRequest, reporting::v1::ListReportsRequest,
};

use crate::{
    app::App,
    error::{PageError, html},
    layout::Page,
    service::Service,
    view,
};

struct Line {
    name: String,
    pages: &'static str,
    up: bool,
}

#[derive(Template)]
#[template(path = "status.html")]
struct Status {
    page: Page,
    lines: Vec<Line>,
    all_up: bool,
}

/// Asks each service something small. Any answer will do, also one that asks who we are: inboxes
/// are not public.
pub(super) async fn page(State(app): State<App>) -> Result<Response, PageError> {
    let areas = ListAreasRequest {
        page_size: 1,
        ..Default::default()
    };
    let commitments = ListCommitmentsRequest {
        page_size: 1,
        ..Default::default()
    };
    let reports = ListReportsRequest {
        page_size: 1,
        ..Default::default()
    };
    let subscribers = ListSubscribersRequest::default();
    let answers = tokio::join!(
        app.clients
            .registry(areas, |mut c, r| async move { c.list_areas(r).await }),
        app.clients.commitments(commitments, |mut c, r| async move {
            c.list_commitments(r).await
        }),
        app.clients
            .notifications(subscribers, |mut c, r| async move {
                c.list_subscribers(r).await
            }),
        app.clients
            .reporting(reports, |mut c, r| async move { c.list_reports(r).await }),
    );
    let up = [
        answered(&answers.0),
        answered(&answers.1),
        answered(&answers.2),
        answered(&answers.3),
    ];
    let lines: Vec<Line> = Service::ALL
        .into_iter()
        .zip(up)
        .map(|(service, up)| Line {
            name: view::capital(service.swedish()),
            pages: pages(service),
            up,
        })
        .collect();
    let all_up = lines.iter().all(|line| line.up);
    html(&Status {
        page: Page::new("Driftläge", "/driftlage"),
        lines,
        all_up,
    })
}

fn answered<T>(answer: &Result<T, PageError>) -> bool {
    !matches!(answer, Err(PageError::Unavailable { .. }))
}

fn pages(service: Service) -> &'static str {
    match service {
        Service::Registry => "Överenskommelsen, organisationer, stadsdelar",
        Service::Commitments => "Åtaganden, handlingsplan, uppföljning, stadsdelar",
        Service::Notifications => "Stadsdelsnämndernas inkorgar (inte öppna sidor)",
        Service::Reporting => "Kurvan på startsidan, rapporter",
    }
}
