//! What the events of the other services mean here, a module per event.
//!
//! # Design notes
//! Every effect is a row or two and asks nothing of other rows: queues of two producers have no common order, and
//! within one the gap of an aggregate is repaired while the others flow on. What belongs together is put together when
//! it is read. What an import brings in thousands is put in many rows at a time. An event that says what this service does not know (a new state, say) is refused and waits as a dead
//! letter: counting it as something else would be a false figure that nobody sees.

mod action_added;
mod action_deadline_moved;
mod action_plan_approved;
mod action_plan_drafted;
mod action_progressed;
mod agreement_adopted;
mod agreement_drafted;
mod area_created;
mod board_created;
mod commitment_accepted;
mod commitment_declined;
mod commitment_proposed;
mod counted;
mod figure_reported;
mod follow_up_account_submitted;
mod follow_up_deadline_moved;
mod follow_up_opened;
mod follow_up_published;
mod organisation_registered;
mod organisation_updated;
mod party_created;
mod signatory_state_changed;

use handslag_platform::clock::stockholm_date;
use handslag_platform::date::PartialDate;
use handslag_platform::messaging::{Consumer, Envelope, Rejection};
use handslag_platform::{id as ids, wire};
use handslag_proto::common::v1::{self as common, EventScope, LocalizedText};
use handslag_proto::events::v1 as events;
use time::Date;
use uuid::Uuid;

use crate::domain::names::{AgreementId, Title};
use crate::store::StoreError;

/// The services whose events feed the read models.
pub(crate) const PRODUCERS: [&str; 2] = ["registry", "commitments"];

/// The consumers of this service.
pub(crate) fn all() -> Vec<Consumer> {
    let [registry, commitments] = PRODUCERS;
    let registry = Consumer::of(registry)
        .on::<events::AreaCreated, _>(area_created::area_created)
        .on::<events::PartyCreated, _>(party_created::party_created)
        .on::<events::BoardCreated, _>(board_created::board_created)
        .on::<events::AgreementDrafted, _>(agreement_drafted::agreement_drafted)
        .on::<events::AgreementAdopted, _>(agreement_adopted::agreement_adopted)
        .on::<events::FigureReported, _>(figure_reported::figure_reported)
        .on_many::<events::OrganisationRegistered, _>(
            organisation_registered::organisations_registered,
        )
        .on::<events::OrganisationUpdated, _>(organisation_updated::organisation_updated)
        .on::<events::SignatoryStateChanged, _>(signatory_state_changed::signatory_state_changed)
        .on_batch(counted::counted);
    let commitments = Consumer::of(commitments)
        .on::<events::CommitmentProposed, _>(commitment_proposed::commitment_proposed)
        .on::<events::CommitmentAccepted, _>(commitment_accepted::commitment_accepted)
        .on::<events::CommitmentDeclined, _>(commitment_declined::commitment_declined)
        .on::<events::ActionPlanDrafted, _>(action_plan_drafted::action_plan_drafted)
        .on::<events::ActionPlanApproved, _>(action_plan_approved::action_plan_approved)
        .on::<events::ActionAdded, _>(action_added::action_added)
        .on::<events::ActionProgressed, _>(action_progressed::action_progressed)
        .on::<events::ActionDeadlineMoved, _>(action_deadline_moved::action_deadline_moved)
        .on::<events::FollowUpOpened, _>(follow_up_opened::follow_up_opened)
        .on::<events::FollowUpAccountSubmitted, _>(
            follow_up_account_submitted::follow_up_account_submitted,
        )
        .on::<events::FollowUpDeadlineMoved, _>(follow_up_deadline_moved::follow_up_deadline_moved)
        .on::<events::FollowUpPublished, _>(follow_up_published::follow_up_published)
        .on_batch(counted::counted);
    vec![registry, commitments]
}

impl From<StoreError> for Rejection {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => Self::from(error),
            StoreError::Inconsistent { .. } => Self::Reject(Box::new(error)),
        }
    }
}

/// An event whose field cannot be read will never be readable.
fn unreadable(what: &str, value: &str) -> Rejection {
    Rejection::Reject(format!("no {what}: {value:?}").into())
}

/// The id in a resource name of `collection`.
fn id(collection: &str, name: &str) -> Result<Uuid, Rejection> {
    name.strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(ids::decode)
        .ok_or_else(|| unreadable(collection, name))
}

/// The agreement that the event concerns.
fn agreement(scope: Option<&EventScope>) -> Result<AgreementId, Rejection> {
    id("agreements", scope.map_or("", |scope| &scope.agreement)).map(AgreementId)
}

/// A code in a resource name.
fn code<C>(read: fn(&str) -> Option<C>, name: &str) -> Result<C, Rejection> {
    read(name).ok_or_else(|| unreadable("name", name))
}

/// Codes in resource names.
fn codes<C>(read: fn(&str) -> Option<C>, names: &[String]) -> Result<Vec<C>, Rejection> {
    names.iter().map(|name| code(read, name)).collect()
}

/// A state or measure as the events write it.
fn known<S>(parse: fn(&str) -> Option<S>, value: &str) -> Result<S, Rejection> {
    parse(value).ok_or_else(|| unreadable("known value", value))
}

fn title(text: Option<&LocalizedText>) -> Title {
    text.map(|text| Title {
        sv: text.sv.clone(),
        en: text.en.clone(),
    })
    .unwrap_or_default()
}

fn day(date: Option<&common::Date>) -> Result<Date, Rejection> {
    wire::date(date).map_err(|error| Rejection::Reject(Box::new(error)))
}

fn partial(date: Option<&common::PartialDate>) -> Result<PartialDate, Rejection> {
    wire::partial_date(date).map_err(|error| Rejection::Reject(Box::new(error)))
}

/// The day from which something is certain: the last that its source allows, or the event's when it has no date.
fn latest<E>(date: Option<&common::PartialDate>, event: &Envelope<E>) -> Result<Date, Rejection> {
    match date {
        Some(date) => Ok(partial(Some(date))?.latest()),
        None => Ok(heard_on(event)),
    }
}

/// The day of the event in Stockholm.
fn heard_on<E>(event: &Envelope<E>) -> Date {
    stockholm_date(event.time)
}
