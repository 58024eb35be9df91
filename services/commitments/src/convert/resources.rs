//! Resources as they are shown.

use handslag_platform::wire::{date_to_proto, partial_date_to_proto, timestamp_to_proto};
use handslag_proto::commitments::v1 as proto;
use handslag_proto::common::v1::LocalizedText;
use time::Date;

use crate::domain::action::{self, Action, Report};
use crate::domain::action_plan::ActionPlan;
use crate::domain::commitment::{Answer, Bearer, Commitment, Diversity, LegalBasis, State};
use crate::domain::deliberation::{self, Deliberation, District};
use crate::domain::follow_up::{Account, FollowUp};
use crate::domain::title::Title;

/// A commitment.
#[must_use]
pub fn commitment(commitment: &Commitment) -> proto::Commitment {
    let content = &commitment.content;
    let (state, binding_since) = match commitment.state() {
        State::Proposed => (proto::CommitmentState::Proposed, None),
        State::Binding { since } => (proto::CommitmentState::Binding, Some(since)),
        State::Declined => (proto::CommitmentState::Declined, None),
    };
    let legal_basis = match content.legal_basis {
        None => proto::LegalBasis::Unspecified,
        Some(LegalBasis::Sol) => proto::LegalBasis::Sol,
        Some(LegalBasis::Lss) => proto::LegalBasis::Lss,
    };
    let (diversity, ground) = match &content.diversity {
        None => (proto::Diversity::Unspecified, None),
        Some(Diversity::Providers) => (proto::Diversity::Providers, None),
        Some(Diversity::People { ground }) => (proto::Diversity::People, ground.as_ref()),
    };
    proto::Commitment {
        name: commitment.id.to_string(),
        agreement: content.agreement.to_string(),
        text: content.text.to_string(),
        principles: content
            .principles
            .as_slice()
            .iter()
            .map(ToString::to_string)
            .collect(),
        area: content.area.to_string(),
        proposer: content.proposer.to_string(),
        bearers: commitment.bearers().iter().map(bearer).collect(),
        state: state.into(),
        binding_since: binding_since.map(timestamp_to_proto),
        legal_basis: legal_basis.into(),
        diversity: diversity.into(),
        diversity_ground: ground.map(ToString::to_string).unwrap_or_default(),
        example: content.example,
        etag: commitment.version.etag(),
    }
}

fn bearer(bearer: &Bearer) -> proto::Bearer {
    let (answer, at, reason) = match &bearer.answer {
        Answer::Pending => (proto::Answer::Pending, None, None),
        Answer::Accepted { at } => (proto::Answer::Accepted, Some(*at), None),
        Answer::Declined { at, reason } => (proto::Answer::Declined, Some(*at), Some(reason)),
    };
    proto::Bearer {
        party: bearer.party.to_string(),
        answer: answer.into(),
        answered_at: at.map(timestamp_to_proto),
        reason: reason.map(ToString::to_string).unwrap_or_default(),
    }
}

/// A plan.
#[must_use]
pub fn action_plan(plan: &ActionPlan) -> proto::ActionPlan {
    let state = if plan.is_adopted() {
        proto::ActionPlanState::Adopted
    } else {
        proto::ActionPlanState::Draft
    };
    let approvals = plan.approvals.iter().map(|approval| proto::Approval {
        party: approval.party.to_string(),
        approved_at: approval.at.map(timestamp_to_proto),
    });
    proto::ActionPlan {
        name: plan.id.to_string(),
        agreement: plan.agreement.to_string(),
        title: Some(title(&plan.title)),
        starts_on: Some(date_to_proto(plan.days.starts_on())),
        ends_on: Some(date_to_proto(plan.days.ends_on())),
        state: state.into(),
        approvals: approvals.collect(),
        action_count: count(plan.action_count),
        example: plan.example,
        etag: plan.seen().etag(),
    }
}

/// An action as it looks on `today`.
#[must_use]
pub fn action(action: &Action, today: Date) -> proto::Action {
    let task = &action.task;
    proto::Action {
        name: action.id.to_string(),
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
        state: action_state(action.state()).into(),
        percent: action.percent().get(),
        overdue: action.is_overdue(today),
        reports: action.reports.iter().map(report).collect(),
        example: task.example,
        etag: action.version.etag(),
    }
}

fn report(report: &Report) -> proto::ProgressReport {
    proto::ProgressReport {
        reported_on: Some(date_to_proto(report.reported_on)),
        state: action_state(report.progress.state()).into(),
        percent: report.progress.percent().get(),
        note: report
            .progress
            .note()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

const fn action_state(state: action::State) -> proto::ActionState {
    match state {
        action::State::Planned => proto::ActionState::Planned,
        action::State::InProgress => proto::ActionState::InProgress,
        action::State::Done => proto::ActionState::Done,
        action::State::Cancelled => proto::ActionState::Cancelled,
    }
}

/// A yearly round.
#[must_use]
pub fn follow_up(round: &FollowUp) -> proto::FollowUp {
    let state = match round.published_at {
        None => proto::FollowUpState::Open,
        Some(_) => proto::FollowUpState::Published,
    };
    proto::FollowUp {
        name: round.id.to_string(),
        agreement: round.agreement.to_string(),
        year: round.year,
        accounts_due_on: Some(date_to_proto(round.accounts_due_on)),
        state: state.into(),
        accounts: round
            .accounts
            .iter()
            .map(|one| account(round, one))
            .collect(),
        published_at: round.published_at.map(timestamp_to_proto),
        etag: round.version.etag(),
    }
}

fn account(round: &FollowUp, account: &Account) -> proto::Account {
    let party = account.party.to_string();
    match &account.submission {
        None => proto::Account {
            party,
            state: proto::AccountState::Missing.into(),
            ..proto::Account::default()
        },
        Some(submission) => proto::Account {
            party,
            state: proto::AccountState::Submitted.into(),
            summary: submission.summary.to_string(),
            submitted_on: Some(date_to_proto(submission.submitted_on)),
            late: round.is_late(submission),
            light: submission.light,
            example: submission.example,
        },
    }
}

/// A discussion.
#[must_use]
pub fn deliberation(held: &Deliberation) -> proto::Deliberation {
    proto::Deliberation {
        name: held.id.to_string(),
        agreement: held.agreement.to_string(),
        district_board: held.board.to_string(),
        held_on: Some(partial_date_to_proto(held.held_on)),
        paragraph: held.paragraph.to_string(),
        note: held
            .note
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

/// A district board with what it discussed.
#[must_use]
pub fn district(district: &District) -> proto::DistrictDeliberation {
    let state = match district.state {
        deliberation::State::NotYet => proto::DeliberationState::NotYet,
        deliberation::State::Discussed => proto::DeliberationState::Discussed,
        deliberation::State::DiscussedByPredecessor => {
            proto::DeliberationState::DiscussedByPredecessor
        }
    };
    proto::DistrictDeliberation {
        district_board: district.board.code.to_string(),
        title: Some(title(&district.board.title)),
        state: state.into(),
        deliberations: district.deliberations.iter().map(deliberation).collect(),
    }
}

/// A name in the languages of the city.
#[must_use]
pub fn title(title: &Title) -> LocalizedText {
    let en = title
        .en
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    LocalizedText {
        sv: title.sv.to_string(),
        en,
    }
}

/// A number of rows as it is shown.
#[must_use]
pub fn count(rows: i64) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}
