//! Consumers: what a service does with the events of another one.
//!
//! # Design notes
//! One quorum queue per consuming service and producer, one active consumer on it. Deliveries that
//! already wait are taken together in one transaction, in order; if anything in it fails, each gets
//! a transaction of its own. Marks, effects and own outbox rows commit together, then the
//! deliveries are acknowledged: a crash in between means a duplicate, which the mark recognises.

mod apply;
pub(crate) mod dead;
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

/// An effect: any `async fn(&mut PgConnection, &Envelope<E>) -> Result<(), Rejection>`. The trait
/// gives the two borrows one name, which a bound on a closure's future cannot.
pub trait Effect<'a, E>: Send + Sync {
    /// The future of one application.
    type Applied: Future<Output = Result<(), Rejection>> + Send + 'a;

    /// Applies the event within the transaction.
    fn apply(&self, tx: &'a mut PgConnection, event: &'a Envelope<E>) -> Self::Applied;
}

impl<'a, E, F, Fut> Effect<'a, E> for F
where
    E: 'a,
    F: Fn(&'a mut PgConnection, &'a Envelope<E>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), Rejection>> + Send + 'a,
{
    type Applied = Fut;

    fn apply(&self, tx: &'a mut PgConnection, event: &'a Envelope<E>) -> Fut {
        self(tx, event)
    }
}

type Handler = Box<
    dyn for<'a> Fn(&'a mut PgConnection, &'a Envelope<Raw>) -> BoxFuture<'a, Result<(), Rejection>>
        + Send
        + Sync,
>;

/// What a service does with the events of one producer.
pub struct Consumer {
    producer: String,
    handlers: HashMap<&'static str, Handler>,
    any: Option<Handler>,
}

impl Consumer {
    /// A consumer of the events of `producer`. All its types are received; those without an effect
    /// only move the mark, so that a producer may add types.
    #[must_use]
    pub fn of(producer: &str) -> Self {
        Self {
            producer: producer.to_owned(),
            handlers: HashMap::new(),
            any: None,
        }
    }

    /// Applies `effect` to events of type `E`.
    #[must_use]
    pub fn on<E, F>(mut self, effect: F) -> Self
    where
        E: EventMessage,
        F: for<'a> Effect<'a, E> + 'static,
    {
        let effect = Arc::new(effect);
        let handler: Handler = Box::new(move |tx, event| {
            let effect = Arc::clone(&effect);
            Box::pin(async move {
                let event = event
                    .decode::<E>()
                    .map_err(|error| Rejection::Reject(Box::new(error)))?;
                effect.apply(tx, &event).await
            })
        });
        self.handlers.insert(E::TYPE, handler);
        self
    }

    /// Applies `effect` to every event, known or not, after the effect of its own type.
    #[must_use]
    pub fn on_any<F>(mut self, effect: F) -> Self
    where
        F: for<'a> Effect<'a, Raw> + 'static,
    {
        let effect = Arc::new(effect);
        self.any = Some(Box::new(move |tx, event| {
            let effect = Arc::clone(&effect);
            Box::pin(async move { effect.apply(tx, event).await })
        }));
        self
    }

    /// The producing service.
    #[must_use]
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The types that have an effect of their own.
    pub fn types(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.handlers.keys().copied()
    }

    /// Whether every event has an effect.
    #[must_use]
    pub fn takes_any(&self) -> bool {
        self.any.is_some()
    }

    async fn handle(&self, tx: &mut PgConnection, event: &Envelope<Raw>) -> Result<(), Rejection> {
        if let Some(handler) = self.handlers.get(event.r#type.as_str()) {
            handler(tx, event).await?;
        }
        if let Some(handler) = &self.any {
            handler(tx, event).await?;
        }
        Ok(())
    }
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
