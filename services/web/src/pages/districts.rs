//! The district boards' discussions of the principles. Never a judgement: discussed, not yet, by a
//! predecessor.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use handslag_proto::{
    commitments::v1::{Deliberation, DeliberationState, ListDeliberationsRequest},
    registry::v1::DistrictBoard,
};

use crate::{
    app::App,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    reads, view,
};

struct Discussion {
    held_on: String,
    paragraph: String,
    note: String,
    /// The predecessor that held it; empty when the board itself did.
    by: String,
}

struct District {
    name: String,
    state: &'static Label,
    predecessors: String,
    discussions: Vec<Discussion>,
}

#[derive(Template)]
#[template(path = "districts.html")]
struct Districts {
    page: Page,
    districts: Vec<District>,
    discussed: usize,
    past: Vec<(String, String, String)>,
}

/// Shows every board of today.
pub(super) async fn page(State(app): State<App>) -> Result<Response, PageError> {
    let clients = &app.clients;
    let (framework, boards) =
        tokio::join!(reads::framework(clients), reads::district_boards(clients));
    let boards = boards?;
    let mut districts = Vec::new();
    if let Some(agreement) = framework? {
        let request = ListDeliberationsRequest {
            agreement: agreement.name,
            as_of: None,
        };
        let answer = clients
            .commitments(
                request,
                |mut c, r| async move { c.list_deliberations(r).await },
            )
            .await?;
        districts = answer
            .districts
            .into_iter()
            .map(|district| District {
                name: view::text(district.title.as_ref()),
                state: labels::of(labels::DELIBERATIONS, district.state),
                predecessors: predecessors(&district.district_board, &boards),
                discussions: district
                    .deliberations
                    .into_iter()
                    .map(|d| discussion(d, &district.district_board, &boards))
                    .collect(),
            })
            .collect();
    }
    let not_yet = labels::of(labels::DELIBERATIONS, DeliberationState::NotYet.into()).code;
    html(&Districts {
        page: Page::new("Stadsdelar", "/stadsdelar"),
        discussed: districts.iter().filter(|d| d.state.code != not_yet).count(),
        districts,
        past: past(&boards),
    })
}

fn title(name: &str, boards: &BTreeMap<String, DistrictBoard>) -> String {
    boards.get(name).map_or_else(
        || view::last(name).to_owned(),
        |board| view::text(board.title.as_ref()),
    )
}

fn predecessors(name: &str, boards: &BTreeMap<String, DistrictBoard>) -> String {
    let names: Vec<String> = boards
        .get(name)
        .map(|board| {
            board
                .predecessors
                .iter()
                .map(|p| title(p, boards))
                .collect()
        })
        .unwrap_or_default();
    view::listed(&names)
}

fn discussion(
    deliberation: Deliberation,
    board: &str,
    boards: &BTreeMap<String, DistrictBoard>,
) -> Discussion {
    let by = if deliberation.district_board == board {
        String::new()
    } else {
        title(&deliberation.district_board, boards)
    };
    Discussion {
        held_on: view::partial(deliberation.held_on.as_ref()),
        paragraph: deliberation.paragraph,
        note: deliberation.note,
        by,
    }
}

/// Boards that have ended: name, last successor, since when.
fn past(boards: &BTreeMap<String, DistrictBoard>) -> Vec<(String, String, String)> {
    boards
        .values()
        .filter(|board| !board.successor.is_empty())
        .map(|board| {
            (
                view::text(board.title.as_ref()),
                title(&board.successor, boards),
                view::date(board.succeeded_on.as_ref()),
            )
        })
        .collect()
}
