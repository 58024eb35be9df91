//! What happened, as the other services are told.
//!
//! # Design notes
//! One function per event; each takes the aggregate as it is after the change, so that the event's
//! version is the row's. `actor` and `time` are the caller's and the decision's.

use std::collections::BTreeSet;
use std::fmt::Display;

use handslag_platform::etag::Version;
use handslag_platform::id;
use handslag_platform::messaging::outbox::Event;
use handslag_platform::text::LongText;
use handslag_platform::wire::{date_to_proto, partial_date_to_proto};
use handslag_proto::common::v1::EventScope;
use handslag_proto::events::v1 as proto;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::convert::resources;
use crate::domain::action::Action;
use crate::domain::action_plan::ActionPlan;
use crate::domain::commitment::Commitment;
use crate::domain::deliberation::Deliberation;
use crate::domain::follow_up::FollowUp;
use crate::domain::names::{AgreementId, PartyCode};
use crate::store::actions::state_code;

/// Who did it, and when.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// The principal's subject.
    pub actor: &'a str,
    /// When it was decided.
    pub time: OffsetDateTime,
}

impl Act<'_> {
    fn event<E>(self, id: Uuid, version: Version, subject: impl Display, body: E) -> Event<E> {
        Event {
            aggregate_id: id::encode(id),
            version,
            subject: subject.to_string(),
            actor: self.actor.to_owned(),
            time: self.time,
            body,
        }
    }

    fn of_commitment<E>(self, commitment: &Commitment, body: E) -> Event<E> {
        self.event(commitment.id.0, commitment.version, commitment.id, body)
    }

    fn of_plan<E>(self, plan: &ActionPlan, body: E) -> Event<E> {
        self.event(plan.id.0, plan.version, plan.id, body)
    }

    fn of_action<E>(self, action: &Action, body: E) -> Event<E> {
        self.event(action.id.0, action.version, action.id, body)
    }

    fn of_round<E>(self, round: &FollowUp, body: E) -> Event<E> {
        self.event(round.id.0, round.version, round.id, body)
    }
}

/// A commitment was proposed.
#[must_use]
pub fn commitment_proposed(
    act: Act<'_>,
    commitment: &Commitment,
) -> Event<proto::CommitmentProposed> {
    let content = &commitment.content;
    let body = proto::CommitmentProposed {
        scope: commitment_scope(commitment),
        commitment: commitment.id.to_string(),
        text: content.text.to_string(),
        bearers: commitment
            .bearers()
            .iter()
            .map(|bearer| bearer.party.to_string())
            .collect(),
        proposer: content.proposer.to_string(),
        principles: content
            .principles
            .as_slice()
            .iter()
            .map(ToString::to_string)
            .collect(),
        example: content.example,
    };
    act.of_commitment(commitment, body)
}

/// A bearer accepted.
#[must_use]
pub fn commitment_accepted(
    act: Act<'_>,
    commitment: &Commitment,
    party: &PartyCode,
) -> Event<proto::CommitmentAccepted> {
    let body = proto::CommitmentAccepted {
        scope: commitment_scope(commitment),
        commitment: commitment.id.to_string(),
        party: party.to_string(),
        binding: commitment.binds(),
    };
    act.of_commitment(commitment, body)
}

/// A bearer declined.
#[must_use]
pub fn commitment_declined(
    act: Act<'_>,
    commitment: &Commitment,
    party: &PartyCode,
) -> Event<proto::CommitmentDeclined> {
    let body = proto::CommitmentDeclined {
        scope: commitment_scope(commitment),
        commitment: commitment.id.to_string(),
        party: party.to_string(),
    };
    act.of_commitment(commitment, body)
}

/// A plan was begun.
#[must_use]
pub fn action_plan_drafted(act: Act<'_>, plan: &ActionPlan) -> Event<proto::ActionPlanDrafted> {
    let body = proto::ActionPlanDrafted {
        scope: every_area(plan.agreement),
        action_plan: plan.id.to_string(),
        title: Some(resources::title(&plan.title)),
        parties: plan
            .approvals
            .iter()
            .map(|approval| approval.party.to_string())
            .collect(),
        example: plan.example,
    };
    act.of_plan(plan, body)
}

/// A party approved a plan.
#[must_use]
pub fn action_plan_approved(
    act: Act<'_>,
    plan: &ActionPlan,
    party: &PartyCode,
) -> Event<proto::ActionPlanApproved> {
    let body = proto::ActionPlanApproved {
        scope: every_area(plan.agreement),
        action_plan: plan.id.to_string(),
        party: party.to_string(),
        adopted: plan.is_adopted(),
    };
    act.of_plan(plan, body)
}

/// An action was added.
#[must_use]
pub fn action_added(
    act: Act<'_>,
    action: &Action,
    roots: &[Commitment],
) -> Event<proto::ActionAdded> {
    let task = &action.task;
    let body = proto::ActionAdded {
        scope: action_scope(roots),
        action: action.id.to_string(),
        action_plan: action.plan.to_string(),
        title: task.title.to_string(),
        commitments: task
            .commitments
            .as_slice()
            .iter()
            .map(ToString::to_string)
            .collect(),
        owner: task.owner.to_string(),
        due_on: Some(date_to_proto(task.due_on)),
        example: task.example,
    };
    act.of_action(action, body)
}

