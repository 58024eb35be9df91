//! Replays: the leader answers who misses something, from the log, straight into the asker's queue.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior};

use super::answer::{Answer, Page, Wanted};
use super::log::{self, Logged};
use crate::error::Chain;
use crate::messaging::broker::{self, Failure, Outgoing};
use crate::messaging::envelope::control_properties;
use crate::messaging::{Shared, incarnation, topology};

/// Unconfirmed messages of a replay at a time, as in the relay.
const WINDOW: usize = 200;
/// The control message that ends a replay of a range.
pub(crate) const DONE: &str = "replayed";

/// What is missing, and which queue misses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) queue: String,
    pub(crate) wanted: Wanted,
}

impl Request {
    /// The request as a message to `producer`.
    pub(crate) fn message(&self, producer: &str) -> Outgoing {
        Outgoing {
            exchange: topology::REPLAY,
            routing_key: producer.to_owned(),
            properties: control_properties("replay"),
            payload: serde_json::to_vec(self).unwrap_or_default(),
            mandatory: true,
        }
    }
}

/// Answers requests until the first failure.
pub(super) async fn serve(shared: &Arc<Shared>, connection: &Connection) -> Result<(), Failure> {
    let channel = broker::confirming_channel(connection).await?;
    let incarnation = incarnation::current(&shared.pool).await?;
    // One at a time: a replay of the whole log must not be doubled by a second one beside it.
    channel.basic_qos(1, BasicQosOptions::default()).await?;
    let queue = topology::replay_queue(&shared.settings.service);
    let options = BasicConsumeOptions::default();
    let mut requests = channel
        .basic_consume(
            queue.as_str().into(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await?;
    let every = topology::DECLARE_EVERY;
    let mut declare = tokio::time::interval_at(Instant::now() + every, every);
    declare.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let delivery = tokio::select! {
            _ = declare.tick() => {
                let service = &shared.settings.service;
                let consumers = topology::declare_producer(&channel, service).await?;
                consumers.expect_some(&queue)?;
                continue;
            }
            delivery = requests.next() => delivery,
        };
        let delivery = delivery.ok_or_else(|| Failure::SubscriptionEnded(queue.clone()))??;
        match serde_json::from_slice::<Request>(&delivery.data) {
            Ok(request) => match answer(shared, &channel, incarnation, &request).await {
                Ok(events) => {
                    shared.metrics.replayed(events);
                    tracing::info!(?request, events, "a replay was answered");
                }
                Err(failure) if failure.is_returned() => {
                    tracing::warn!(?request, "a replay was asked for by a queue that is gone");
                }
                Err(failure) => return Err(failure),
            },
            Err(error) => tracing::warn!(
                error = %Chain(&error),
                "a request for replay could not be read and is dropped"
            ),
        }
        delivery.acker.ack(BasicAckOptions::default()).await?;
    }
}

async fn answer(
    shared: &Shared,
    channel: &Channel,
    incarnation: i64,
    request: &Request,
) -> Result<u64, Failure> {
    let mut events = 0;
    let mut answer = Answer::to(&request.wanted);
    while let Some(page) = answer.page() {
        let rows = match page {
            Page::Range { after, last } => log::range(&shared.pool, after, last).await?,
            Page::Versions {
                aggregate,
                aggregate_id,
                first,
                last,
            } => log::versions(&shared.pool, aggregate, aggregate_id, first, last).await?,
        };
        answer.turn(rows.last().map(|row| row.seq));
        events += send(shared, channel, incarnation, &request.queue, rows).await?;
    }
    if answer.ends_with_word() {
        broker::publish(channel.clone(), done(incarnation, &request.queue)).await?;
    }
    Ok(events)
}

async fn send(
    shared: &Shared,
    channel: &Channel,
    incarnation: i64,
    queue: &str,
    rows: Vec<Logged>,
) -> Result<u64, Failure> {
    let mut sent = 0;
    let mut under_way = FuturesUnordered::new();
    for row in rows {
        let envelope = row.into_envelope(&shared.settings.service);
        let message = Outgoing {
            exchange: "",
            routing_key: queue.to_owned(),
            properties: incarnation::mark(envelope.properties(), incarnation),
            payload: envelope.body.payload,
            mandatory: true,
        };
        let mut publish = Box::pin(broker::publish(channel.clone(), message));
        if let std::task::Poll::Ready(outcome) = futures_util::poll!(&mut publish) {
            outcome?;
        } else {
            under_way.push(publish);
        }
        sent += 1;
        if under_way.len() >= WINDOW
            && let Some(outcome) = under_way.next().await
        {
            outcome?;
        }
    }
    while let Some(outcome) = under_way.next().await {
        outcome?;
    }
    Ok(sent)
}

fn done(incarnation: i64, queue: &str) -> Outgoing {
    Outgoing {
        exchange: "",
        routing_key: queue.to_owned(),
        properties: incarnation::mark(control_properties(DONE), incarnation),
        payload: Vec::new(),
        mandatory: true,
    }
}
