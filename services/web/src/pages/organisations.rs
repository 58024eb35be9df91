//! The register with search.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use handslag_proto::registry::v1::{
    GetSignatoryRequest, ListOrganisationsRequest, ListSignatoriesRequest, Organisation,
    OrganisationFilter, OrganisationOrder,
};

use crate::{
    app::App,
    clients::Clients,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    pages::parts::{self, Choice},
    params::{Params, address},
    reads, view,
};

/// Organisations on a page: a screen or two.
const PAGE_SIZE: i32 = 25;
const PATH: &str = "/organisationer";

const ORDERS: &[Label] = &[
    Label {
        code: "namn",
        value: OrganisationOrder::Name as i32,
        swedish: "Namn, A–Ö",
    },
    Label {
        code: "nyast",
        value: OrganisationOrder::Newest as i32,
        swedish: "Senast införda",
    },
];

struct Row {
    id: String,
    name: String,
    number: String,
    kind: &'static str,
    roles: String,
    areas: String,
    relation: Option<&'static Label>,
    example: bool,
}

struct Form {
    q: String,
    kinds: Vec<Choice>,
    roles: Vec<Choice>,
    areas: Vec<Choice>,
    relations: Vec<Choice>,
    orders: Vec<Choice>,
    without_examples: bool,
}

#[derive(Template)]
#[template(path = "organisations.html")]
struct Organisations {
    page: Page,
    form: Form,
    rows: Vec<Row>,
    total: String,
    filtered: bool,
    first_page: Option<String>,
    next_page: Option<String>,
}

struct Query {
    q: String,
    kind: Option<&'static Label>,
    role: Option<&'static Label>,
    area: String,
    relation: Option<&'static Label>,
    order: Option<&'static Label>,
    without_examples: bool,
    token: String,
}

impl Query {
    fn read(params: &Params) -> Result<Self, PageError> {
        Ok(Self {
            q: params.text("q")?,
            kind: params.choice("form", labels::KINDS)?,
            role: params.choice("roll", labels::ROLES)?,
            area: params.code("omrade")?,
            relation: params.choice("status", labels::RELATIONS)?,
            order: params.choice("ordning", ORDERS)?,
            without_examples: params.ticked("utan_exempel"),
            token: params.token()?,
        })
    }

    fn request(&self, agreement: &str) -> ListOrganisationsRequest {
        let value = |label: Option<&Label>| label.map_or(0, |l| l.value);
        // A state is a state towards an agreement; without the question the agreement must not
        // narrow the list.
        let (agreement, states) = match self.relation {
            Some(relation) => (agreement.to_owned(), vec![relation.value]),
            None => (String::new(), Vec::new()),
        };
        ListOrganisationsRequest {
            filter: Some(OrganisationFilter {
                query: self.q.clone(),
                kind: value(self.kind),
                level: 0,
                role: value(self.role),
                area: if self.area.is_empty() {
                    String::new()
                } else {
                    format!("areas/{}", self.area)
                },
                agreement,
                states,
                exclude_examples: self.without_examples,
            }),
            order: value(self.order),
            page_size: PAGE_SIZE,
            page_token: self.token.clone(),
        }
    }

    fn address(&self, token: &str) -> String {
        let code = |label: Option<&'static Label>| label.map_or("", |l| l.code);
        address(
            PATH,
            &[
                ("q", &self.q),
                ("form", code(self.kind)),
                ("roll", code(self.role)),
                ("omrade", &self.area),
                ("status", code(self.relation)),
                ("ordning", code(self.order)),
                (
                    "utan_exempel",
                    if self.without_examples { "ja" } else { "" },
                ),
                ("sida", token),
            ],
        )
    }

    fn filtered(&self) -> bool {
        !self.q.is_empty()
            || self.kind.is_some()
            || self.role.is_some()
            || !self.area.is_empty()
            || self.relation.is_some()
            || self.without_examples
    }
}

