//! `MoveAccountDeadline`.

use handslag_platform::messaging::outbox;
use handslag_platform::rpc::Call;
use handslag_platform::text::LongText;
use handslag_platform::violations::Violations;
use handslag_platform::wire::date;
use handslag_proto::commitments::v1::{MoveAccountDeadlineRequest, MoveAccountDeadlineResponse};
use time::Date;

use crate::Commitments;
use crate::convert::events::Act;
use crate::convert::{events, fields, resources};
use crate::domain::names::{FollowUpId, PartyCode};
use crate::error::Error;
use crate::store;

/// Moves the last day for the accounts of everyone, with a reason.
///
/// # Errors
/// `NOT_A_PARTY`, `ALREADY_PUBLISHED`.
pub async fn move_account_deadline(
    service: &Commitments,
    call: Call<MoveAccountDeadlineRequest>,
) -> Result<MoveAccountDeadlineResponse, Error> {
    let command = decode(&call)?;
    let id = command.follow_up;
    let mut tx = service.database.begin(&call).await?;
    let round = store::follow_ups::lock(&mut tx, id)
        .await?
        .ok_or_else(|| Error::not_found("follow_up", &id))?;
    round.version.expect(&call.etag)?;
    let round = round.move_deadline(&command.party, command.due_on)?;
    store::follow_ups::update(&mut tx, &round).await?;
    let act = Act {
        actor: &call.principal.subject,
        time: service.clock.now(),
    };
    let event = events::account_deadline_moved(act, &round, &command.reason);
    outbox::append(&mut tx, event).await?;
    let response = MoveAccountDeadlineResponse {
        follow_up: Some(resources::follow_up(&round)),
    };
    tx.commit(&call, &response).await?;
    Ok(response)
}

struct Move {
    follow_up: FollowUpId,
    party: PartyCode,
    due_on: Date,
    reason: LongText,
}

fn decode(request: &MoveAccountDeadlineRequest) -> Result<Move, Error> {
    let mut violations = Violations::new();
    let follow_up = violations.take("follow_up", fields::name(&request.follow_up));
    let party = violations.take("party", fields::name(&request.party));
    let due_on = violations.take("accounts_due_on", date(request.accounts_due_on.as_ref()));
    let reason = violations.take("reason", LongText::parse(&request.reason));
    let (Some(follow_up), Some(party), Some(due_on), Some(reason)) =
        (follow_up, party, due_on, reason)
    else {
        return Err(violations.into_fault().into());
    };
    Ok(Move {
        follow_up,
        party,
        due_on,
        reason,
    })
}
