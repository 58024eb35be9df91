//! A database that is restored to an earlier instant while the broker knows what came after it.

use handslag_platform::database::begin;
use handslag_platform::messaging::{incarnation, status};
use uuid::Uuid;

use super::bed::{Bed, append, eventually};

/// Takes the log back to its number 8, as a restore does: sequence, mark and all.
const RESTORE: &str = "
    ALTER TABLE outbox DISABLE TRIGGER USER; DELETE FROM outbox WHERE seq > 8;
    ALTER TABLE outbox ENABLE TRIGGER USER;
    SELECT setval(pg_get_serial_sequence('outbox', 'seq'), 8);
    UPDATE relay_mark SET low_water = 0, count = 0, hash = 0";

/// The ids of the events that had an effect, in order.
async fn applied(bed: &Bed) -> Vec<Uuid> {
    sqlx::query_scalar("SELECT event FROM effect ORDER BY n")
        .fetch_all(&bed.consumer)
        .await
        .unwrap()
}

async fn logged(bed: &Bed) -> Vec<Uuid> {
    sqlx::query_scalar("SELECT id FROM outbox ORDER BY seq")
        .fetch_all(&bed.producer)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_queue_holds_of_a_future_that_did_not_happen_has_no_effect() {
    let bed = Bed::new("restored").await;
    bed.declare_queue().await;
    let relay = bed.start_relay();
    for version in 1..=20 {
        bed.say("social", version).await;
    }
    eventually("all is published", || async { bed.low_water().await == 20 }).await;
    relay.stop().await;
    sqlx::raw_sql(RESTORE).execute(&bed.producer).await.unwrap();
    for pool in [&bed.producer, &bed.consumer] {
        eventually("it begins", || async {
            incarnation::begin_at_least(pool, 2).await.is_ok()
        })
        .await;
        // Said twice, as a job that is repeated does.
        assert!(!incarnation::begin_at_least(pool, 2).await.unwrap());
        assert_eq!(incarnation::current(pool).await.unwrap(), 2);
    }
    // The same numbers and versions, and other events.
    for version in 9..=12 {
        bed.say("social", version).await;
    }
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    bed.heard("social", &(1..=12).collect::<Vec<_>>()).await;
    assert_eq!(applied(&bed).await, logged(&bed).await);
    eventually("both agree", || async {
        let status = status::read(&bed.consumer).await.unwrap();
        status.producers.iter().all(|one| one.agreed_seq == 12)
    })
    .await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_incarnation_begins_while_somebody_publishes() {
    let bed = Bed::new("leading").await;
    let relay = bed.start_relay();
    bed.say("social", 1).await;
    eventually("it is published", || async { bed.low_water().await == 1 }).await;
    let refused = incarnation::begin_at_least(&bed.producer, 2).await;
    assert!(refused.unwrap_err().to_string().contains("still publishes"));
    assert_eq!(incarnation::current(&bed.producer).await.unwrap(), 1);
    relay.stop().await;
    // The server ends the session a moment after its owner.
    eventually("it begins", || async {
        incarnation::begin_at_least(&bed.producer, 2).await.is_ok()
    })
    .await;
    assert_eq!(incarnation::current(&bed.producer).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_was_forgotten_hears_nothing_until_it_is_told_and_then_everything() {
    let bed = Bed::new("forgotten").await;
    assert!(incarnation::begin_at_least(&bed.producer, 2).await.unwrap());
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    bed.say("social", 1).await;
    eventually("it is published", || async { bed.low_water().await == 1 }).await;
    // Digests may have come before the event; of two messages from here on, one comes after it.
    let put_aside = || consumer.messaging.metrics().read().foreign_total;
    let before = put_aside();
    eventually("event and digest are put aside", || async {
        put_aside() >= before + 2
    })
    .await;
    assert!(bed.versions("social").await.is_empty());
    let told = |status: status::Status| status.incarnation;
    assert_eq!(told(status::read(&bed.producer).await.unwrap()), 2);
    assert_eq!(told(status::read(&bed.consumer).await.unwrap()), 1);
    consumer.stop().await;
    eventually("it is told", || async {
        incarnation::begin_at_least(&bed.consumer, 2).await.is_ok()
    })
    .await;
    let consumer = bed.start_consumer();
    let mut tx = begin(&bed.producer).await.unwrap();
    append(&mut tx, "social", 2).await;
    tx.commit().await.unwrap();
    bed.heard("social", &[1, 2]).await;
    consumer.stop().await;
    relay.stop().await;
}
