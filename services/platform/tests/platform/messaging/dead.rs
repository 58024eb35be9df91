//! Poison: it stops its own aggregate and nothing else, and an operator can decide.

use futures_util::StreamExt as _;
use handslag_platform::messaging::dead_letters::{self, Refusal};
use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions, BasicRejectOptions};

use super::bed::{Bed, QUEUE, eventually};

async fn letters(bed: &Bed) -> Vec<dead_letters::DeadLetter> {
    dead_letters::list(&bed.consumer).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_stops_its_aggregate_alone_and_replay_heals_it() {
    let bed = Bed::new("poison").await;
    bed.poison("sick", 2, "reject").await;
    bed.poison("panicky", 1, "panic").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    for version in 1..=4 {
        bed.say("sick", version).await;
        bed.say("panicky", version).await;
        bed.say("sound", version).await;
    }
    bed.heard("sound", &[1, 2, 3, 4]).await;
    bed.heard("sick", &[1]).await;
    eventually("both are dead", || async { letters(&bed).await.len() == 2 }).await;
    bed.heal().await;
    let dead = letters(&bed).await;
    assert!(dead.iter().all(|letter| letter.reason == "rejected"));
    for letter in dead {
        let content = dead_letters::show(&bed.consumer, letter.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(content.headers["cloudEvents_source"], "/handslag/registry");
        dead_letters::replay(&bed.consumer, letter.id)
            .await
            .unwrap();
    }
    bed.heard("sick", &[1, 2, 3, 4]).await;
    bed.heard("panicky", &[1, 2, 3, 4]).await;
    assert!(letters(&bed).await.is_empty());
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discard_moves_the_mark_over_the_hole() {
    let bed = Bed::new("discard").await;
    bed.poison("sick", 1, "reject").await;
    bed.poison("sick", 3, "reject").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    for version in 1..=4 {
        bed.say("sick", version).await;
    }
    eventually("the first is dead", || async {
        letters(&bed).await.len() == 1
    })
    .await;
    dead_letters::discard(&bed.consumer, letters(&bed).await[0].id)
        .await
        .unwrap();
    bed.heard("sick", &[2]).await;
    eventually("the third is dead", || async {
        letters(&bed)
            .await
            .first()
            .is_some_and(|letter| letter.version == Some(3))
    })
    .await;
    dead_letters::discard(&bed.consumer, letters(&bed).await[0].id)
        .await
        .unwrap();
    bed.heard("sick", &[2, 4]).await;
    let missing = dead_letters::discard(&bed.consumer, 4711).await;
    assert!(matches!(missing, Err(Refusal::NotFound(4711))));
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeds_later_is_tried_again_and_what_never_does_dies_after_eight_tries() {
    let bed = Bed::new("retry").await;
    bed.poison("slow", 1, "retry").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    bed.say("slow", 1).await;
    bed.say("slow", 2).await;
    bed.say("sound", 1).await;
    bed.heard("sound", &[1]).await;
    bed.heal().await;
    bed.heard("slow", &[1, 2]).await;
    bed.poison("hopeless", 1, "retry").await;
    bed.say("hopeless", 1).await;
    eventually("it is dead", || async {
        letters(&bed)
            .await
            .first()
            .is_some_and(|letter| letter.reason == "tries")
    })
    .await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_gives_up_is_recorded_too() {
    let mut bed = Bed::new("limit").await;
    // Without digests: they would break the silence that ends the loop below.
    bed.digest_every = std::time::Duration::from_secs(3600);
    bed.declare_queue().await;
    let relay = bed.start_relay();
    bed.say("killer", 1).await;
    eventually("it is published", || async { bed.low_water().await == 1 }).await;
    let (connection, channel) = bed.channel().await;
    let mut deliveries = bed.deliveries(&channel).await;
    // As a consumer that dies of it would: taken and given back until the broker has had enough.
    let silence = std::time::Duration::from_secs(1);
    while let Ok(Some(delivery)) = tokio::time::timeout(silence, deliveries.next()).await {
        let delivery = delivery.unwrap();
        if delivery.properties.message_id().is_some() {
            delivery
                .acker
                .reject(BasicRejectOptions { requeue: true })
                .await
                .unwrap();
        } else {
            delivery
                .acker
                .ack(BasicAckOptions::default())
                .await
                .unwrap();
        }
    }
    connection.close(200, "done".into()).await.unwrap();
    let consumer = bed.start_consumer();
    eventually("it is recorded", || async {
        letters(&bed)
            .await
            .first()
            .is_some_and(|letter| letter.reason == "broker")
    })
    .await;
    dead_letters::replay(&bed.consumer, letters(&bed).await[0].id)
        .await
        .unwrap();
    bed.heard("killer", &[1]).await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_buried_and_the_rest_flows() {
    let bed = Bed::new("garbage").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    bed.say("sound", 1).await;
    bed.heard("sound", &[1]).await;
    let (_connection, channel) = bed.channel().await;
    for payload in [&b"\xff\x00"[..], b"{}", b""] {
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default();
        channel
            .basic_publish("".into(), QUEUE.into(), options, payload, properties)
            .await
            .unwrap();
    }
    bed.say("sound", 2).await;
    bed.heard("sound", &[1, 2]).await;
    eventually("all three are recorded", || async {
        letters(&bed).await.len() == 3
    })
    .await;
    for letter in letters(&bed).await {
        assert_eq!(letter.reason, "malformed");
        dead_letters::discard(&bed.consumer, letter.id)
            .await
            .unwrap();
    }
    assert!(letters(&bed).await.is_empty());
    consumer.stop().await;
    relay.stop().await;
}