/// The owner reported.
#[must_use]
pub fn action_progressed(
    act: Act<'_>,
    action: &Action,
    roots: &[Commitment],
    today: Date,
) -> Event<proto::ActionProgressed> {
    let body = proto::ActionProgressed {
        scope: action_scope(roots),
        action: action.id.to_string(),
        state: state_code(action.state()).to_owned(),
        percent: action.percent().get(),
        reported_on: Some(date_to_proto(today)),
    };
    act.of_action(action, body)
}

/// The last day of an action was moved.
#[must_use]
pub fn action_deadline_moved(
    act: Act<'_>,
    action: &Action,
    roots: &[Commitment],
    reason: &LongText,
) -> Event<proto::ActionDeadlineMoved> {
    let body = proto::ActionDeadlineMoved {
        scope: action_scope(roots),
        action: action.id.to_string(),
        due_on: Some(date_to_proto(action.task.due_on)),
        reason: reason.to_string(),
    };
    act.of_action(action, body)
}

/// A round was opened.
#[must_use]
pub fn follow_up_opened(act: Act<'_>, round: &FollowUp) -> Event<proto::FollowUpOpened> {
    let body = proto::FollowUpOpened {
        scope: every_area(round.agreement),
        follow_up: round.id.to_string(),
        year: round.year,
        accounts_due_on: Some(date_to_proto(round.accounts_due_on)),
        parties: round
            .accounts
            .iter()
            .map(|account| account.party.to_string())
            .collect(),
    };
    act.of_round(round, body)
}

/// A party handed its account in.
#[must_use]
pub fn account_submitted(
    act: Act<'_>,
    round: &FollowUp,
    party: &PartyCode,
) -> Event<proto::FollowUpAccountSubmitted> {
    let account = round
        .accounts
        .iter()
        .find(|account| account.party == *party);
    let submission = account.and_then(|account| account.submission.as_ref());
    let body = proto::FollowUpAccountSubmitted {
        scope: every_area(round.agreement),
        follow_up: round.id.to_string(),
        year: round.year,
        party: party.to_string(),
        summary: submission
            .map(|one| one.summary.to_string())
            .unwrap_or_default(),
        late: submission.is_some_and(|one| round.is_late(one)),
        submitted_on: submission.map(|one| date_to_proto(one.submitted_on)),
        example: submission.is_some_and(|one| one.example),
    };
    act.of_round(round, body)
}

/// The last day for the accounts was moved for everyone.
#[must_use]
pub fn account_deadline_moved(
    act: Act<'_>,
    round: &FollowUp,
    reason: &LongText,
) -> Event<proto::FollowUpDeadlineMoved> {
    let body = proto::FollowUpDeadlineMoved {
        scope: every_area(round.agreement),
        follow_up: round.id.to_string(),
        accounts_due_on: Some(date_to_proto(round.accounts_due_on)),
        reason: reason.to_string(),
    };
    act.of_round(round, body)
}

/// A round was published.
#[must_use]
pub fn follow_up_published(act: Act<'_>, round: &FollowUp) -> Event<proto::FollowUpPublished> {
    let body = proto::FollowUpPublished {
        scope: every_area(round.agreement),
        follow_up: round.id.to_string(),
        year: round.year,
        missing: round.missing().map(ToString::to_string).collect(),
    };
    act.of_round(round, body)
}

/// A district board discussed the principles.
#[must_use]
pub fn deliberation_recorded(
    act: Act<'_>,
    held: &Deliberation,
) -> Event<proto::DeliberationRecorded> {
    let scope = EventScope {
        agreement: held.agreement.to_string(),
        areas: Vec::new(),
        district_board: held.board.to_string(),
    };
    let body = proto::DeliberationRecorded {
        scope: Some(scope),
        deliberation: held.id.to_string(),
        district_board: held.board.to_string(),
        held_on: Some(partial_date_to_proto(held.held_on)),
        paragraph: held.paragraph.to_string(),
    };
    act.event(held.id.0, held.version, held.id, body)
}

fn commitment_scope(commitment: &Commitment) -> Option<EventScope> {
    Some(EventScope {
        agreement: commitment.content.agreement.to_string(),
        areas: vec![commitment.content.area.to_string()],
        district_board: String::new(),
    })
}

/// The areas of all commitments that the action is rooted in.
fn action_scope(roots: &[Commitment]) -> Option<EventScope> {
    let first = roots.first()?;
    let areas: BTreeSet<_> = roots.iter().map(|root| &root.content.area).collect();
    Some(EventScope {
        agreement: first.content.agreement.to_string(),
        areas: areas.into_iter().map(ToString::to_string).collect(),
        district_board: String::new(),
    })
}

fn every_area(agreement: AgreementId) -> Option<EventScope> {
    Some(EventScope {
        agreement: agreement.to_string(),
        ..EventScope::default()
    })
}
