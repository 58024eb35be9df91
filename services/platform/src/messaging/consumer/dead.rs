//! The dead-letter queue of a service: what the broker gave up on becomes a record like our own
//! refusals.
//!
//! # Design notes
//! A message that kills its consumer never reaches our own book-keeping; the broker buries it after
//! its delivery limit. The exchange is a fanout, since a policy cannot give each queue its own
//! routing key: every service gets every dead letter and keeps those of its own queues.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::id;
use crate::messaging::broker::{self, Failure};
use crate::messaging::dead_letters::{self, Burial};
use crate::messaging::envelope::{Envelope, control_kind, received_headers};
use crate::messaging::{Shared, incarnation, topology};

/// Dead letters under way: they are rare.
const PREFETCH: u16 = 20;

/// Runs sessions until `stop`.
pub(crate) async fn supervise(
    shared: Arc<Shared>,
    producers: Vec<String>,
    stop: CancellationToken,
) {
    let queue = topology::dead_queue(&shared.settings.service);
    let session = || session(&shared, &producers, &queue, &stop);
    broker::supervise(&queue, &stop, session).await;
}

async fn session(
    shared: &Shared,
    producers: &[String],
    queue: &str,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let name = format!("{queue} {}", id::encode(id::new()));
    let connection = broker::connect(&shared.settings.broker, name).await?;
    let channel = connection.create_channel().await?;
    topology::declare_dead(&channel, &shared.settings.service).await?;
    channel
        .basic_qos(PREFETCH, BasicQosOptions::default())
        .await?;
    let options = BasicConsumeOptions::default();
    let mut deliveries = channel
        .basic_consume(queue.into(), "".into(), options, FieldTable::default())
        .await?;
    let every = topology::DECLARE_EVERY;
    let mut declare = tokio::time::interval_at(Instant::now() + every, every);
    declare.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = declare.tick() => {
                let service = &shared.settings.service;
                topology::declare_dead(&channel, service).await?.expect_some(queue)?;
            }
            next = deliveries.next() => {
                let delivery =
                    next.ok_or_else(|| Failure::SubscriptionEnded(queue.to_owned()))??;
                record(shared, producers, &delivery).await?;
                delivery.acker.ack(BasicAckOptions::default()).await?;
            }
        }
    }
    let close = connection.close(200, "done".into());
    let _ = broker::within(Duration::from_secs(1), "closing the connection", close).await;
    Ok(())
}

/// Records what came from one of our own queues and is not recorded yet.
async fn record(shared: &Shared, producers: &[String], delivery: &Delivery) -> Result<(), Failure> {
    let headers = received_headers(&delivery.properties);
    let origin = headers
        .get("x-first-death-queue")
        .cloned()
        .unwrap_or_default();
    let service = &shared.settings.service;
    let ours = |producer: &&String| topology::events_queue(service, producer) == origin;
    let Some(producer) = producers.iter().find(ours) else {
        return Ok(());
    };
    if control_kind(&headers).is_some() {
        return Ok(());
    }
    if incarnation::of(&headers) != incarnation::current(&shared.pool).await? {
        // It comes again from the log if it did happen.
        return Ok(());
    }
    let reason = headers
        .get("x-first-death-reason")
        .map_or("dead", String::as_str)
        .replace('_', " ");
    let error = format!("the broker gave up: {reason}");
    let burial = match Envelope::from_headers(&headers, delivery.data.clone()) {
        Ok(event) if event.service == *producer => {
            Burial::of_event(&origin, &event, "broker", &error.into())
        }
        _ => Burial::of_garbage(&origin, producer, headers, delivery.data.clone(), error),
    };
    if dead_letters::bury_unless_known(&shared.pool, &burial).await? {
        shared.metrics.dead();
    }
    Ok(())
}
