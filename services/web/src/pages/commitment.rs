//! One commitment: who promised it, what it serves, what is done about it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use handslag_proto::commitments::v1::{GetCommitmentRequest, ListActionsRequest};

use crate::{
    app::App,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    pages::{
        commitments::{principle_names, principles},
        parts::{self, ActionView},
    },
    reads, view,
};

struct BearerView {
    party: String,
    answer: &'static str,
    answered_on: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "commitment.html")]
struct CommitmentPage {
    page: Page,
    text: String,
    state: &'static Label,
    example: bool,
    joint: bool,
    area: String,
    principles: Vec<String>,
    proposer: String,
    binding_since: String,
    law: Option<&'static str>,
    diversity: Option<String>,
    bearers: Vec<BearerView>,
    actions: Vec<ActionView>,
}

/// Shows one commitment.
pub(super) async fn page(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let name = format!("commitments/{}", parts::id(&id)?);
    let clients = &app.clients;
    let request = GetCommitmentRequest { name: name.clone() };
    let actions = ListActionsRequest {
        commitment: name,
        page_size: reads::LARGEST_PAGE,
        ..Default::default()
    };
    let (names, framework, commitment, actions) = tokio::join!(
        reads::names(clients),
        reads::framework(clients),
        clients.commitments(request, |mut c, r| async move { c.get_commitment(r).await }),
        clients.commitments(actions, |mut c, r| async move { c.list_actions(r).await }),
    );
    let commitment = commitment?.commitment.ok_or(PageError::NotFound)?;
    let known = principles(framework.ok().flatten().as_ref());
    let diversity = (commitment.diversity != 0).then(|| {
        let sense = labels::of(labels::DIVERSITY, commitment.diversity).swedish;
        if commitment.diversity_ground.is_empty() {
            sense.to_owned()
        } else {
            format!("{sense} ({})", commitment.diversity_ground)
        }
    });
    let bearers = commitment.bearers.iter().map(|bearer| BearerView {
        party: view::capital(&names.party(&bearer.party)),
        answer: labels::of(labels::ANSWERS, bearer.answer).swedish,
        answered_on: view::day_of(bearer.answered_at.as_ref()),
        reason: bearer.reason.clone(),
    });
    let actions = actions?.actions.into_iter();
    html(&CommitmentPage {
        page: Page::new("Åtagande", "/ataganden")
            .below("Åtaganden", "/ataganden")
            .notice(names.notice()),
        state: labels::of(labels::COMMITMENTS, commitment.state),
        example: commitment.example,
        joint: commitment.bearers.len() > 1,
        area: names.area(&commitment.area),
        principles: principle_names(&commitment.principles, &known),
        proposer: view::capital(&names.party(&commitment.proposer)),
        binding_since: view::day_of(commitment.binding_since.as_ref()),
        law: (commitment.legal_basis != 0)
            .then(|| labels::of(labels::LAWS, commitment.legal_basis).swedish),
        diversity,
        bearers: bearers.collect(),
        actions: actions
            .map(|action| parts::action(action, &names, |_| String::new()))
            .collect(),
        text: commitment.text,
    })
}
