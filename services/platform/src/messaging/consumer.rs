//! Consumers: what a service does with the events of another one.
//!
//! # Design notes
//! One quorum queue per consuming service and producer, one active consumer on it. Deliveries that
//! already wait are taken together in one transaction, in order; if anything in it fails, each gets
//! a transaction of its own. Marks, effects and own outbox rows commit together, then the
//! deliveries are acknowledged: a crash in between means a duplicate, which the mark recognises.

mod apply;
mod control;
pub(crate) mod dead;
mod foreign;
pub mod judgement;
mod session;
mod sweep;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use handslag_proto::EventMessage;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use super::envelope::{Envelope, Raw};
use super::{Shared, broker, topology};
use crate::error::BoxError;

/// Why an event has had no effect.
#[derive(Debug)]
pub enum Rejection {
    /// It may succeed later: something else is missing or busy. After eight tries it is a dead
    /// letter.
    Retry(BoxError),
    /// It will never succeed: it becomes a dead letter at once, and the aggregate's later events
    /// wait.
    Reject(BoxError),
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(_) => f.write_str("the event could not be applied now"),
            Self::Reject(_) => f.write_str("the event cannot be applied"),
        }
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Retry(source) | Self::Reject(source) => Some(source.as_ref()),
        }
    }
}

impl From<sqlx::Error> for Rejection {
    fn from(error: sqlx::Error) -> Self {
        Self::Retry(Box::new(error))
    }
}

/// An effect of `H`, an event or several: any `async fn(&mut PgConnection, &H) -> Result<(),
/// Rejection>`. The trait gives the two borrows one name, which a bound on a closure's future
/// cannot.
pub trait Effect<'a, H: ?Sized>: Send + Sync {
    /// The future of one application.
    type Applied: Future<Output = Result<(), Rejection>> + Send + 'a;

    /// Applies what was heard within the transaction.
    fn apply(&self, tx: &'a mut PgConnection, heard: &'a H) -> Self::Applied;
}

impl<'a, H, F, Fut> Effect<'a, H> for F
where
    H: ?Sized + 'a,
    F: Fn(&'a mut PgConnection, &'a H) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), Rejection>> + Send + 'a,
{
    type Applied = Fut;

    fn apply(&self, tx: &'a mut PgConnection, heard: &'a H) -> Fut {
        self(tx, heard)
    }
}

/// Applies events that stand together, in order.
type Handler = Box<
    dyn for<'a> Fn(
            &'a mut PgConnection,
            &'a [&'a Envelope<Raw>],
        ) -> BoxFuture<'a, Result<(), Rejection>>
        + Send
        + Sync,
>;

/// What a service does with the events of one producer.
pub struct Consumer {
    producer: String,
    handlers: HashMap<&'static str, Handler>,
    batch: Option<Handler>,
    after_commit: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Consumer {
    /// A consumer of the events of `producer`. All its types are received; those without an effect
    /// only move the mark, so that a producer may add types.
    #[must_use]
    pub fn of(producer: &str) -> Self {
        Self {
            producer: producer.to_owned(),
            handlers: HashMap::new(),
            batch: None,
            after_commit: None,
        }
    }

    /// Applies `effect` to events of type `E`.
    #[must_use]
    pub fn on<E, F>(mut self, effect: F) -> Self
    where
        E: EventMessage,
        F: for<'a> Effect<'a, Envelope<E>> + 'static,
    {
        let effect = Arc::new(effect);
        let handler: Handler = Box::new(move |tx, events| {
            let effect = Arc::clone(&effect);
            Box::pin(async move {
                for event in events {
                    effect.apply(&mut *tx, &decoded::<E>(event)?).await?;
                }
                Ok(())
            })
        });
        self.handlers.insert(E::TYPE, handler);
        self
    }

    /// Applies `effect` to events of type `E`, neighbours together: what comes in thousands (an
    /// import, a rebuild) is then one statement for many. If it fails, each gets its own try.
    #[must_use]
    pub fn on_many<E, F>(mut self, effect: F) -> Self
    where
        E: EventMessage,
        F: for<'a> Effect<'a, [Envelope<E>]> + 'static,
    {
        let effect = Arc::new(effect);
        let handler: Handler = Box::new(move |tx, events| {
            let effect = Arc::clone(&effect);
            Box::pin(async move {
                let events: Result<Vec<_>, _> = events.iter().map(|one| decoded(one)).collect();
                effect.apply(tx, &events?).await
            })
        });
        self.handlers.insert(E::TYPE, handler);
        self
    }

    /// Applies `effect` to all events, known or not, that are applied together, after the effects of
    /// their own types.
    #[must_use]
    pub fn on_batch<F>(mut self, effect: F) -> Self
    where
        F: for<'a> Effect<'a, [&'a Envelope<Raw>]> + 'static,
    {
        let effect = Arc::new(effect);
        self.batch = Some(Box::new(move |tx, events| {
            let effect = Arc::clone(&effect);
            Box::pin(async move { effect.apply(tx, events).await })
        }));
        self
    }

    /// Calls `told` after each commit. No promise goes with it: a process that dies has committed
    /// and not called. Effects that append to the outbox wake the relay here, or wait for its poll.
    #[must_use]
    pub fn after_commit(mut self, told: impl Fn() + Send + Sync + 'static) -> Self {
        self.after_commit = Some(Box::new(told));
        self
    }

    /// The producing service.
    #[must_use]
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// Applies events of one type.
    async fn handle(
        &self,
        tx: &mut PgConnection,
        r#type: &str,
        events: &[&Envelope<Raw>],
    ) -> Result<(), Rejection> {
        match self.handlers.get(r#type) {
            Some(handler) => handler(tx, events).await,
            None => Ok(()),
        }
    }

    fn committed(&self) {
        if let Some(told) = &self.after_commit {
            told();
        }
    }
}

fn decoded<E: EventMessage>(event: &Envelope<Raw>) -> Result<Envelope<E>, Rejection> {
    event
        .decode::<E>()
        .map_err(|error| Rejection::Reject(Box::new(error)))
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("producer", &self.producer)
            .finish_non_exhaustive()
    }
}

/// Runs sessions of a consumer until `stop`.
pub(crate) async fn supervise(
    shared: Arc<Shared>,
    consumer: Arc<Consumer>,
    stop: CancellationToken,
) {
    let queue = topology::events_queue(&shared.settings.service, &consumer.producer);
    shared.links.down(&queue);
    broker::supervise(&queue, &stop, || {
        session::run(&shared, &consumer, &queue, &stop)
    })
    .await;
}
