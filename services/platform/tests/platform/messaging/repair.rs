//! What the broker, the network or an operator breaks, and how it heals.

use std::time::Duration;

use futures_util::StreamExt as _;
use handslag_platform::database::begin;
use handslag_platform::messaging;
use lapin::options::{BasicAckOptions, QueueDeleteOptions, QueuePurgeOptions};
use lapin::types::FieldTable;

use super::bed::{Bed, Proxy, QUEUE, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_parks_its_followers_and_heals_by_replay() {
    let mut bed = Bed::new("gap").await;
    // Without digests, so that the gap alone has to ask.
    bed.digest_every = Duration::from_secs(3600);
    bed.declare_queue().await;
    let relay = bed.start_relay();
    for version in 1..=4 {
        bed.say("social", version).await;
    }
    eventually("all is published", || async { bed.low_water().await == 4 }).await;
    let (connection, channel) = bed.channel().await;
    let mut deliveries = bed.deliveries(&channel).await;
    let mut stolen = 0;
    while stolen < 2 {
        let delivery = deliveries.next().await.unwrap().unwrap();
        let headers = delivery.properties.headers().as_ref().unwrap();
        stolen += i32::from(headers.contains_key("cloudEvents_id"));
        delivery
            .acker
            .ack(BasicAckOptions::default())
            .await
            .unwrap();
    }
    connection.close(200, "done".into()).await.unwrap();
    let consumer = bed.start_consumer();
    bed.heard("social", &[1, 2, 3, 4]).await;
    assert!(consumer.messaging.metrics().read().parked_total >= 1);
    assert!(relay.messaging.metrics().read().replayed_total >= 2);
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_queue_is_found_by_the_digest() {
    let bed = Bed::new("purge").await;
    bed.declare_queue().await;
    let relay = bed.start_relay();
    for version in 1..=30 {
        bed.say("social", version).await;
    }
    eventually("all is published", || async { bed.low_water().await == 30 }).await;
    let (_connection, channel) = bed.channel().await;
    channel
        .queue_purge(QUEUE.into(), QueuePurgeOptions::default())
        .await
        .unwrap();
    let consumer = bed.start_consumer();
    let differing = || consumer.messaging.metrics().read().differing;
    eventually("the difference is told", || async { differing() == 1 }).await;
    bed.heard("social", &(1..=30).collect::<Vec<_>>()).await;
    eventually("both agree", || async { differing() == 0 }).await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_binding_or_queue_is_found_and_made_again() {
    let bed = Bed::new("binding").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    bed.say("social", 1).await;
    bed.heard("social", &[1]).await;
    let (_connection, channel) = bed.channel().await;
    let key = "registry.#";
    channel
        .queue_unbind(
            QUEUE.into(),
            "handslag.events".into(),
            key.into(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    bed.say("social", 2).await;
    bed.heard("social", &[1, 2]).await;
    channel
        .queue_delete(QUEUE.into(), QueueDeleteOptions::default())
        .await
        .unwrap();
    bed.say("social", 3).await;
    bed.heard("social", &[1, 2, 3]).await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bindings_whose_loss_nobody_hears_of_are_made_again() {
    let bed = Bed::new("silence").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    bed.say("social", 1).await;
    bed.heard("social", &[1]).await;
    let (_connection, channel) = bed.channel().await;
    // Without the events no digest is needed to tell, and without the digests none tells.
    for (queue, exchange, key) in [
        (QUEUE, "handslag.events", "registry.#"),
        (QUEUE, "handslag.digests", "registry"),
        ("handslag.replay.registry", "handslag.replay", "registry"),
    ] {
        let arguments = FieldTable::default();
        channel
            .queue_unbind(queue.into(), exchange.into(), key.into(), arguments)
            .await
            .unwrap();
    }
    bed.say("social", 2).await;
    bed.heard("social", &[1, 2]).await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_consumer_reads_the_history() {
    let bed = Bed::new("newcomer").await;
    let relay = bed.start_relay();
    for version in 1..=5 {
        bed.say("social", version).await;
    }
    eventually("all is published", || async { bed.low_water().await == 5 }).await;
    let consumer = bed.start_consumer();
    bed.heard("social", &[1, 2, 3, 4, 5]).await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_halves_survive_the_loss_of_their_connections() {
    let bed = Bed::new("cut").await;
    let proxy = Proxy::before(&bed.amqp_url).await;
    let relay = bed.start_relay_through(&proxy.amqp_url);
    let consumer = bed.start_consumer_through(&proxy.amqp_url);
    let mut expected = Vec::new();
    for round in 0..3 {
        let refused = proxy.refused();
        for version in round * 20 + 1..=round * 20 + 20 {
            bed.say("social", version).await;
            expected.push(version);
            if version % 20 == 10 {
                proxy.close();
            }
        }
        // Each half has lost its connection and has come back in vain.
        eventually("both halves were refused", || async {
            proxy.refused() >= refused + 2
        })
        .await;
        proxy.open();
        bed.heard("social", &expected).await;
    }
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_model_can_be_thrown_away_and_rebuilt() {
    let bed = Bed::new("rebuild").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    for version in 1..=10 {
        bed.say("social", version).await;
    }
    let all: Vec<i64> = (1..=10).collect();
    bed.heard("social", &all).await;
    let mut tx = begin(&bed.consumer).await.unwrap();
    sqlx::query("TRUNCATE effect")
        .execute(&mut *tx)
        .await
        .unwrap();
    messaging::rebuild(&mut tx, "registry").await.unwrap();
    tx.commit().await.unwrap();
    bed.heard("social", &all).await;
    bed.say("social", 11).await;
    bed.heard("social", &(1..=11).collect::<Vec<_>>()).await;
    consumer.stop().await;
    relay.stop().await;
}
