//! Plans and actions, as reporting shows them.

use super::{ACTION_STATES, Reporting};
use crate::contract::body::Body;
use crate::fold::Unreadable;
use crate::fold::fields::{agreement, code, day, id, title, word};
use crate::fold::rows::reporting::{
    Action, ActionChange, ActionDeadline, ActionPlan, ActionPlanApproval,
};
use crate::log::{Event, EventRef};

impl Reporting {
    /// Takes in the next event of a plan or an action.
    ///
    /// # Errors
    /// When the service could not have understood it.
    pub(super) fn of_plans(
        &mut self,
        at: EventRef,
        event: &Event,
        body: &Body,
    ) -> Result<(), Unreadable> {
        match body {
            Body::ActionPlanDrafted(body) => {
                let (title_sv, title_en) = title(body.title.as_ref());
                let row = ActionPlan {
                    id: id("actionPlans", &body.action_plan)?,
                    agreement: agreement(body.scope.as_ref())?,
                    title_sv,
                    title_en,
                    example: body.example,
                };
                self.action_plan.put(row, at);
            }
            Body::ActionPlanApproved(body) => {
                let row = ActionPlanApproval {
                    action_plan: id("actionPlans", &body.action_plan)?,
                    party: code("parties", &body.party)?,
                    approved_on: event.time.in_stockholm(),
                    adopted: body.adopted,
                };
                self.action_plan_approval.put(row, at);
            }
            _ => return self.of_actions(at, event, body),
        }
        Ok(())
    }

    fn of_actions(&mut self, at: EventRef, event: &Event, body: &Body) -> Result<(), Unreadable> {
        let version = event.version;
        match body {
            Body::ActionAdded(body) => {
                let action = id("actions", &body.action)?;
                let roots = body.commitments.iter().map(|root| id("commitments", root));
                let row = Action {
                    id: action,
                    action_plan: id("actionPlans", &body.action_plan)?,
                    agreement: agreement(body.scope.as_ref())?,
                    title: body.title.clone(),
                    owner: code("parties", &body.owner)?,
                    commitments: roots.collect::<Result<_, _>>()?,
                    example: body.example,
                };
                self.action.put(row, at);
                let (state, changed_on) = ("planned".to_owned(), event.time.in_stockholm());
                let change = ActionChange {
                    action,
                    version,
                    state,
                    percent: 0,
                    changed_on,
                };
                self.action_change.put(change, at);
                let due_on = day(body.due_on.as_ref())?;
                self.action_deadline.put(
                    ActionDeadline {
                        action,
                        version,
                        due_on,
                    },
                    at,
                );
            }
            Body::ActionProgressed(body) => {
                let change = ActionChange {
                    action: id("actions", &body.action)?,
                    version,
                    state: word(&body.state, &ACTION_STATES, "state")?,
                    percent: body.percent,
                    changed_on: day(body.reported_on.as_ref())?,
                };
                self.action_change.put(change, at);
            }
            Body::ActionDeadlineMoved(body) => {
                let action = id("actions", &body.action)?;
                let due_on = day(body.due_on.as_ref())?;
                self.action_deadline.put(
                    ActionDeadline {
                        action,
                        version,
                        due_on,
                    },
                    at,
                );
            }
            _ => {}
        }
        Ok(())
    }
}