/// Shows a page of the register.
pub(super) async fn page(State(app): State<App>, params: Params) -> Result<Response, PageError> {
    let query = Query::read(&params)?;
    let clients = &app.clients;
    let (names, framework) = tokio::join!(reads::names(clients), reads::framework(clients));
    let agreement = framework?
        .map(|agreement| agreement.name)
        .unwrap_or_default();
    let answer = clients
        .registry(query.request(&agreement), |mut c, r| async move {
            c.list_organisations(r).await
        })
        .await?;
    let relations = relations(clients, &agreement, &answer.organisations).await?;
    let rows = answer.organisations.into_iter().map(|organisation| Row {
        id: view::last(&organisation.name).into(),
        relation: relations
            .get(&organisation.name)
            .map(|s| labels::of(labels::RELATIONS, *s)),
        kind: labels::of(labels::KINDS, organisation.kind).swedish,
        roles: roles(&organisation.roles),
        areas: view::listed(
            &organisation
                .areas
                .iter()
                .map(|a| names.area(a))
                .collect::<Vec<_>>(),
        ),
        name: organisation.display_name,
        number: organisation.number,
        example: organisation.example,
    });
    html(&Organisations {
        page: Page::new("Organisationer", PATH).notice(names.notice()),
        rows: rows.collect(),
        total: view::counted(answer.total_size.into(), "organisation", "organisationer"),
        filtered: query.filtered(),
        first_page: (!query.token.is_empty()).then(|| query.address("")),
        next_page: (!answer.next_page_token.is_empty())
            .then(|| query.address(&answer.next_page_token)),
        form: Form {
            kinds: parts::fixed(labels::KINDS, query.kind),
            roles: parts::fixed(labels::ROLES, query.role),
            areas: parts::named(&names.areas, &query.area),
            relations: parts::fixed(labels::RELATIONS, query.relation),
            orders: parts::fixed(ORDERS, query.order),
            without_examples: query.without_examples,
            q: query.q,
        },
    })
}

/// Roles in a row.
pub(super) fn roles(roles: &[i32]) -> String {
    let names: Vec<String> = roles
        .iter()
        .map(|role| labels::of(labels::ROLES, *role).swedish.to_lowercase())
        .collect();
    view::capital(&view::listed(&names))
}

/// Where the organisations of a page stand towards the agreement. One call tells it of the first
/// 500; those beyond are asked for one by one, at most a page of them.
async fn relations(
    clients: &Clients,
    agreement: &str,
    shown: &[Organisation],
) -> Result<BTreeMap<String, i32>, PageError> {
    if agreement.is_empty() || shown.is_empty() {
        return Ok(BTreeMap::new());
    }
    let request = ListSignatoriesRequest {
        agreement: agreement.to_owned(),
        page_size: reads::LARGEST_PAGE,
        ..Default::default()
    };
    let answer = clients
        .registry(
            request,
            |mut c, r| async move { c.list_signatories(r).await },
        )
        .await?;
    let mut relations: BTreeMap<String, i32> = answer
        .signatories
        .into_iter()
        .map(|s| (s.organisation, s.state))
        .collect();
    if answer.next_page_token.is_empty() {
        return Ok(relations);
    }
    let unknown = shown
        .iter()
        .filter(|o| !relations.contains_key(&o.name))
        .map(|o| async move {
            let name = format!("{agreement}/signatories/{}", view::last(&o.name));
            let request = GetSignatoryRequest { name, as_of: None };
            let answer = clients
                .registry(request, |mut c, r| async move { c.get_signatory(r).await })
                .await;
            match answer {
                Ok(answer) => Ok(answer.signatory.map(|s| (s.organisation, s.state))),
                Err(PageError::NotFound) => Ok(None),
                Err(error) => Err(error),
            }
        });
    let found = futures_util::future::try_join_all(unknown).await?;
    relations.extend(found.into_iter().flatten());
    Ok(relations)
}
