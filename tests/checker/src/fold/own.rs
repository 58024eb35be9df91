//! What the events of a service tell of its own rows: an event that says something else than the
//! row it was committed with is a lie to everybody who listens.

use super::fields::{agreement, code, day, id};
use super::rows::{commitments, notifications, registry, reporting};
use super::{Expected, Tables, Unreadable};
use crate::contract::body::Body;
use crate::log::EventRef;

/// What the registry's own tables must hold.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    signatory: Expected<registry::Signatory>,
    organisation: Expected<registry::Organisation>,
}

impl Registry {
    /// Takes in the next event of the registry.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub(crate) fn say(&mut self, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::SignatoryStateChanged(body) => {
                let row = registry::Signatory {
                    agreement: id("agreements", &body.agreement)?,
                    organisation: id("organisations", &body.organisation)?,
                    state: body.state.clone(),
                };
                self.signatory.put(row, at);
            }
            Body::OrganisationRegistered(body) => {
                let row = registry::Organisation {
                    id: id("organisations", &body.organisation)?,
                    display_name: body.display_name.clone(),
                    kind: body.kind.clone(),
                    example: body.example,
                };
                self.organisation.put(row, at);
            }
            Body::OrganisationUpdated(body) => {
                let key = (id("organisations", &body.organisation)?,);
                self.organisation.change(&key, at, |row| {
                    row.display_name.clone_from(&body.display_name);
                    row.kind.clone_from(&body.kind);
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    /// All tables, to be compared.
    pub(crate) fn tables(self) -> Tables {
        vec![Box::new(self.signatory), Box::new(self.organisation)]
    }
}

/// What the commitments' own tables must hold.
#[derive(Debug, Default)]
pub(crate) struct Commitments {
    commitment: Expected<commitments::Commitment>,
    action: Expected<commitments::Action>,
    follow_up: Expected<commitments::FollowUp>,
}

impl Commitments {
    /// Takes in the next event of the commitments.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub(crate) fn say(&mut self, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::CommitmentProposed(body) => {
                let row = commitments::Commitment {
                    id: id("commitments", &body.commitment)?,
                    agreement: agreement(body.scope.as_ref())?,
                    text: body.text.clone(),
                    proposer: code("parties", &body.proposer)?,
                    state: "proposed".to_owned(),
                    example: body.example,
                };
                self.commitment.put(row, at);
            }
            Body::CommitmentAccepted(body) if body.binding => {
                let key = (id("commitments", &body.commitment)?,);
                self.commitment
                    .change(&key, at, |row| row.state = "binding".to_owned())?;
            }
            Body::CommitmentDeclined(body) => {
                let key = (id("commitments", &body.commitment)?,);
                self.commitment
                    .change(&key, at, |row| row.state = "declined".to_owned())?;
            }
            Body::FollowUpOpened(body) => {
                let row = commitments::FollowUp {
                    id: id("followUps", &body.follow_up)?,
                    agreement: agreement(body.scope.as_ref())?,
                    year: body.year,
                    accounts_due_on: day(body.accounts_due_on.as_ref())?,
                };
                self.follow_up.put(row, at);
            }
            Body::FollowUpDeadlineMoved(body) => {
                let key = (id("followUps", &body.follow_up)?,);
                let due_on = day(body.accounts_due_on.as_ref())?;
                self.follow_up
                    .change(&key, at, |row| row.accounts_due_on = due_on)?;
            }
            _ => return self.of_actions(at, body),
        }
        Ok(())
    }

    fn of_actions(&mut self, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::ActionAdded(body) => {
                let row = commitments::Action {
                    id: id("actions", &body.action)?,
                    action_plan: id("actionPlans", &body.action_plan)?,
                    title: body.title.clone(),
                    owner: code("parties", &body.owner)?,
                    due_on: day(body.due_on.as_ref())?,
                    state: "planned".to_owned(),
                    percent: 0,
                    example: body.example,
                };
                self.action.put(row, at);
            }
            Body::ActionProgressed(body) => {
                let key = (id("actions", &body.action)?,);
                self.action.change(&key, at, |row| {
                    row.state.clone_from(&body.state);
                    row.percent = body.percent;
                })?;
            }
            Body::ActionDeadlineMoved(body) => {
                let key = (id("actions", &body.action)?,);
                let due_on = day(body.due_on.as_ref())?;
                self.action.change(&key, at, |row| row.due_on = due_on)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// All tables, to be compared.
    pub(crate) fn tables(self) -> Tables {
        vec![
            Box::new(self.commitment),
            Box::new(self.action),
            Box::new(self.follow_up),
        ]
    }
}

/// What the own tables of the notifications and of reporting must hold.
#[derive(Debug, Default)]
pub(crate) struct Offices {
    subscriber: Expected<notifications::Subscriber>,
    subscription: Expected<notifications::Subscription>,
    report: Expected<reporting::Report>,
}

impl Offices {
    /// Takes in the next event of either.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub(crate) fn say(&mut self, at: EventRef, body: &Body) -> Result<(), Unreadable> {
        match body {
            Body::SubscriberRegistered(body) => {
                let board = &body.district_board;
                let board = (!board.is_empty()).then(|| code("districtBoards", board));
                let row = notifications::Subscriber {
                    id: id("subscribers", &body.subscriber)?,
                    display_name: body.display_name.clone(),
                    district_board: board.transpose()?,
                };
                self.subscriber.put(row, at);
            }
            Body::SubscriberSubscriptionChanged(body) => {
                let prefix = format!("{}/subscriptions", body.subscriber);
                let own = body
                    .subscription
                    .strip_prefix(&prefix)
                    .ok_or(Unreadable("subscription"));
                let row = notifications::Subscription {
                    id: id("", own?)?,
                    subscriber: id("subscribers", &body.subscriber)?,
                    active: body.active,
                };
                self.subscription.put(row, at);
            }
            Body::ReportRequested(body) => {
                let row = reporting::Report {
                    id: id("reports", &body.report)?,
                    board: code("boards", &body.board)?,
                    year: body.year,
                };
                self.report.put(row, at);
            }
            _ => {}
        }
        Ok(())
    }

    /// The tables of the notifications and those of reporting, to be compared.
    pub(crate) fn tables(self) -> (Tables, Tables) {
        let notifications: Tables = vec![Box::new(self.subscriber), Box::new(self.subscription)];
        (notifications, vec![Box::new(self.report)])
    }
}
