//! A real publisher, a real broker, and the proxy between them.

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind,
};

use super::*;
use crate::proxy::AmqpProxy;

/// Longer than a confirm takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a confirm is waited for that must not come.
const WATCH: Duration = Duration::from_millis(500);

const QUEUE: &str = "tap";

struct Publisher {
    proxy: AmqpProxy,
    channel: Channel,
    _connection: Connection,
}

impl Publisher {
    async fn start(name: &str) -> Self {
        let name = name.to_owned();
        let vhost = tokio::task::spawn_blocking(move || {
            handslag_local_infra::shared_for_tests()?.fresh_vhost(&name)
        });
        let url = vhost.await.unwrap().unwrap();
        let proxy = AmqpProxy::before(&url, 1).unwrap();
        let url = proxy.through(&url).unwrap();
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .unwrap();
        let table = FieldTable::default;
        let exchange = ExchangeDeclareOptions::default();
        channel
            .exchange_declare(EVENTS.into(), ExchangeKind::Topic, exchange, table())
            .await
            .unwrap();
        let queue = QueueDeclareOptions::default();
        channel
            .queue_declare(QUEUE.into(), queue, table())
            .await
            .unwrap();
        let bind = QueueBindOptions::default();
        channel
            .queue_bind(QUEUE.into(), EVENTS.into(), "#".into(), bind, table())
            .await
            .unwrap();
        Self {
            proxy,
            channel,
            _connection: connection,
        }
    }

    /// Publishes and waits for the confirm; `None` when there is none in time.
    async fn publish(&self, body: &[u8], limit: Duration) -> Option<Confirmation> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..BasicPublishOptions::default()
        };
        let properties = BasicProperties::default();
        let publish = async {
            self.channel
                .basic_publish(EVENTS.into(), "a.b".into(), options, body, properties)
                .await?
                .await
        };
        let confirmed = tokio::time::timeout(limit, publish).await.ok()?;
        Some(confirmed.unwrap())
    }

    async fn confirmed(&self, body: &[u8]) -> bool {
        let confirmation = self.publish(body, PATIENCE).await;
        matches!(confirmation, Some(Confirmation::Ack(None)))
    }

    /// What the broker has, emptied.
    async fn arrived(&self) -> Vec<Vec<u8>> {
        let mut bodies = Vec::new();
        let options = lapin::options::BasicGetOptions { no_ack: true };
        while let Some(message) = self.channel.basic_get(QUEUE.into(), options).await.unwrap() {
            bodies.push(message.delivery.data);
        }
        bodies
    }
}

#[tokio::test]
async fn a_swallowed_confirm_leaves_the_publisher_waiting_for_what_has_arrived() {
    let publisher = Publisher::start("swallow").await;
    assert!(publisher.confirmed(b"before").await);
    let faults = publisher.proxy.faults();
    faults.add(Rule::new(Fate::SwallowConfirm, When::Next(1)));
    assert_eq!(publisher.publish(b"unknown", WATCH).await, None);
    assert_eq!(faults.counts().swallowed, 1);
    assert!(publisher.confirmed(b"after").await);
    let arrived: [&[u8]; 3] = [b"before", b"unknown", b"after"];
    assert_eq!(publisher.arrived().await, arrived);
}

#[tokio::test]
async fn a_refused_message_has_arrived_all_the_same() {
    let publisher = Publisher::start("nack").await;
    let faults = publisher.proxy.faults();
    faults.add(Rule::new(Fate::Nack, When::Next(1)));
    let confirmation = publisher.publish(b"refused", PATIENCE).await;
    assert!(
        matches!(confirmation, Some(Confirmation::Nack(None))),
        "{confirmation:?}"
    );
    assert!(publisher.confirmed(b"after").await);
    assert_eq!(publisher.arrived().await, [&b"refused"[..], b"after"]);
    assert_eq!(faults.counts().nacked, 1);
}

#[tokio::test]
async fn a_returned_message_is_acknowledged_with_its_body_and_has_not_arrived() {
    let publisher = Publisher::start("return").await;
    let faults = publisher.proxy.faults();
    faults.add(Rule::new(Fate::Return, When::Next(1)));
    // Larger than one frame.
    let body = vec![7; 300_000];
    let confirmation = publisher.publish(&body, PATIENCE).await;
    let Some(Confirmation::Ack(Some(returned))) = confirmation else {
        panic!("acknowledged with the message: {confirmation:?}");
    };
    assert_eq!(returned.reply_code, 312);
    assert_eq!(returned.delivery.exchange.as_str(), EVENTS);
    assert_eq!(returned.delivery.routing_key.as_str(), "a.b");
    assert!(returned.delivery.data == body);
    assert!(publisher.confirmed(b"after").await);
    assert_eq!(publisher.arrived().await, [b"after"]);
    assert_eq!(faults.counts().returned, 1);
}

#[tokio::test]
async fn doubles_and_swaps_reach_the_broker_and_confirm_what_they_should() {
    let publisher = Publisher::start("doubles").await;
    let faults = publisher.proxy.faults();
    faults.add(Rule::new(Fate::Duplicate, When::Next(1)));
    assert!(publisher.confirmed(b"double").await);
    faults.add(Rule::new(Fate::Postpone, When::Next(1)));
    let (late, early) = tokio::join!(publisher.confirmed(b"late"), publisher.confirmed(b"early"));
    assert!(late && early);
    faults.add(Rule::new(Fate::DelayConfirm(WATCH), When::Next(1)));
    let asked = std::time::Instant::now();
    assert!(publisher.confirmed(b"slow").await);
    assert!(asked.elapsed() >= WATCH, "{:?}", asked.elapsed());
    let arrived: [&[u8]; 5] = [b"double", b"double", b"early", b"late", b"slow"];
    assert_eq!(publisher.arrived().await, arrived);
    let Counts {
        duplicated,
        postponed,
        delayed,
        ..
    } = faults.counts();
    assert_eq!((duplicated, postponed, delayed), (1, 1, 1));
}
