//! RabbitMQ by the client library alone: publish, confirm, consume, acknowledge.
//!
//! # Design notes
//! Topology and messages are those of the platform: the same exchange with its alternate, a quorum
//! queue with a single active consumer, and the very messages that a relay has published (taken
//! from a queue of the bench's own). Windows and prefetch are the platform's too. What differs is
//! that nobody keeps a log, a mark or an inbox.

use std::task::Poll;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use handslag_platform::messaging::topology;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer,
    ExchangeKind,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Unconfirmed messages at a time, as in the relay.
const WINDOW: usize = 200;
/// Deliveries under way, as in a consumer.
const PREFETCH: u16 = 500;
/// Deliveries that are acknowledged together, as in a consumer.
const TOGETHER: usize = 200;
/// The queue that takes what a relay publishes.
pub(crate) const QUEUE: &str = "handslag.bench.from.registry";
/// Largest greeting that is read; usual ones have some 500 bytes.
const GREETING_BYTES_MOST: usize = 8_192;
/// Longest wait for a message that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message as a relay has published it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    routing_key: String,
    properties: BasicProperties,
    body: Vec<u8>,
}

/// A client of the broker.
#[derive(Debug)]
pub(crate) struct Peer {
    connection: Connection,
    channel: Channel,
}

impl Peer {
    /// Connects, and declares the platform's topology with the bench's own queue.
    pub(crate) async fn connect(amqp_url: &str) -> anyhow::Result<Self> {
        let connection = Connection::connect(amqp_url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await?;
        let peer = Self {
            connection,
            channel,
        };
        peer.declare().await?;
        Ok(peer)
    }

    /// As the platform declares it: other arguments would be refused.
    async fn declare(&self) -> anyhow::Result<()> {
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let mut alternate = FieldTable::default();
        alternate.insert(
            "alternate-exchange".into(),
            AMQPValue::LongString(topology::UNROUTED.into()),
        );
        self.channel
            .exchange_declare(
                topology::EVENTS.into(),
                ExchangeKind::Topic,
                durable,
                alternate,
            )
            .await?;
        let mut quorum = FieldTable::default();
        quorum.insert(
            "x-queue-type".into(),
            AMQPValue::LongString("quorum".into()),
        );
        quorum.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
        self.channel
            .queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), quorum)
            .await?;
        self.channel
            .queue_bind(
                QUEUE.into(),
                topology::EVENTS.into(),
                "registry.#".into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok(())
    }

    /// Empties the bench's queue; answers how many messages were in it.
    pub(crate) async fn purge(&self) -> anyhow::Result<u32> {
        let options = QueuePurgeOptions::default();
        Ok(self.channel.queue_purge(QUEUE.into(), options).await?)
    }

    /// Takes messages out of the bench's queue.
    pub(crate) async fn take(&self, count: usize) -> anyhow::Result<Vec<Message>> {
        let mut consumer = self.consumer().await?;
        let mut taken = Vec::with_capacity(count);
        while taken.len() < count {
            let delivery = next(&mut consumer).await?;
            taken.push(Message {
                routing_key: delivery.routing_key.to_string(),
                properties: delivery.properties.clone(),
                body: delivery.data.clone(),
            });
            if taken.len().is_multiple_of(TOGETHER) || taken.len() == count {
                acknowledge(&delivery).await?;
            }
        }
        self.channel
            .basic_cancel(
                consumer.tag(),
                lapin::options::BasicCancelOptions::default(),
            )
            .await?;
        Ok(taken)
    }

    async fn consumer(&self) -> anyhow::Result<Consumer> {
        self.channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let options = BasicConsumeOptions::default();
        let table = FieldTable::default();
        Ok(self
            .channel
            .basic_consume(QUEUE.into(), "".into(), options, table)
            .await?)
    }

    /// Publishes; resolves when the broker has taken over. Its frames are queued at the first poll.
    async fn send(&self, message: &Message) -> anyhow::Result<()> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let key = message.routing_key.as_str().into();
        let (body, properties) = (&message.body, message.properties.clone());
        let confirm = self
            .channel
            .basic_publish(topology::EVENTS.into(), key, options, body, properties)
            .await?;
        match confirm.await? {
            Confirmation::Ack(None) => Ok(()),
            other => bail!("a message was not taken over: {other:?}"),
        }
    }

    /// Publishes all of them with a window of unconfirmed ones; answers messages in a second.
    pub(crate) async fn publish(&self, messages: &[Message]) -> anyhow::Result<f64> {
        let began = Instant::now();
        let mut window = FuturesUnordered::new();
        for message in messages {
            if window.len() == WINDOW
                && let Some(confirmed) = window.next().await
            {
                confirmed?;
            }
            // Not awaited one by one: the client would wait for the socket at each.
            let mut sent = Box::pin(self.send(message));
            match futures_util::poll!(&mut sent) {
                Poll::Ready(confirmed) => confirmed?,
                Poll::Pending => window.push(sent),
            }
        }
        while let Some(confirmed) = window.next().await {
            confirmed?;
        }
        Ok(per_second(messages.len(), began.elapsed()))
    }

    /// Closes in order.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.connection.close(200, "done".into()).await?;
        Ok(())
    }
}

