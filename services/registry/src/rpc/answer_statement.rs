//! Answers a statement: taken up or not, and why.

use handslag_platform::{messaging::outbox, rpc::Call};
use handslag_proto::registry::v1::{AnswerStatementRequest, AnswerStatementResponse};

use crate::{
    Registry,
    convert::{self, events, events::Stamp},
    domain::{name::ProceedingId, proceeding::Answer},
    error::Error,
    form::Form,
    store,
};

pub(crate) async fn answer_statement(
    service: &Registry,
    call: Call<AnswerStatementRequest>,
) -> Result<AnswerStatementResponse, Error> {
    let (id, answer) = decode(&call)?;
    let mut tx = service.database.begin(&call).await?;
    let missing = || Error::NotFound {
        kind: "Proceeding",
        name: id.name(),
    };
    // The step belongs to the agreement, whose row is what both commands and events are ordered by.
    let agreement = store::agreements::lock(&mut tx, id.agreement)
        .await?
        .ok_or_else(missing)?
        .touched();
    let proceeding = store::proceedings::find(&mut tx, id)
        .await?
        .ok_or_else(missing)?;
    let proceeding = proceeding.answer(answer.clone())?;
    store::agreements::update_version(&mut tx, &agreement).await?;
    store::proceedings::update_answer(&mut tx, id, &answer).await?;
    let stamp = Stamp::of(&call, service.clock.now());
    let today = service.clock.today();
    let event = events::statement_answered(&agreement, &proceeding, answer.taken_up, today, stamp);
    outbox::append(&mut tx, event).await?;
    let proceeding = Some(convert::proceeding(&proceeding));
    let response = AnswerStatementResponse { proceeding };
    tx.commit(&call, &response).await?;
    Ok(response)
}

fn decode(request: &AnswerStatementRequest) -> Result<(ProceedingId, Answer), Error> {
    let mut form = Form::new();
    let id = form.take("proceeding", ProceedingId::parse(&request.proceeding));
    let reason = form.localized("reason", request.reason.as_ref());
    let (id, reason) = form.finish(id.zip(reason))?;
    Ok((
        id,
        Answer {
            taken_up: request.taken_up,
            reason,
        },
    ))
}
