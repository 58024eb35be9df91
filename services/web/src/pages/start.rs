//! The start page: what it is, how long it holds, who is in it, what is being done.

use askama::Template;
use axum::{extract::State, response::Response};
use handslag_proto::{
    commitments::v1::{ListActionPlansRequest, ListActionsRequest},
    registry::v1::{Agreement, ListSignatoriesRequest, SignatoryState},
    reporting::v1::GetSignatoriesOverTimeRequest,
};

use crate::{
    app::App,
    chart,
    clients::Clients,
    error::{PageError, html},
    labels,
    layout::Page,
    pages::{
        agreement::{TermView, term},
        parts::{self, ActionView, FigureView, figure},
    },
    reads::{self, Names},
    view,
};

/// How many measures of the plan are shown.
const LATEST: usize = 4;

struct Curve {
    curve: chart::Curve,
    as_of: String,
}

struct Signed {
    all: i32,
    examples: i32,
}

struct Framework {
    title: String,
    state: &'static labels::Label,
    parties: String,
    areas: String,
    principles: Vec<String>,
    term: Option<TermView>,
}

#[derive(Template)]
#[template(path = "start.html")]
struct Start {
    page: Page,
    framework: Option<Framework>,
    signed: Signed,
    figures: Vec<FigureView>,
    curve: Option<Curve>,
    curve_missing: bool,
    actions: Vec<ActionView>,
    plan_missing: bool,
}

/// Shows the start page. Without the registry there is nothing to say; the curve and the plan may
/// be missing.
pub(super) async fn page(State(app): State<App>) -> Result<Response, PageError> {
    let clients = &app.clients;
    let names = reads::names(clients).await;
    let Some(agreement) = reads::framework(clients).await? else {
        return html(&empty());
    };
    let name = agreement.name.clone();
    let (signed, figures, curve, actions) = tokio::join!(
        signed(clients, &name),
        reads::figures(clients, &name),
        curve(clients, &name),
        latest(clients, &name, &names),
    );
    let (curve, curve_missing) = match curve {
        Ok(curve) => (curve, false),
        Err(_) => (None, true),
    };
    let (actions, plan_missing) = match actions {
        Ok(actions) => (actions, false),
        Err(_) => (Vec::new(), true),
    };
    html(&Start {
        page: Page::new("Handslag", "/").notice(names.notice()),
        framework: Some(framework(&agreement, &names)),
        signed: signed?,
        figures: figures?.iter().map(figure).collect(),
        curve,
        curve_missing,
        actions,
        plan_missing,
    })
}

fn empty() -> Start {
    Start {
        page: Page::new("Handslag", "/"),
        framework: None,
        signed: Signed {
            all: 0,
            examples: 0,
        },
        figures: Vec::new(),
        curve: None,
        curve_missing: false,
        actions: Vec::new(),
        plan_missing: false,
    }
}

fn framework(agreement: &Agreement, names: &Names) -> Framework {
    let titles = |list: &[String], of: &dyn Fn(&str) -> String| {
        view::listed(&list.iter().map(|name| of(name)).collect::<Vec<_>>())
    };
    Framework {
        title: view::text(agreement.title.as_ref()),
        state: labels::of(labels::AGREEMENTS, agreement.state),
        parties: titles(&agreement.parties, &|name| names.party(name)),
        areas: titles(&agreement.areas, &|name| names.area(name)),
        principles: agreement
            .principles
            .iter()
            .map(|p| view::text(p.title.as_ref()))
            .collect(),
        term: agreement.term.as_ref().map(|t| term(t, agreement)),
    }
}

async fn signed(clients: &Clients, agreement: &str) -> Result<Signed, PageError> {
    let count = |exclude_examples| async move {
        let request = ListSignatoriesRequest {
            agreement: agreement.to_owned(),
            states: vec![SignatoryState::Signed.into()],
            exclude_examples,
            page_size: 1,
            ..Default::default()
        };
        let answer = clients
            .registry(
                request,
                |mut c, r| async move { c.list_signatories(r).await },
            )
            .await?;
        Ok::<_, PageError>(answer.total_size)
    };
    let (all, real) = tokio::try_join!(count(false), count(true))?;
    Ok(Signed {
        all,
        examples: all - real,
    })
}

async fn curve(clients: &Clients, agreement: &str) -> Result<Option<Curve>, PageError> {
    let request = GetSignatoriesOverTimeRequest {
        agreement: agreement.to_owned(),
        ..Default::default()
    };
    let answer = clients
        .reporting(request, |mut c, r| async move {
            c.get_signatories_over_time(r).await
        })
        .await?;
    let as_of = view::instant(answer.freshness.and_then(|f| f.as_of).as_ref());
    Ok(chart::curve(&answer.points).map(|curve| Curve { curve, as_of }))
}

/// Measures of the newest plan, those last reported on first.
async fn latest(
    clients: &Clients,
    agreement: &str,
    names: &Names,
) -> Result<Vec<ActionView>, PageError> {
    let request = ListActionPlansRequest {
        agreement: agreement.to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let plans = clients
        .commitments(
            request,
            |mut c, r| async move { c.list_action_plans(r).await },
        )
        .await?;
    let Some(plan) = plans.action_plans.into_iter().next() else {
        return Ok(Vec::new());
    };
    let request = ListActionsRequest {
        action_plan: plan.name,
        page_size: reads::LARGEST_PAGE,
        ..Default::default()
    };
    let mut actions = clients
        .commitments(request, |mut c, r| async move { c.list_actions(r).await })
        .await?
        .actions;
    actions.sort_by_key(|action| {
        let day = action.reports.last().and_then(|r| r.reported_on);
        std::cmp::Reverse(day.map(|d| (d.year, d.month, d.day)))
    });
    actions.truncate(LATEST);
    Ok(actions
        .into_iter()
        .map(|a| parts::action(a, names, |_| String::new()))
        .collect())
}
