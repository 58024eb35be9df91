//! Applying events: mark, effect, parked successors, one transaction.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgConnection};
use tracing::Instrument as _;

use super::judgement::Trouble;
use super::{Consumer, Rejection};
use crate::database::{Cause, begin};
use crate::error::BoxError;
use crate::failpoint;
use crate::messaging::envelope::{Envelope, Raw};
use crate::messaging::inbox::batch::{self, Together};
use crate::messaging::inbox::{self, Decision};
use crate::messaging::{Shared, account, trace};

/// How long a gap is left alone: the missing event may be on its way back after a failed try.
const GAP_GRACE_SECONDS: f64 = 0.5;

/// Why a transaction of events was rolled back.
#[derive(Debug)]
pub(super) enum Problem {
    /// The database is away. No event is to blame.
    Outage(BoxError),
    /// The event at this position could not be applied.
    Rejected { rejection: Rejection },
}

impl Problem {
    /// What kind of trouble it is, and with what error.
    pub(super) fn into_parts(self) -> (Trouble, BoxError) {
        match self {
            Self::Outage(error) => (Trouble::Outage, error),
            Self::Rejected { rejection } => match rejection {
                Rejection::Retry(error) => (Trouble::Retry, error),
                Rejection::Reject(error) => (Trouble::Reject, error),
            },
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if is_outage(&error) {
            Self::Outage(Box::new(error))
        } else {
            Self::Rejected {
                rejection: Rejection::from(error),
            }
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Retry(source)
                if source.downcast_ref::<sqlx::Error>().is_some_and(is_outage) =>
            {
                Self::Outage(source)
            }
            rejection => Self::Rejected { rejection },
        }
    }
}

/// Whether the database did not answer, as opposed to having answered no.
fn is_outage(error: &sqlx::Error) -> bool {
    Cause::of(error) == Cause::Outage
}

/// What became of events, for the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) applied: u64,
    pub(super) duplicates: u64,
    pub(super) parked: u64,
}

/// Applies events in order, in one transaction.
pub(super) async fn apply(
    shared: &Shared,
    consumer: &Consumer,
    events: &[&Envelope<Raw>],
) -> Result<Applied, Problem> {
    let mut applied = Applied::default();
    let mut tx = begin(&shared.pool).await?;
    if !together(&mut tx, consumer, events, &mut applied).await? {
        for event in events {
            one(&mut tx, consumer, event, &mut applied).await?;
        }
    }
    account::note(&mut tx, consumer.producer(), events.iter().copied()).await?;
    failpoint::at("consumer-applied");
    tx.commit().await?;
    failpoint::at("consumer-committed");
    consumer.committed();
    Ok(applied)
}

/// Applies a batch without a question for each of its events; false, with nothing done, when it has
/// to be looked at one by one.
async fn together(
    tx: &mut PgConnection,
    consumer: &Consumer,
    events: &[&Envelope<Raw>],
    applied: &mut Applied,
) -> Result<bool, Problem> {
    if events.len() < 2 {
        return Ok(false);
    }
    let decisions = match batch::claim(tx, consumer.producer(), events).await? {
        Together::Claimed(decisions) => decisions,
        Together::Careful => return Ok(false),
        Together::Raced => return Err(Rejection::Retry("a mark has moved".into()).into()),
    };
    let next = |decision: &Decision| *decision == Decision::Apply;
    let due: Vec<&Envelope<Raw>> = events
        .iter()
        .zip(&decisions)
        .filter_map(|(event, decision)| next(decision).then_some(*event))
        .collect();
    effects(tx, consumer, &due).await?;
    let news = u64::try_from(due.len()).unwrap_or(u64::MAX);
    let all = u64::try_from(events.len()).unwrap_or(u64::MAX);
    applied.applied += news;
    applied.duplicates += all.saturating_sub(news);
    Ok(true)
}

