//! One organisation: what the sources say of it, and its relation to the agreement.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use handslag_proto::registry::v1::{GetOrganisationRequest, GetSignatoryRequest, Signatory};

use crate::{
    app::App,
    error::{PageError, html},
    labels::{self, Label},
    layout::Page,
    pages::{organisations, parts},
    reads, view,
};

struct StepView {
    state: &'static Label,
    when: String,
    note: String,
}

struct Relation {
    state: &'static Label,
    since: String,
    edition: i32,
    steps: Vec<StepView>,
}

#[derive(Template)]
#[template(path = "organisation.html")]
struct OrganisationPage {
    page: Page,
    number: String,
    kind: &'static str,
    level: &'static str,
    roles: String,
    areas: String,
    notes: Vec<(String, String)>,
    example: bool,
    agreement: Option<String>,
    relation: Option<Relation>,
}

/// Shows one organisation.
pub(super) async fn page(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let id = parts::id(&id)?;
    let clients = &app.clients;
    let request = GetOrganisationRequest {
        name: format!("organisations/{id}"),
        as_of: None,
    };
    let (names, framework, answer) = tokio::join!(
        reads::names(clients),
        reads::framework(clients),
        clients.registry(
            request,
            |mut c, r| async move { c.get_organisation(r).await }
        ),
    );
    let organisation = answer?.organisation.ok_or(PageError::NotFound)?;
    let agreement = framework?;
    let mut signatory = None;
    if let Some(agreement) = &agreement {
        let name = format!("{}/signatories/{id}", agreement.name);
        let request = GetSignatoryRequest { name, as_of: None };
        let answer = clients
            .registry(request, |mut c, r| async move { c.get_signatory(r).await })
            .await;
        signatory = match answer {
            Ok(answer) => answer.signatory,
            Err(PageError::NotFound) => None,
            Err(error) => return Err(error),
        };
    }
    let notes = organisation.notes.iter();
    html(&OrganisationPage {
        page: Page::new(organisation.display_name.clone(), "/organisationer")
            .below("Organisationer", "/organisationer")
            .notice(names.notice()),
        kind: labels::of(labels::KINDS, organisation.kind).swedish,
        level: labels::of(labels::LEVELS, organisation.level).swedish,
        roles: organisations::roles(&organisation.roles),
        areas: view::listed(
            &organisation
                .areas
                .iter()
                .map(|a| names.area(a))
                .collect::<Vec<_>>(),
        ),
        notes: notes
            .map(|note| {
                (
                    view::text(note.text.as_ref()),
                    view::source(note.source.as_ref()),
                )
            })
            .collect(),
        example: organisation.example,
        number: organisation.number,
        agreement: agreement.map(|agreement| view::text(agreement.title.as_ref())),
        relation: signatory.map(relation),
    })
}

fn relation(signatory: Signatory) -> Relation {
    Relation {
        state: labels::of(labels::RELATIONS, signatory.state),
        since: view::partial(signatory.since.as_ref()),
        edition: signatory.edition,
        steps: signatory
            .steps
            .into_iter()
            .map(|step| StepView {
                state: labels::of(labels::RELATIONS, step.state),
                when: view::partial(step.effective_on.as_ref()),
                note: step.note,
            })
            .collect(),
    }
}
