//! Exchanges, queues, bindings and policies.
//!
//! # Design notes
//! Queues are declared with their type and single-active-consumer as the only arguments: declaring
//! an existing queue with other arguments kills the channel, so everything that may change one day
//! is a policy. A policy cannot be set over AMQP: who installs the broker applies [`POLICIES`]
//! (`rabbitmqctl set_policy`, or the operator's resource). Every declaration is idempotent and is
//! repeated with each new session and every few seconds within it: nobody tells us that somebody
//! deleted a binding or an exchange, and where the one of digests is gone, silence looks like peace.
//! Works on RabbitMQ 3.10 and 4.x.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use super::broker::Failure;

/// Topic exchange of all events. Routing key `<service>.<aggregate>.<event>.v1.<district or all>`.
pub const EVENTS: &str = "handslag.events";
/// Where events go that no queue is bound for, so that a missing binding is seen instead of silent.
pub const UNROUTED: &str = "handslag.unrouted";
/// Direct exchange of digests. Apart from the events', so that a lost binding there is noticed
/// here.
pub const DIGESTS: &str = "handslag.digests";
/// Direct exchange of requests for replay; the routing key is the producing service.
pub const REPLAY: &str = "handslag.replay";
/// Fanout exchange of dead letters; each service keeps those of its own queues and drops the
/// others'.
pub const DEAD: &str = "handslag.dead";

/// How often a running session declares again what should be there: half a dozen round trips, and
/// the longest time for which a lost binding goes unnoticed.
pub(crate) const DECLARE_EVERY: Duration = Duration::from_secs(10);

/// How often a message is delivered before it is dead. RabbitMQ 3.10 has no limit of its own.
pub const DELIVERY_LIMIT: i64 = 8;

/// A policy of the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// Regular expression over names of queues.
    pub pattern: &'static str,
    /// What it applies to, as `rabbitmqctl set_policy --apply-to` says it.
    pub apply_to: &'static str,
    /// The highest wins; a queue has one policy.
    pub priority: u8,
    /// Definition, in JSON.
    pub definition: &'static str,
}

/// The policies of a broker that serves Handslag, for each virtual host. Without them nothing is
/// lost, but a message that kills its consumer is delivered for ever.
pub const POLICIES: &[Policy] = &[
    Policy {
        name: "handslag",
        // Neither dead letters, which must not circle, nor the unrouted, which have a length
        // instead.
        pattern: r"^handslag\.(?!dead\.|unrouted$)",
        apply_to: "queues",
        priority: 0,
        definition: concat!(
            r#"{"delivery-limit":8,"dead-letter-exchange":"handslag.dead","#,
            r#""dead-letter-strategy":"at-least-once","overflow":"reject-publish"}"#
        ),
    },
    Policy {
        name: "handslag-dead",
        pattern: r"^handslag\.dead\.",
        apply_to: "queues",
        priority: 10,
        // No limit and no dead-letter exchange: a dead letter must not circle back into its own
        // queue.
        definition: r#"{"overflow":"reject-publish"}"#,
    },
    Policy {
        name: "handslag-unrouted",
        pattern: r"^handslag\.unrouted$",
        apply_to: "queues",
        priority: 10,
        // A sample for the operator, not a store: the log has them all.
        definition: r#"{"max-length":100000,"overflow":"drop-head"}"#,
    },
];

/// The queue in which `consumer` gets the events of `producer`.
#[must_use]
pub fn events_queue(consumer: &str, producer: &str) -> String {
    format!("handslag.{consumer}.from.{producer}")
}

/// The queue of the dead letters of `consumer`.
#[must_use]
pub fn dead_queue(consumer: &str) -> String {
    format!("handslag.dead.{consumer}")
}

/// The queue of requests for replay to `producer`.
#[must_use]
pub fn replay_queue(producer: &str) -> String {
    format!("handslag.replay.{producer}")
}

/// The routing key of an event type, `se.handslag.registry.area.created.v1`, for a district's code
/// or `all`.
#[must_use]
pub fn routing_key(r#type: &str, district: &str) -> String {
    format!(
        "{}.{district}",
        r#type.strip_prefix("se.handslag.").unwrap_or(r#type)
    )
}

