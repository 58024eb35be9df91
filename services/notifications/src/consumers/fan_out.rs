//! Any event that can be subscribed to: whoever it matches is told, once.
//!
//! # Design notes
//! The consumer loop takes several events into one transaction, so that two producers' transactions
//! would lock the rows of the same subscribers in different orders. A lock for the rest of the
//! transaction costs a little waiting; a deadlock costs a second and the batch. What is asked of the
//! database is asked once for all events of a batch: alone, each would ask for all subscriptions
//! anew.

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
        names::DistrictCode,
        notification::{Letter, Occurrence, Scope, Severity},
        subscriber::SubscriberId,
        title::title,
    },
    store::{self, district_boards::Titles, subscriptions::InForce},
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

impl<'a> Effect<'a, [&'a Envelope<Raw>]> for FanOut {
    type Applied = BoxFuture<'a, Result<(), Rejection>>;

    fn apply(&self, tx: &'a mut PgConnection, events: &'a [&'a Envelope<Raw>]) -> Self::Applied {
        let rope = self.rope.clone();
        Box::pin(async move {
            if fan_out(tx, events).await? {
                rope.pull();
            }
            Ok(())
        })
    }
}

/// Stores the events and puts each into the inbox of every subscriber that a subscription in force
/// matches for. False when nobody is told.
async fn fan_out(tx: &mut PgConnection, events: &[&Envelope<Raw>]) -> Result<bool, Rejection> {
    let heard: Result<Vec<Heard<'_>>, Rejection> = events
        .iter()
        .filter_map(|event| Some(Heard::of(event, known(event)?)))
        .collect();
    let heard = heard?;
    if heard.is_empty() {
        return Ok(false);
    }
    let districts: Vec<&DistrictCode> = heard.iter().filter_map(|one| one.district()).collect();
    let titles = store::district_boards::titles(tx, &districts).await?;
    let occurrences: Result<Vec<Occurrence>, Rejection> =
        heard.iter().map(|one| one.occurrence(&titles)).collect();
    store::notifications::one_at_a_time(tx).await?;
    let new = store::events::insert(tx, occurrences?).await?;
    if new.is_empty() {
        return Ok(false);
    }
    let subscriptions = store::subscriptions::in_force(tx).await?;
    let letters: Vec<Letter> = new
        .iter()
        .flat_map(|occurrence| letters(&subscriptions, occurrence))
        .collect();
    store::notifications::tell(tx, &letters).await?;
    Ok(!letters.is_empty())
}

fn known(event: &Envelope<Raw>) -> Option<&'static EventDescriptor> {
    let types = handslag_proto::event_types();
    let known = types.iter().find(|known| known.r#type == event.r#type);
    if known.is_none() {
        // A newer producer says more than this service has words for; it will have them after its
        // next release.
        tracing::info!(
            r#type = event.r#type,
            "an event of an unknown type is told to nobody"
        );
    }
    known
}

/// What is to be told of an occurrence, and to whom.
fn letters(subscriptions: &[InForce], occurrence: &Occurrence) -> Vec<Letter> {
    // A set: several matching subscriptions of a subscriber make one notification.
    let told: BTreeSet<SubscriberId> = subscriptions
        .iter()
        .filter(|one| {
            let filter = &one.subscription.filter;
            filter.matches(one.reader.as_ref(), occurrence)
        })
        .map(|one| one.subscription.subscriber)
        .collect();
    told.into_iter()
        .map(|subscriber| Letter {
            subscriber,
            event: occurrence.id,
        })
        .collect()
}

/// An event of a known type, with what it concerns.
struct Heard<'a> {
    event: &'a Envelope<Raw>,
    known: &'static EventDescriptor,
    scope: Scope,
    /// The district board that it is about.
    subject: Option<DistrictCode>,
}

impl<'a> Heard<'a> {
    fn of(event: &'a Envelope<Raw>, known: &'static EventDescriptor) -> Result<Self, Rejection> {
        let scoped = Scoped::decode(event.body.payload.as_slice()).map_err(poison)?;
        Ok(Self {
            event,
            known,
            scope: convert::scope(scoped.scope).map_err(poison)?,
            subject: convert::district_code(&event.subject).ok(),
        })
    }

    /// The district board that it concerns or is about.
    fn district(&self) -> Option<&DistrictCode> {
        self.scope.district_board.as_ref().or(self.subject.as_ref())
    }

    fn occurrence(&self, titles: &Titles) -> Result<Occurrence, Rejection> {
        let Self { event, known, .. } = self;
        let district = self.district().and_then(|code| titles.get(code));
        let severity = Severity::from_number(known.severity).ok_or_else(|| poison(Wordless))?;
        let title = title(known.service, known.aggregate, known.name, district)
            .ok_or_else(|| poison(Wordless))?;
        Ok(Occurrence {
            id: event.id,
            event_type: event.r#type.clone(),
            subject: event.subject.clone(),
            subject_version: event.version,
            occurred_at: event.time,
            link: link(&event.subject, self.scope.agreement),
            scope: self.scope.clone(),
            severity,
            title,
        })
    }
}

/// A type of the contract without a severity or a sentence; a test keeps it from happening.
#[derive(Debug, thiserror::Error)]
#[error("the event type has no severity or no sentence")]
struct Wordless;