/// Publishes by one connection what another one consumes and acknowledges, both at once; answers
/// messages in a second, from the first publish to the last acknowledgement.
pub(crate) async fn flow(amqp_url: &str, messages: &[Message]) -> anyhow::Result<f64> {
    let (publisher, consumer) = (
        Peer::connect(amqp_url).await?,
        Peer::connect(amqp_url).await?,
    );
    publisher.purge().await?;
    let mut deliveries = consumer.consumer().await?;
    let began = Instant::now();
    let consume = async {
        let mut consumed = 0;
        while consumed < messages.len() {
            let delivery = next(&mut deliveries).await?;
            consumed += 1;
            if consumed.is_multiple_of(TOGETHER) || consumed == messages.len() {
                acknowledge(&delivery).await?;
            }
        }
        anyhow::Ok(())
    };
    tokio::try_join!(publisher.publish(messages), consume)?;
    let rate = per_second(messages.len(), began.elapsed());
    publisher.close().await?;
    consumer.close().await?;
    Ok(rate)
}

/// Publishes at an even rate; answers, for each message, the time from the moment that was planned
/// for it to its arrival at a consumer, in microseconds.
pub(crate) async fn hop(
    amqp_url: &str,
    messages: &[Message],
    rate: f64,
) -> anyhow::Result<Vec<Duration>> {
    let (publisher, consumer) = (
        Peer::connect(amqp_url).await?,
        Peer::connect(amqp_url).await?,
    );
    publisher.purge().await?;
    let mut deliveries = consumer.consumer().await?;
    let count = messages.len();
    let mut moments = crate::generator::moments(rate, count.try_into()?);
    let publish = async {
        let mut planned = Vec::with_capacity(count);
        let mut window = FuturesUnordered::new();
        let mut left = messages.iter();
        loop {
            tokio::select! {
                moment = moments.recv() => {
                    let Some((moment, message)) = moment.zip(left.next()) else { break };
                    planned.push(moment);
                    window.push(publisher.send(message));
                }
                Some(confirmed) = window.next() => confirmed?,
            }
        }
        while let Some(confirmed) = window.next().await {
            confirmed?;
        }
        anyhow::Ok(planned)
    };
    let consume = async {
        let mut arrived = Vec::with_capacity(count);
        while arrived.len() < count {
            let delivery = next(&mut deliveries).await?;
            arrived.push(Instant::now());
            acknowledge(&delivery).await?;
        }
        anyhow::Ok(arrived)
    };
    let (planned, arrived) = tokio::try_join!(publish, consume)?;
    publisher.close().await?;
    consumer.close().await?;
    // One publisher, one queue, one consumer: they arrive in the order in which they were sent.
    let times = planned.iter().zip(&arrived);
    Ok(times
        .map(|(planned, arrived)| *arrived - *planned)
        .collect())
}

/// The broker's version, as it greets: the client library does not pass it on.
pub(crate) async fn version(amqp_url: &str) -> anyhow::Result<String> {
    let (_, place) = amqp_url
        .rsplit_once('@')
        .context("no address of a broker")?;
    let server = place.split('/').next().unwrap_or_default();
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").await?;
    let mut greeting = vec![0; GREETING_BYTES_MOST];
    let read = stream.read(&mut greeting).await?;
    let version = version_in(&greeting[..read]);
    Ok(version.unwrap_or_else(|| "of an unknown version".to_owned()))
}

/// The text of the field `version` in a table: its name, `S`, its length, its bytes.
fn version_in(greeting: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\x07versionS";
    let place = greeting.windows(NAME.len()).position(|part| part == NAME)?;
    let (length, rest) = greeting[place + NAME.len()..].split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    String::from_utf8(rest.get(..length)?.to_vec()).ok()
}

/// What a count and a time make.
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a run has far fewer messages than 2^52"
    )]
    let count = count as f64;
    count / time.as_secs_f64()
}

async fn next(consumer: &mut Consumer) -> anyhow::Result<Delivery> {
    match tokio::time::timeout(PATIENCE, consumer.next()).await {
        Ok(Some(delivery)) => Ok(delivery?),
        Ok(None) => bail!("the subscription ended"),
        Err(_) => bail!("a message did not come in {} s", PATIENCE.as_secs()),
    }
}

async fn acknowledge(delivery: &Delivery) -> anyhow::Result<()> {
    let all_so_far = BasicAckOptions { multiple: true };
    ensure!(
        delivery.acker.ack(all_so_far).await?,
        "nothing was acknowledged"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::version_in;

    #[test]
    fn finds_the_version_in_a_greeting() {
        let greeting = b"\x08platformS\x00\x00\x00\x04OTP!\x07versionS\x00\x00\x00\x063.10.8\x00";
        assert_eq!(version_in(greeting).as_deref(), Some("3.10.8"));
        assert_eq!(version_in(b"\x07versionS\x00\x00\x00\x09cut"), None);
    }
}
