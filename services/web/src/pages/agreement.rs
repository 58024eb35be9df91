//! The agreement and how it came to be.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use handslag_proto::registry::v1::{
    Agreement, Edition, Proceeding, Proposal, ReportedFigure, Term,
};

use crate::{
    app::App,
    error::{PageError, html},
    labels,
    layout::Page,
    pages::parts::{self, FigureView, figure},
    reads::{self, Names},
    view,
};

/// For how long an agreement holds, as it is shown.
pub(super) struct TermView {
    pub(super) starts_on: String,
    pub(super) ends_on: String,
    pub(super) evaluation_starts_on: String,
    pub(super) extension: String,
}

struct EditionView {
    number: i32,
    decided_on: String,
    decided_by: String,
    diary_numbers: String,
}

struct StatementView {
    invitation: &'static str,
    due_on: String,
    late: bool,
    on_older_draft: bool,
    answer: Option<(&'static str, String)>,
}

struct Step {
    id: String,
    kind: &'static labels::Label,
    when: String,
    machine: String,
    title: String,
    summary: String,
    actors: String,
    outcomes: Vec<&'static str>,
    diary_numbers: String,
    source: String,
    responds_to: Option<(String, String)>,
    refers_to: Option<(String, String)>,
    answers: Vec<(String, String)>,
    statement: Option<StatementView>,
    proposals: Vec<(String, String, &'static str)>,
}

struct Year {
    year: String,
    steps: Vec<Step>,
}

struct ProposalView {
    id: String,
    title: String,
    state: &'static labels::Label,
    raised_in: Vec<(String, String)>,
    resolution: String,
    resolved_on: String,
}

#[derive(Template)]
#[template(path = "agreement.html")]
struct AgreementPage {
    page: Page,
    title: String,
    kind: &'static str,
    state: &'static labels::Label,
    parties: Vec<String>,
    areas: Vec<String>,
    principles: Vec<String>,
    term: Option<TermView>,
    editions: Vec<EditionView>,
    years: Vec<Year>,
    step_count: String,
    proposals: Vec<ProposalView>,
    figures: Vec<FigureView>,
}

#[derive(Template)]
#[template(path = "nothing.html")]
struct Nothing {
    page: Page,
}

/// Shows the newest agreement for the whole city.
pub(super) async fn newest(State(app): State<App>) -> Result<Response, PageError> {
    match reads::framework(&app.clients).await? {
        Some(agreement) => show(&app, agreement).await,
        None => html(&Nothing {
            page: Page::new("Överenskommelsen", "/overenskommelsen"),
        }),
    }
}

/// Shows one agreement.
pub(super) async fn page(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let name = format!("agreements/{}", parts::id(&id)?);
    let agreement = reads::agreement(&app.clients, name).await?;
    show(&app, agreement).await
}

/// A term with the sentence about its extension.
pub(super) fn term(term: &Term, agreement: &Agreement) -> TermView {
    let years = view::counted(agreement.term_years.into(), "år", "år");
    let extension = match (term.extensions, agreement.max_extensions) {
        (0, 0) => "Avtalsperioden förlängs inte av sig själv.".to_owned(),
        (0, times) => format!(
            "Om inget annat beslutas förlängs den {}, med {years}.",
            if times == 1 {
                "en gång".to_owned()
            } else {
                format!("högst {times} gånger")
            }
        ),
        (1, _) => format!("Den har förlängts en gång, med {years}; det är inräknat i slutdatumet."),
        (times, _) => {
            format!("Den har förlängts {times} gånger, med {years} var; det är inräknat.")
        }
    };
    TermView {
        starts_on: view::partial(term.starts_on_as_recorded.as_ref()),
        ends_on: view::date(term.ends_on.as_ref()),
        evaluation_starts_on: view::date(term.evaluation_starts_on.as_ref()),
        extension,
    }
}

async fn show(app: &App, agreement: Agreement) -> Result<Response, PageError> {
    let clients = &app.clients;
    let (names, proceedings, proposals, figures) = tokio::join!(
        reads::names(clients),
        reads::proceedings(clients, &agreement.name),
        reads::proposals(clients, &agreement.name),
        reads::figures(clients, &agreement.name),
    );
    html(&assemble(
        agreement,
        &names,
        &proceedings?,
        &proposals?,
        &figures?,
    ))
}

fn assemble(
    agreement: Agreement,
    names: &Names,
    proceedings: &[Proceeding],
    proposals: &[Proposal],
    figures: &[ReportedFigure],
) -> AgreementPage {
    let step_count = view::counted(
        i64::try_from(proceedings.len()).unwrap_or(0),
        "steg",
        "steg",
    );
    let titles: BTreeMap<String, String> = proceedings
        .iter()
        .map(|p| (p.name.clone(), view::text(p.title.as_ref())))
        .collect();
    AgreementPage {
        page: Page::new("Överenskommelsen", "/overenskommelsen").notice(names.notice()),
        title: view::text(agreement.title.as_ref()),
        kind: labels::of(labels::AGREEMENT_KINDS, agreement.kind).swedish,
        state: labels::of(labels::AGREEMENTS, agreement.state),
        parties: agreement
            .parties
            .iter()
            .map(|name| names.party(name))
            .collect(),
        areas: agreement
            .areas
            .iter()
            .map(|name| names.area(name))
            .collect(),
        principles: agreement
            .principles
            .iter()
            .map(|p| view::text(p.title.as_ref()))
            .collect(),
        term: agreement.term.as_ref().map(|t| term(t, &agreement)),
        years: years(proceedings, &titles, proposals),
        step_count,
        proposals: proposals.iter().map(|p| proposal(p, &titles)).collect(),
        figures: figures.iter().map(figure).collect(),
        editions: agreement.editions.into_iter().map(edition).collect(),
    }
}

fn edition(edition: Edition) -> EditionView {
    EditionView {
        number: edition.number,
        decided_on: view::partial(edition.decided_on.as_ref()),
        decided_by: edition.decided_by,
        diary_numbers: edition.diary_numbers.join(", "),
    }
}

fn years(
    proceedings: &[Proceeding],
    titles: &BTreeMap<String, String>,
    proposals: &[Proposal],
) -> Vec<Year> {
    let mut years: Vec<Year> = Vec::new();
    for proceeding in proceedings {
        let year = proceeding
            .held_on
            .map_or_else(|| "Okänt år".to_owned(), |date| date.year.to_string());
        let step = step(proceeding, proceedings, titles, proposals);
        match years.last_mut().filter(|last| last.year == year) {
            Some(last) => last.steps.push(step),
            None => years.push(Year {
                year,
                steps: vec![step],
            }),
        }
    }
    years
}

fn step(
    p: &Proceeding,
    all: &[Proceeding],
    titles: &BTreeMap<String, String>,
    proposals: &[Proposal],
) -> Step {
    let outcomes = p
        .outcomes
        .iter()
        .map(|outcome| labels::of(labels::OUTCOMES, *outcome).swedish)
        .collect();
    let answers = all.iter().filter(|other| other.responds_to == p.name);
    let raised = proposals.iter().filter(|proposal| {
        p.proposals.contains(&proposal.name) || proposal.raised_in.contains(&p.name)
    });
    Step {
        id: view::last(&p.name).into(),
        kind: labels::of(labels::PROCEEDINGS, p.kind),
        when: view::period(p.held_on.as_ref(), p.ended_on.as_ref()),
        machine: view::machine(p.held_on.as_ref()),
        title: view::text(p.title.as_ref()),
        summary: view::text(p.summary.as_ref()),
        actors: view::listed(&p.actors),
        outcomes,
        diary_numbers: p.diary_numbers.join(", "),
        source: view::source(p.source.as_ref()),
        responds_to: link(&p.responds_to, titles),
        refers_to: link(&p.refers_to, titles),
        answers: answers
            .filter_map(|other| link(&other.name, titles))
            .collect(),
        statement: p.statement.as_ref().map(|statement| StatementView {
            invitation: labels::of(labels::INVITATIONS, statement.invitation).swedish,
            due_on: view::date(statement.due_on.as_ref()),
            late: statement.late,
            on_older_draft: statement.on_older_draft,
            answer: statement.answer.as_ref().map(|answer| {
                let taken = if answer.taken_up {
                    "Togs upp"
                } else {
                    "Togs inte upp"
                };
                (taken, view::text(answer.reason.as_ref()))
            }),
        }),
        proposals: raised
            .map(|proposal| {
                let state = labels::of(labels::PROPOSALS, proposal.state).swedish;
                (
                    view::last(&proposal.name).into(),
                    view::text(proposal.title.as_ref()),
                    state,
                )
            })
            .collect(),
    }
}

fn link(name: &str, titles: &BTreeMap<String, String>) -> Option<(String, String)> {
    titles
        .get(name)
        .map(|title| (view::last(name).to_owned(), title.clone()))
}

fn proposal(proposal: &Proposal, titles: &BTreeMap<String, String>) -> ProposalView {
    ProposalView {
        id: view::last(&proposal.name).into(),
        title: view::text(proposal.title.as_ref()),
        state: labels::of(labels::PROPOSALS, proposal.state),
        raised_in: proposal
            .raised_in
            .iter()
            .filter_map(|name| link(name, titles))
            .collect(),
        resolution: view::text(proposal.resolution.as_ref()),
        resolved_on: proposal
            .resolved_on
            .as_ref()
            .map_or_else(String::new, |date| view::partial(Some(date))),
    }
}
