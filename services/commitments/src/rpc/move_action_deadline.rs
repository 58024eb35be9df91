//! `MoveActionDeadline`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::text::LongText;
use handslag_platform::violations::Violations;
use handslag_platform::wire::date;
use handslag_proto::commitments::v1::{MoveActionDeadlineRequest, MoveActionDeadlineResponse};
use time::Date;

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::names::{ActionId, PartyCode};
use crate::error::Error;
use crate::store;

/// Moves the last day of an action within its plan, with a reason.
///
/// # Errors
/// `NOT_THE_OWNER`, `ACTION_CLOSED`.
pub async fn move_action_deadline(
    service: &Commitments,
    call: Call<MoveActionDeadlineRequest>,
) -> Result<MoveActionDeadlineResponse, Error> {
    let command = decode(&call)?;
    let id = command.action;
    let mut tx = service.database.begin(&call).await?;
    let action = store::actions::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("action", &id))?;
    action.version.expect(&call.etag)?;
    let plan = store::action_plans::find(&mut tx, action.plan)
        .await?
        .ok_or_else(|| Error::not_found("action_plan", &action.plan))?;
    let action = action.move_deadline(&command.party, command.due_on)?;
    plan.expect_within(command.due_on)?;
    store::actions::update(&mut tx, &action).await?;
    // A commitment's area never changes, so its row needs no lock.
    let roots = store::commitments::find(&mut tx, action.task.commitments.as_slice()).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    let event = events::action_deadline_moved(act, &action, &roots, &command.reason);
    outbox::append(&mut tx, event).await?;
    let today = service.clock.today();
    let response = MoveActionDeadlineResponse {
        action: Some(resources::action(&action, today)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

struct Move {
    action: ActionId,
    party: PartyCode,
    due_on: Date,
    reason: LongText,
}

fn decode(request: &MoveActionDeadlineRequest) -> Result<Move, Error> {
    let mut violations = Violations::new();
    let action = violations.take("action", fields::name(&request.action));
    let party = violations.take("party", fields::name(&request.party));
    let due_on = violations.take("due_on", date(request.due_on.as_ref()));
    let reason = violations.take("reason", LongText::parse(&request.reason));
    let (Some(action), Some(party), Some(due_on), Some(reason)) = (action, party, due_on, reason)
    else {
        return Err(violations.into_fault().into());
    };
    Ok(Move {
        action,
        party,
        due_on,
        reason,
    })
}
