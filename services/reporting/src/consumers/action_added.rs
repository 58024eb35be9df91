//! `ActionAdded`.

use handslag_platform::messaging::{Envelope, Rejection};
use handslag_proto::events::v1::ActionAdded;
use sqlx::PgConnection;

use crate::consumers::{agreement, code, day, heard_on, id};
use crate::domain::figures::ActionState;
use crate::domain::history::Change;
use crate::domain::names::PartyCode;
use crate::store::actions::{self, Addition};

/// Counts the action as planned.
pub(crate) async fn action_added(
    tx: &mut PgConnection,
    event: &Envelope<ActionAdded>,
) -> Result<(), Rejection> {
    let body = &event.body;
    let roots = body
        .commitments
        .iter()
        .map(|commitment| id("commitments", commitment));
    let action = Addition {
        id: id("actions", &body.action)?,
        action_plan: id("actionPlans", &body.action_plan)?,
        agreement: agreement(body.scope.as_ref())?,
        title: body.title.clone(),
        owner: code(PartyCode::from_name, &body.owner)?.as_str().to_owned(),
        commitments: roots.collect::<Result<_, _>>()?,
        example: body.example,
    };
    actions::put(tx, &action).await?;
    let change = Change {
        version: event.version,
        day: heard_on(event),
        state: ActionState::Planned,
    };
    actions::note(tx, action.id, change, 0).await?;
    let due_on = day(body.due_on.as_ref())?;
    Ok(actions::note_deadline(tx, action.id, event.version, due_on).await?)
}
