//! Any event that can be subscribed to: whoever it matches is told, once.
//!
//! # Design notes
//! One fan-out at a time in a database. The consumer loop takes several events into one
//! transaction, so two producers' transactions would lock the rows of the same subscribers in
//! different orders, and orders within one event do not help. A lock for the whole transaction
//! costs a little waiting; a deadlock costs a second and the batch.

use std::collections::BTreeSet;

use futures_util::future::BoxFuture;
use handslag_platform::messaging::{Effect, Envelope, Raw, Rejection};
use handslag_proto::{EventDescriptor, Scoped};
use prost::Message as _;
use sqlx::PgConnection;

use super::poison;
use crate::{
    bell::Rope,
    convert,
    domain::{
        link::link,
        notification::{Occurrence, Scope, Severity},
        subscriber::SubscriberId,
        title::{Title, title},
    },
    store,
};

/// The effect of every event.
pub(super) struct FanOut {
    rope: Rope,
}

impl FanOut {
    /// Pulls `rope` when somebody is told.
    pub(super) fn new(rope: Rope) -> Self {
        Self { rope }
    }
}

impl<'a> Effect<'a, Envelope<Raw>> for FanOut {
    type Applied = BoxFuture<'a, Result<(), Rejection>>;

    fn apply(&self, tx: &'a mut PgConnection, event: &'a Envelope<Raw>) -> Self::Applied {
        let rope = self.rope.clone();
        Box::pin(async move {
            if fan_out(tx, event).await? {
                rope.pull();
            }
            Ok(())
        })
    }
}

/// Stores the event and puts it into the inbox of every subscriber that a subscription in force
/// matches for. False when nobody is told.
async fn fan_out(tx: &mut PgConnection, event: &Envelope<Raw>) -> Result<bool, Rejection> {
    let types = handslag_proto::event_types();
    let Some(known) = types.iter().find(|known| known.r#type == event.r#type) else {
        // A newer producer says more than this service has words for; it will have them after its
        // next release.
        tracing::info!(
            r#type = event.r#type,
            "an event of an unknown type is told to nobody"
        );
        return Ok(false);
    };
    let occurrence = occurrence(tx, event, known).await?;
    store::notifications::one_at_a_time(tx).await?;
    if !store::events::insert(tx, &occurrence).await? {
        return Ok(false);
    }
    // A set: several matching subscriptions of a subscriber make one notification.
    let told: BTreeSet<SubscriberId> = store::subscriptions::in_force(tx)
        .await?
        .into_iter()
        .filter(|one| {
            one.subscription
                .filter
                .matches(one.reader.as_ref(), &occurrence)
        })
        .map(|one| one.subscription.subscriber)
        .collect();
    if told.is_empty() {
        return Ok(false);
    }
    let told: Vec<SubscriberId> = told.into_iter().collect();
    store::notifications::tell(tx, occurrence.id, &told).await?;
    Ok(true)
}

async fn occurrence(
    tx: &mut PgConnection,
    event: &Envelope<Raw>,
    known: &EventDescriptor,
) -> Result<Occurrence, Rejection> {
    let scoped = Scoped::decode(event.body.payload.as_slice()).map_err(poison)?;
    let scope = convert::scope(scoped.scope).map_err(poison)?;
    let district = district_title(tx, event, &scope).await?;
    let severity = Severity::from_number(known.severity).ok_or_else(|| poison(Wordless))?;
    let title = title(
        known.service,
        known.aggregate,
        known.name,
        district.as_ref(),
    )
    .ok_or_else(|| poison(Wordless))?;
    Ok(Occurrence {
        id: event.id,
        event_type: event.r#type.clone(),
        subject: event.subject.clone(),
        subject_version: event.version,
        occurred_at: event.time,
        link: link(&event.subject, scope.agreement),
        scope,
        severity,
        title,
    })
}

/// The name of the board that the event concerns or is about.
async fn district_title(
    tx: &mut PgConnection,
    event: &Envelope<Raw>,
    scope: &Scope,
) -> Result<Option<Title>, sqlx::Error> {
    let subject = convert::district_code(&event.subject).ok();
    match scope.district_board.as_ref().or(subject.as_ref()) {
        Some(code) => store::district_boards::title(tx, code).await,
        None => Ok(None),
    }
}

/// A type of the contract without a severity or a sentence; a test keeps it from happening.
#[derive(Debug, thiserror::Error)]
#[error("the event type has no severity or no sentence")]
struct Wordless;
