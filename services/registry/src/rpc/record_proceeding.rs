//! Records a step of how an agreement came to be.

use handslag_platform::{
    id, messaging::outbox, rpc::Call, text::ShortText, violations::FieldError, wire,
};
use handslag_proto::registry::v1::{
    self as proto, RecordProceedingRequest, RecordProceedingResponse,
};
use sqlx::PgConnection;
use time::Date;

use crate::{
    Registry,
    convert::{self, enums, events, events::Stamp},
    domain::{
        name::{AgreementId, ProceedingId},
        proceeding::{Proceeding, ProceedingKind, Statement, Step, StepError},
        text::DiaryNumber,
    },
    error::Error,
    form::{Form, not_applicable, unknown},
    store,
};

pub(crate) async fn record_proceeding(
    service: &Registry,
    call: Call<RecordProceedingRequest>,
) -> Result<RecordProceedingResponse, Error> {
    let today = service.clock.today();
    let mut form = Form::new();
    let id = form.take("agreement", AgreementId::parse(&call.agreement));
    let step = decode(&call, today, &mut form);
    let mut tx = service.database.begin(&call).await?;
    let (id, step) = form.finish(id.zip(step))?;
    let agreement = store::agreements::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::no_agreement(&call.agreement))?;
    check_siblings(&mut tx, id, &step).await?;
    let position = store::proceedings::next_position(&mut tx, id, step.held_on.earliest()).await?;
    let agreement = agreement.touched();
    let id = ProceedingId {
        agreement: id,
        id: id::new(),
    };
    let proceeding = Proceeding {
        id,
        step,
        position,
        answer: None,
        proposals: Vec::new(),
    };
    store::agreements::update_version(&mut tx, &agreement).await?;
    store::proceedings::insert(&mut tx, &proceeding).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    let event = events::proceeding_recorded(&agreement, &proceeding, today, stamp);
    outbox::append(&mut tx, event).await?;
    let proceeding = Some(convert::proceeding(&proceeding));
    let response = RecordProceedingResponse { proceeding };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &RecordProceedingRequest, today: Date, form: &mut Form) -> Option<Step> {
    let kind = form.take("kind", enums::proceeding_kind(request.kind));
    let held_on = form.past("held_on", request.held_on.as_ref(), today);
    let ended_on = form.take(
        "ended_on",
        wire::optional_partial_date(request.ended_on.as_ref()),
    );
    let title = form.localized("title", request.title.as_ref());
    let summary = form.optional_localized("summary", request.summary.as_ref());
    let actors = form.each("actors", &request.actors, |form, path, actor| {
        form.take(path, ShortText::parse(actor))
    });
    let outcomes = form.each("outcomes", &request.outcomes, |form, path, outcome| {
        form.take(path, enums::outcome(*outcome))
    });
    let diary_numbers = form.each(
        "diary_numbers",
        &request.diary_numbers,
        |form, path, number| form.take(path, DiaryNumber::parse(number)),
    );
    let responds_to = sibling("responds_to", &request.responds_to, form);
    let refers_to = sibling("refers_to", &request.refers_to, form);
    let statement = match &request.statement {
        None => Some(None),
        Some(statement) => self::statement(statement, form).map(Some),
    };
    let source = match &request.source {
        None => Some(None),
        Some(source) => form.source("source", Some(source)).map(Some),
    };
    let step = Step {
        kind: kind?,
        held_on: held_on?,
        ended_on: ended_on?,
        title: title?,
        summary: summary?,
        actors: actors?,
        outcomes: outcomes?,
        diary_numbers: diary_numbers?,
        responds_to: responds_to?,
        refers_to: refers_to?,
        statement: statement?,
        source: source?,
    };
    for error in step.errors() {
        let (field, error) = violation(error);
        form.refuse(&field, error);
    }
    Some(step)
}

/// Whether a statement is late is computed, and what it was answered is another command's.
fn statement(statement: &proto::Statement, form: &mut Form) -> Option<Statement> {
    let invitation = form.take(
        "statement.invitation",
        enums::invitation(statement.invitation),
    );
    let due_on = form.take(
        "statement.due_on",
        wire::optional_date(statement.due_on.as_ref()),
    );
    if statement.answer.is_some() {
        form.refuse("statement.answer", not_applicable());
    }
    let on_older_draft = statement.on_older_draft;
    Some(Statement {
        invitation: invitation?,
        due_on: due_on?,
        on_older_draft,
    })
}

#[expect(clippy::option_option, reason = "refused, missing, or there")]
fn sibling(field: &str, name: &str, form: &mut Form) -> Option<Option<ProceedingId>> {
    if name.is_empty() {
        return Some(None);
    }
    form.take(field, ProceedingId::parse(name)).map(Some)
}

/// The steps that a step names must be the same agreement's and of a kind that fits.
async fn check_siblings(
    tx: &mut PgConnection,
    agreement: AgreementId,
    step: &Step,
) -> Result<(), Error> {
    let named = [
        ("responds_to", step.responds_to, step.kind.responds_to()),
        ("refers_to", step.refers_to, Some(step.kind)),
    ];
    let ids: Vec<_> = named
        .iter()
        .filter_map(|(_, id, _)| id.filter(|id| id.agreement == agreement).map(|id| id.id))
        .collect();
    if step.responds_to.or(step.refers_to).is_none() {
        return Ok(());
    }
    let kinds = store::proceedings::kinds(tx, agreement, &ids).await?;
    let mut form = Form::new();
    for (field, id, needed) in named {
        let Some(id) = id else { continue };
        let found = kinds
            .iter()
            .find(|(known, _)| *known == id.id && id.agreement == agreement);
        match (found, needed) {
            (None, _) => form.refuse(field, unknown("UNKNOWN_PROCEEDING")),
            (Some((_, kind)), Some(needed)) if *kind != needed => {
                form.refuse(field, does_not_fit(needed));
            }
            (Some(_), _) => {}
        }
    }
    Ok(form.finish(Some(()))?)
}

fn does_not_fit(needed: ProceedingKind) -> FieldError {
    FieldError::new(
        "PROCEEDING_KIND_MISMATCH",
        format!("must be a {}", needed.as_str()),
        "Steget är av fel slag.",
    )
}

fn violation(error: StepError) -> (String, FieldError) {
    let (field, error) = match error {
        StepError::OutcomeDoesNotFit(index) => {
            let error = FieldError::new(
                "OUTCOME_NOT_APPLICABLE",
                "does not fit the kind of step, or contradicts another outcome",
                "Passar inte till stegets slag eller motsäger ett annat utfall.",
            );
            return (format!("outcomes[{index}]"), error);
        }
        StepError::OutcomeMissing => ("outcomes", FieldError::required()),
        StepError::ActorMissing => ("actors", FieldError::required()),
        StepError::StatementMissing => ("statement", FieldError::required()),
        StepError::StatementDoesNotFit => ("statement", not_applicable()),
        StepError::ReferenceDoesNotFit => ("refers_to", not_applicable()),
        StepError::EndsBeforeItBegins => (
            "ended_on",
            FieldError::new(
                "ENDS_BEFORE_START",
                "must not be before held_on",
                "Får inte ligga före början.",
            ),
        ),
    };
    (field.to_owned(), error)
}
