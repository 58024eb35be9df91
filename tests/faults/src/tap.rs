//! A queue bound with `#`, and everything that comes out of it.
//!
//! # Design notes
//! The tap reaches the broker directly: a fault of the services' edge must not concern the witness.
//! A delivery is acknowledged when it is written down; what was written and not acknowledged comes
//! again after the broker's death, marked as such by the broker.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use handslag_checker::record::{TapEvent, TapGarbage};
use handslag_platform::messaging::topology::{EVENTS, UNROUTED};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties, ExchangeKind};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::history::Lines;
use crate::load::World;

/// The tap's queue. Not called as Handslag's are, so that no policy of theirs applies.
pub(crate) const QUEUE: &str = "tap.events";
/// Deliveries under way.
const PREFETCH: u16 = 1_000;
/// Pause before a broken tap is made anew.
const AGAIN: Duration = Duration::from_millis(200);

/// A running tap.
pub(crate) struct Tap {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    files: Arc<Files>,
}

struct Files {
    events: Lines,
    garbage: Lines,
    /// Has the clock of the run.
    world: Arc<World>,
}

impl Tap {
    /// Opens it, and waits until it is bound.
    pub(crate) async fn open(amqp_url: &str, folder: &Path, world: &Arc<World>) -> Result<Self> {
        use handslag_checker::record::{TAP, TAP_GARBAGE};
        let files = Arc::new(Files {
            events: Lines::create(&folder.join(TAP))?,
            garbage: Lines::create(&folder.join(TAP_GARBAGE))?,
            world: Arc::clone(world),
        });
        let stop = CancellationToken::new();
        let (bound, mut is_bound) = watch::channel(false);
        let task = {
            let (url, files, stop) = (amqp_url.to_owned(), Arc::clone(&files), stop.clone());
            tokio::spawn(async move {
                while !stop.is_cancelled() {
                    if let Err(error) = listen(&url, &files, &stop, &bound).await {
                        tracing::debug!(error = format!("{error:#}"), "the tap is made anew");
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            })
        };
        is_bound
            .wait_for(|bound| *bound)
            .await
            .context("the tap ended at once")?;
        Ok(Self { stop, task, files })
    }

    /// Brings what it has seen into its files.
    pub(crate) fn flush(&self) -> Result<()> {
        self.files.events.flush()?;
        self.files.garbage.flush()
    }

    /// Closes it; the queue must be empty by then.
    pub(crate) async fn close(self) -> Result<()> {
        self.stop.cancel();
        self.task.await?;
        self.files.events.flush()?;
        self.files.garbage.flush()
    }
}

async fn listen(
    url: &str,
    files: &Files,
    stop: &CancellationToken,
    bound: &watch::Sender<bool>,
) -> Result<()> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    // As the services declare it: whoever comes first makes it.
    let mut arguments = FieldTable::default();
    arguments.insert(
        "alternate-exchange".into(),
        AMQPValue::LongString(UNROUTED.into()),
    );
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    channel
        .exchange_declare(EVENTS.into(), ExchangeKind::Topic, durable, arguments)
        .await?;
    let mut arguments = FieldTable::default();
    arguments.insert(
        "x-queue-type".into(),
        AMQPValue::LongString("quorum".into()),
    );
    channel
        .queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), arguments)
        .await?;
    let bind = QueueBindOptions::default();
    channel
        .queue_bind(
            QUEUE.into(),
            EVENTS.into(),
            "#".into(),
            bind,
            FieldTable::default(),
        )
        .await?;
    channel
        .basic_qos(PREFETCH, BasicQosOptions::default())
        .await?;
    let options = BasicConsumeOptions::default();
    let mut deliveries = channel
        .basic_consume(QUEUE.into(), "tap".into(), options, FieldTable::default())
        .await?;
    bound.send_replace(true);
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => break,
            next = deliveries.next() => next,
        };
        let delivery = next.context("the tap's queue is gone")??;
        write(files, &delivery)?;
        delivery.acker.ack(BasicAckOptions::default()).await?;
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}

fn write(files: &Files, delivery: &Delivery) -> Result<()> {
    let headers = headers(delivery);
    let text = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
    let number = |name: &str| text(name).parse::<i64>().ok();
    let payload_hash: String = Sha256::digest(&delivery.data)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let id = text("cloudEvents_id").parse().ok();
    let (version, seq) = (number("cloudEvents_sequence"), number("cloudEvents_seq"));
    let service = text("cloudEvents_source").strip_prefix("/handslag/");
    let (Some(id), Some(version), Some(seq), Some(service)) = (id, version, seq, service) else {
        return files.garbage.write(&TapGarbage {
            id,
            routing_key: delivery.routing_key.as_str().into(),
            payload_hash: payload_hash.into(),
        });
    };
    files.events.write(&TapEvent {
        id,
        r#type: text("cloudEvents_type").into(),
        service: service.into(),
        aggregate: text("cloudEvents_aggregate").into(),
        aggregate_id: text("cloudEvents_aggregateid").into(),
        version,
        seq,
        subject: text("cloudEvents_subject").into(),
        actor: text("cloudEvents_actor").into(),
        time: text("cloudEvents_time").into(),
        routing_key: delivery.routing_key.as_str().into(),
        payload_hash: payload_hash.into(),
        redelivered: delivery.redelivered,
        at_ms: files.world.history.now_ms(),
    })
}

fn headers(delivery: &Delivery) -> BTreeMap<String, String> {
    let table = delivery.properties.headers().clone().unwrap_or_default();
    table
        .into_iter()
        .filter_map(|(name, value)| match value {
            AMQPValue::LongString(text) => Some((name.to_string(), text.to_string())),
            _ => None,
        })
        .collect()
}