async fn one(
    tx: &mut PgConnection,
    consumer: &Consumer,
    event: &Envelope<Raw>,
    applied: &mut Applied,
) -> Result<(), Problem> {
    let claim = inbox::claim(tx, event).await?;
    match claim.decision {
        Decision::Apply => {
            effects(tx, consumer, &[event]).await?;
            applied.applied += 1;
            if claim.successor_parked {
                drain(tx, consumer, event.clone(), applied).await?;
            }
        }
        Decision::Duplicate => applied.duplicates += 1,
        Decision::Gap { .. } => {
            inbox::park(tx, event, GAP_GRACE_SECONDS).await?;
            applied.parked += 1;
        }
    }
    Ok(())
}

/// Applies the parked successors of an event. One that fails stays parked with all after it, for
/// the sweep to judge: the event that closed the gap must not be rolled back for it.
async fn drain(
    tx: &mut PgConnection,
    consumer: &Consumer,
    mut last: Envelope<Raw>,
    applied: &mut Applied,
) -> Result<(), Problem> {
    while let Some(next) = inbox::successor(tx, &last).await? {
        let mut savepoint = tx.begin().await?;
        let claim = inbox::claim(&mut savepoint, &next).await?;
        match effects(&mut savepoint, consumer, &[&next]).await {
            Ok(()) => savepoint.commit().await?,
            Err(Problem::Outage(error)) => return Err(Problem::Outage(error)),
            Err(Problem::Rejected { .. }) => {
                savepoint.rollback().await?;
                return Ok(());
            }
        }
        applied.applied += 1;
        if !claim.successor_parked {
            return Ok(());
        }
        last = next;
    }
    Ok(())
}

/// Runs the effects of events whose marks have moved: neighbours of one type together, at last what
/// concerns the whole batch.
async fn effects(
    tx: &mut PgConnection,
    consumer: &Consumer,
    events: &[&Envelope<Raw>],
) -> Result<(), Problem> {
    #[cfg(feature = "failpoints")]
    crate::messaging::defects::commit_the_mark_first(tx).await?;
    for run in events.chunk_by(|one, next| one.r#type == next.r#type) {
        let Some(first) = run.first() else { continue };
        let span = span(first, run);
        contained(consumer.handle(tx, &first.r#type, run).instrument(span)).await?;
    }
    if let Some(handler) = &consumer.batch
        && !events.is_empty()
    {
        contained(handler(tx, events).instrument(batch_span(events))).await?;
    }
    Ok(())
}

/// Goes on the trace of the first event's command, linked to the others'.
fn batch_span(events: &[&Envelope<Raw>]) -> tracing::Span {
    let span = tracing::info_span!(
        "apply batch",
        otel.kind = "consumer",
        messaging.system = "rabbitmq",
        messaging.batch.message_count = events.len(),
    );
    trace::follow(&span, traceparents(events));
    span
}

/// The same of neighbours of one type.
fn span(first: &Envelope<Raw>, run: &[&Envelope<Raw>]) -> tracing::Span {
    let span = tracing::info_span!(
        "apply event",
        otel.kind = "consumer",
        messaging.system = "rabbitmq",
        messaging.batch.message_count = run.len(),
        event.id = %first.id,
        event.r#type = first.r#type,
        event.seq = first.seq,
        event.version = first.version,
    );
    trace::follow(&span, traceparents(run));
    span
}

fn traceparents<'a>(events: &'a [&Envelope<Raw>]) -> impl Iterator<Item = Option<&'a str>> {
    events.iter().map(|event| event.traceparent.as_deref())
}

/// A panic is the event's fault like any other refusal: it must not end the consumer for all
/// aggregates.
async fn contained(effect: impl Future<Output = Result<(), Rejection>>) -> Result<(), Problem> {
    match AssertUnwindSafe(effect).catch_unwind().await {
        Ok(outcome) => Ok(outcome?),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default();
            Err(Rejection::Reject(format!("the effect panicked: {text}").into()).into())
        }
    }
}