/// What everybody needs: exchanges, and the queue of events without a receiver.
pub(crate) async fn declare_exchanges(channel: &Channel) -> Result<(), Failure> {
    exchange(
        channel,
        UNROUTED,
        ExchangeKind::Fanout,
        FieldTable::default(),
    )
    .await?;
    quorum_queue(channel, UNROUTED, false).await?;
    bind(channel, UNROUTED, UNROUTED, "").await?;
    let mut arguments = FieldTable::default();
    arguments.insert(
        "alternate-exchange".into(),
        AMQPValue::LongString(UNROUTED.into()),
    );
    exchange(channel, EVENTS, ExchangeKind::Topic, arguments).await?;
    exchange(
        channel,
        DIGESTS,
        ExchangeKind::Direct,
        FieldTable::default(),
    )
    .await?;
    exchange(channel, REPLAY, ExchangeKind::Direct, FieldTable::default()).await?;
    exchange(channel, DEAD, ExchangeKind::Fanout, FieldTable::default()).await
}

/// The consumers that a declared queue has. None is what a running consumer finds when somebody
/// has deleted its queue and the broker's word of it was lost: the queue is there again, and
/// nobody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consumers(u32);

impl Consumers {
    /// # Errors
    /// `SubscriptionEnded` when there is none, though the caller is one.
    pub(crate) fn expect_some(self, queue: &str) -> Result<(), Failure> {
        if self.0 == 0 {
            return Err(Failure::SubscriptionEnded(queue.to_owned()));
        }
        Ok(())
    }
}

/// What a producing service needs: the queue in which it is asked for replays.
pub(crate) async fn declare_producer(
    channel: &Channel,
    service: &str,
) -> Result<Consumers, Failure> {
    declare_exchanges(channel).await?;
    let queue = replay_queue(service);
    let consumers = quorum_queue(channel, &queue, true).await?;
    bind(channel, &queue, REPLAY, service).await?;
    Ok(consumers)
}

/// What a consuming service needs for one producer.
pub(crate) async fn declare_consumer(
    channel: &Channel,
    service: &str,
    producer: &str,
) -> Result<Consumers, Failure> {
    declare_exchanges(channel).await?;
    let queue = events_queue(service, producer);
    // One active consumer: the order within an aggregate would not survive two.
    let consumers = quorum_queue(channel, &queue, true).await?;
    bind(channel, &queue, DIGESTS, producer).await?;
    #[cfg(feature = "failpoints")]
    if crate::failpoint::defect("binding-missing") {
        return Ok(consumers);
    }
    bind(channel, &queue, EVENTS, &format!("{producer}.#")).await?;
    Ok(consumers)
}

/// What a consuming service needs for its dead letters.
pub(crate) async fn declare_dead(channel: &Channel, service: &str) -> Result<Consumers, Failure> {
    declare_exchanges(channel).await?;
    let queue = dead_queue(service);
    let consumers = quorum_queue(channel, &queue, true).await?;
    bind(channel, &queue, DEAD, "").await?;
    Ok(consumers)
}

async fn exchange(
    channel: &Channel,
    name: &str,
    kind: ExchangeKind,
    arguments: FieldTable,
) -> Result<(), Failure> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    channel
        .exchange_declare(name.into(), kind, options, arguments)
        .await?;
    Ok(())
}

async fn quorum_queue(channel: &Channel, name: &str, single: bool) -> Result<Consumers, Failure> {
    let mut arguments = FieldTable::default();
    arguments.insert(
        "x-queue-type".into(),
        AMQPValue::LongString("quorum".into()),
    );
    if single {
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    }
    let queue = channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
        .await?;
    Ok(Consumers(queue.consumer_count()))
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<(), Failure> {
    let options = QueueBindOptions::default();
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            key.into(),
            options,
            FieldTable::default(),
        )
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{DELIVERY_LIMIT, POLICIES, routing_key};

    #[test]
    fn a_routing_key_names_service_aggregate_event_version_and_district() {
        let key = routing_key("se.handslag.registry.area.created.v1", "farsta");
        assert_eq!(key, "registry.area.created.v1.farsta");
    }

    #[test]
    fn policies_are_json_and_hold_the_delivery_limit() {
        for policy in POLICIES {
            let definition: serde_json::Value = serde_json::from_str(policy.definition).unwrap();
            assert!(definition.is_object(), "{}", policy.name);
        }
        let first: serde_json::Value = serde_json::from_str(POLICIES[0].definition).unwrap();
        assert_eq!(first["delivery-limit"], DELIVERY_LIMIT);
    }
}
