//! What the parties have promised.

use askama::Template;
use axum::{extract::State, response::Response};
use handslag_proto::{
    commitments::v1::{Commitment, ListCommitmentsRequest},
    registry::v1::Agreement,
};

use crate::{
    app::App,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    pages::parts::{self, Choice},
    params::{Params, address},
    reads::{self, Names},
    view,
};

/// Commitments on a page.
const PAGE_SIZE: i32 = 25;
const PATH: &str = "/ataganden";

/// A commitment as it is shown in the list.
struct Item {
    id: String,
    text: String,
    state: &'static Label,
    bearers: String,
    joint: bool,
    area: String,
    principles: String,
    example: bool,
}

#[derive(Template)]
#[template(path = "commitments.html")]
struct Commitments {
    page: Page,
    items: Vec<Item>,
    total: String,
    areas: Vec<Choice>,
    principles: Vec<Choice>,
    bearers: Vec<Choice>,
    states: Vec<Choice>,
    without_examples: bool,
    filtered: bool,
    first_page: Option<String>,
    next_page: Option<String>,
}

struct Query {
    area: String,
    principle: String,
    bearer: String,
    state: Option<&'static Label>,
    without_examples: bool,
    token: String,
}

impl Query {
    fn read(params: &Params) -> Result<Self, PageError> {
        Ok(Self {
            area: params.code("omrade")?,
            principle: params.code("princip")?,
            bearer: params.code("part")?,
            state: params.choice("status", labels::COMMITMENTS)?,
            without_examples: params.ticked("utan_exempel"),
            token: params.token()?,
        })
    }

    fn request(&self) -> ListCommitmentsRequest {
        let name = |kind: &str, code: &str| {
            if code.is_empty() {
                String::new()
            } else {
                format!("{kind}/{code}")
            }
        };
        ListCommitmentsRequest {
            agreement: String::new(),
            area: name("areas", &self.area),
            principle: self.principle.clone(),
            bearer: name("parties", &self.bearer),
            state: self.state.map_or(0, |state| state.value),
            exclude_examples: self.without_examples,
            page_size: PAGE_SIZE,
            page_token: self.token.clone(),
        }
    }

    fn address(&self, token: &str) -> String {
        address(
            PATH,
            &[
                ("omrade", &self.area),
                ("princip", &self.principle),
                ("part", &self.bearer),
                ("status", self.state.map_or("", |state| state.code)),
                (
                    "utan_exempel",
                    if self.without_examples { "ja" } else { "" },
                ),
                ("sida", token),
            ],
        )
    }

    fn filtered(&self) -> bool {
        self.address("") != PATH
    }
}

/// Shows a page of commitments.
pub(super) async fn page(State(app): State<App>, params: Params) -> Result<Response, PageError> {
    let query = Query::read(&params)?;
    let clients = &app.clients;
    let (names, framework, answer) = tokio::join!(
        reads::names(clients),
        reads::framework(clients),
        clients.commitments(query.request(), |mut c, r| async move {
            c.list_commitments(r).await
        }),
    );
    let answer = answer?;
    let principles = principles(framework.ok().flatten().as_ref());
    let items = answer
        .commitments
        .into_iter()
        .map(|c| item(c, &names, &principles))
        .collect();
    html(&Commitments {
        page: Page::new("Åtaganden", PATH).notice(names.notice()),
        items,
        total: view::counted(answer.total_size.into(), "åtagande", "åtaganden"),
        areas: parts::named(&names.areas, &query.area),
        principles: parts::named(&principles, &query.principle),
        bearers: parts::named(&names.parties, &query.bearer),
        states: parts::fixed(labels::COMMITMENTS, query.state),
        without_examples: query.without_examples,
        filtered: query.filtered(),
        first_page: (!query.token.is_empty()).then(|| query.address("")),
        next_page: (!answer.next_page_token.is_empty())
            .then(|| query.address(&answer.next_page_token)),
    })
}

/// Codes and names of an agreement's principles.
pub(super) fn principles(agreement: Option<&Agreement>) -> Vec<(String, String)> {
    agreement.map_or_else(Vec::new, |agreement| {
        agreement
            .principles
            .iter()
            .map(|p| (p.code.clone(), view::text(p.title.as_ref())))
            .collect()
    })
}

/// The names of principles, or their codes where the agreement does not know them.
pub(super) fn principle_names(codes: &[String], known: &[(String, String)]) -> Vec<String> {
    codes
        .iter()
        .map(|code| {
            known
                .iter()
                .find(|(k, _)| k == code)
                .map_or_else(|| code.clone(), |(_, t)| t.clone())
        })
        .collect()
}

fn item(commitment: Commitment, names: &Names, principles: &[(String, String)]) -> Item {
    let bearers: Vec<String> = commitment
        .bearers
        .iter()
        .map(|bearer| names.party(&bearer.party))
        .collect();
    Item {
        id: view::last(&commitment.name).into(),
        text: commitment.text,
        state: labels::of(labels::COMMITMENTS, commitment.state),
        joint: bearers.len() > 1,
        bearers: view::capital(&view::listed(&bearers)),
        area: names.area(&commitment.area),
        principles: view::listed(&principle_names(&commitment.principles, principles)),
        example: commitment.example,
    }
}
