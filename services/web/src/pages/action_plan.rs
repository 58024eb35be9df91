//! The action plan and how it goes.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use handslag_proto::commitments::v1::{
    ActionPlan, GetActionPlanRequest, ListActionPlansRequest, ListActionsRequest,
    ListCommitmentsRequest,
};

use crate::{
    app::App,
    clients::Clients,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    pages::parts::{self, ActionView},
    reads, view,
};

const PATH: &str = "/handlingsplan";

#[derive(Template)]
#[template(path = "action_plan.html")]
struct PlanPage {
    page: Page,
    title: String,
    state: &'static Label,
    example: bool,
    starts_on: String,
    ends_on: String,
    approvals: Vec<(String, String)>,
    counts: Vec<(&'static str, usize)>,
    overdue: usize,
    actions: Vec<ActionView>,
    others: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "nothing.html")]
struct Nothing {
    page: Page,
}

/// Shows the newest plan.
pub(super) async fn newest(State(app): State<App>) -> Result<Response, PageError> {
    let mut plans = plans(&app.clients).await?;
    if plans.is_empty() {
        return html(&Nothing {
            page: Page::new("Handlingsplan", PATH),
        });
    }
    let plan = plans.remove(0);
    show(&app, plan, plans, Page::new("Handlingsplan", PATH)).await
}

/// Shows one plan.
pub(super) async fn page(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let name = format!("actionPlans/{}", parts::id(&id)?);
    let request = GetActionPlanRequest { name: name.clone() };
    let (plan, plans) = tokio::join!(
        app.clients.commitments(
            request,
            |mut c, r| async move { c.get_action_plan(r).await }
        ),
        plans(&app.clients),
    );
    let plan = plan?.action_plan.ok_or(PageError::NotFound)?;
    let mut others = plans?;
    others.retain(|other| other.name != name);
    let title = view::text(plan.title.as_ref());
    show(
        &app,
        plan,
        others,
        Page::new(title, PATH).below("Handlingsplan", PATH),
    )
    .await
}

async fn plans(clients: &Clients) -> Result<Vec<ActionPlan>, PageError> {
    reads::every(|page_token| async {
        let request = ListActionPlansRequest {
            page_size: reads::LARGEST_PAGE,
            page_token,
            ..Default::default()
        };
        let answer = clients
            .commitments(
                request,
                |mut c, r| async move { c.list_action_plans(r).await },
            )
            .await?;
        Ok((answer.action_plans, answer.next_page_token))
    })
    .await
}

async fn show(
    app: &App,
    plan: ActionPlan,
    others: Vec<ActionPlan>,
    page: Page,
) -> Result<Response, PageError> {
    let clients = &app.clients;
    let (names, actions, texts) = tokio::join!(
        reads::names(clients),
        actions(clients, &plan.name),
        commitment_texts(clients, &plan.agreement),
    );
    let texts = texts?;
    let actions: Vec<ActionView> = actions?
        .into_iter()
        .map(|action| {
            parts::action(action, &names, |name| {
                texts
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| "Åtagande".into())
            })
        })
        .collect();
    let counts = labels::ACTIONS
        .iter()
        .map(|label| {
            (
                label.swedish,
                actions
                    .iter()
                    .filter(|a| a.state.code == label.code)
                    .count(),
            )
        })
        .collect();
    let approvals = plan.approvals.iter().map(|approval| {
        (
            view::capital(&names.party(&approval.party)),
            view::day_of(approval.approved_at.as_ref()),
        )
    });
    let others = others.into_iter().map(|other| {
        (
            view::last(&other.name).to_owned(),
            view::text(other.title.as_ref()),
        )
    });
    html(&PlanPage {
        page: page.notice(names.notice()),
        title: view::text(plan.title.as_ref()),
        state: labels::of(labels::PLANS, plan.state),
        example: plan.example,
        starts_on: view::date(plan.starts_on.as_ref()),
        ends_on: view::date(plan.ends_on.as_ref()),
        approvals: approvals.collect(),
        counts,
        overdue: actions.iter().filter(|action| action.overdue).count(),
        actions,
        others: others.collect(),
    })
}

async fn actions(
    clients: &Clients,
    plan: &str,
) -> Result<Vec<handslag_proto::commitments::v1::Action>, PageError> {
    reads::every(|page_token| async {
        let request = ListActionsRequest {
            action_plan: plan.to_owned(),
            page_size: reads::LARGEST_PAGE,
            page_token,
            ..Default::default()
        };
        let answer = clients
            .commitments(request, |mut c, r| async move { c.list_actions(r).await })
            .await?;
        Ok((answer.actions, answer.next_page_token))
    })
    .await
}

/// The wording of an agreement's commitments by name.
async fn commitment_texts(
    clients: &Clients,
    agreement: &str,
) -> Result<BTreeMap<String, String>, PageError> {
    let all = reads::every(|page_token| async {
        let request = ListCommitmentsRequest {
            agreement: agreement.to_owned(),
            page_size: reads::LARGEST_PAGE,
            page_token,
            ..Default::default()
        };
        let answer = clients
            .commitments(
                request,
                |mut c, r| async move { c.list_commitments(r).await },
            )
            .await?;
        Ok((answer.commitments, answer.next_page_token))
    })
    .await?;
    Ok(all
        .into_iter()
        .map(|commitment| (commitment.name, commitment.text))
        .collect())
}
