//! The yearly rounds: each party accounts for its own part, and a missing account is shown as
//! missing.

use askama::Template;
use axum::{extract::State, response::Response};
use handslag_proto::commitments::v1::{AccountState, FollowUp, ListFollowUpsRequest};

use crate::{
    app::App,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    reads::{self, Names},
    view,
};

struct AccountView {
    party: String,
    missing: bool,
    submitted_on: String,
    late: bool,
    light: bool,
    example: bool,
    summary: String,
}

struct Round {
    year: i32,
    state: &'static Label,
    due_on: String,
    published_on: String,
    missing: String,
    accounts: Vec<AccountView>,
}

#[derive(Template)]
#[template(path = "follow_ups.html")]
struct FollowUps {
    page: Page,
    rounds: Vec<Round>,
}

/// Shows every round, newest year first.
pub(super) async fn page(State(app): State<App>) -> Result<Response, PageError> {
    let clients = &app.clients;
    let rounds = reads::every(|page_token| async {
        let request = ListFollowUpsRequest {
            agreement: String::new(),
            page_size: reads::LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .commitments(
                request,
                |mut c, r| async move { c.list_follow_ups(r).await },
            )
            .await?;
        Ok((answer.follow_ups, answer.next_page_token))
    });
    let (names, rounds) = tokio::join!(reads::names(clients), rounds);
    html(&FollowUps {
        page: Page::new("Uppföljning", "/uppfoljning").notice(names.notice()),
        rounds: rounds?.into_iter().map(|r| round(r, &names)).collect(),
    })
}

fn round(round: FollowUp, names: &Names) -> Round {
    let accounts: Vec<AccountView> = round
        .accounts
        .into_iter()
        .map(|account| AccountView {
            party: view::capital(&names.party(&account.party)),
            missing: account.state != AccountState::Submitted as i32,
            submitted_on: view::date(account.submitted_on.as_ref()),
            late: account.late,
            light: account.light,
            example: account.example,
            summary: account.summary,
        })
        .collect();
    let missing: Vec<String> = accounts
        .iter()
        .filter(|a| a.missing)
        .map(|a| a.party.clone())
        .collect();
    Round {
        year: round.year,
        state: labels::of(labels::ROUNDS, round.state),
        due_on: view::date(round.accounts_due_on.as_ref()),
        published_on: view::day_of(round.published_at.as_ref()),
        missing: view::listed(&missing),
        accounts,
    }
}
