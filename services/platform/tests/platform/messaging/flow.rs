//! From a commit to its effect: once, in order, whatever the writers do.

use std::time::Duration;

use handslag_platform::database::begin;
use opentelemetry::trace::TracerProvider as _;
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::bed::{Bed, append, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn each_commit_has_its_effect_once_and_in_order() {
    let bed = Bed::new("flow").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    for version in 1..=20 {
        bed.say("social", version).await;
        bed.say("elderly", version).await;
    }
    let all: Vec<i64> = (1..=20).collect();
    bed.heard("social", &all).await;
    bed.heard("elderly", &all).await;
    eventually("all is settled", || async { bed.low_water().await == 40 }).await;
    eventually("both sides agree", || async {
        let status = handslag_platform::messaging::status::read(&bed.consumer)
            .await
            .unwrap();
        status
            .producers
            .first()
            .is_some_and(|producer| producer.agreed_count == 40)
    })
    .await;
    assert!(relay.messaging.ready() && consumer.messaging.ready());
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_rolls_back_leaves_a_hole_that_dies() {
    let bed = Bed::new("rollback").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    let mut tx = begin(&bed.producer).await.unwrap();
    append(&mut tx, "never", 1).await;
    bed.say("social", 1).await;
    tx.rollback().await.unwrap();
    bed.heard("social", &[1]).await;
    eventually("the hole has died", || async { bed.low_water().await == 2 }).await;
    assert!(bed.versions("never").await.is_empty());
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_number_that_commits_late_is_published_and_holds_nobody_up() {
    let bed = Bed::new("late").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    let mut late = begin(&bed.producer).await.unwrap();
    append(&mut late, "late", 1).await;
    bed.say("early", 1).await;
    bed.heard("early", &[1]).await;
    assert_eq!(bed.low_water().await, 0);
    late.commit().await.unwrap();
    bed.heard("late", &[1]).await;
    eventually("all is settled", || async { bed.low_water().await == 2 }).await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_does_not_pass_an_open_hole_even_at_the_end_of_a_leader() {
    let bed = Bed::new("mark").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    let mut late = begin(&bed.producer).await.unwrap();
    append(&mut late, "late", 1).await;
    bed.say("early", 1).await;
    bed.heard("early", &[1]).await;
    // A leader that ends in order writes its mark: one beyond the hole would lose what commits now.
    relay.stop().await;
    assert_eq!(bed.low_water().await, 0);
    late.commit().await.unwrap();
    let relay = bed.start_relay();
    bed.heard("late", &[1]).await;
    eventually("all is settled", || async { bed.low_water().await == 2 }).await;
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_published_twice_have_one_effect() {
    let bed = Bed::new("twice").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    for version in 1..=5 {
        bed.say("social", version).await;
    }
    bed.heard("social", &[1, 2, 3, 4, 5]).await;
    relay.stop().await;
    // As if the leader had died before it wrote its mark.
    sqlx::query("UPDATE relay_mark SET low_water = 0, count = 0, hash = 0")
        .execute(&bed.producer)
        .await
        .unwrap();
    let relay = bed.start_relay();
    eventually("duplicates arrive", || async {
        consumer.messaging.metrics().read().duplicates_total >= 5
    })
    .await;
    assert_eq!(bed.versions("social").await, [1, 2, 3, 4, 5]);
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_relays_leads_and_the_other_takes_over() {
    let bed = Bed::new("leaders").await;
    let relays = [bed.start_relay(), bed.start_relay()];
    let consumer = bed.start_consumer();
    let leaders = || {
        relays
            .iter()
            .filter(|r| r.messaging.metrics().read().leader)
            .count()
    };
    eventually("one leads", || async { leaders() == 1 }).await;
    bed.say("social", 1).await;
    bed.heard("social", &[1]).await;
    assert_eq!(leaders(), 1);
    let killed: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks
         WHERE locktype = 'advisory' AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .fetch_one(&bed.producer)
    .await
    .unwrap();
    assert_eq!(killed, 1);
    bed.say("social", 2).await;
    bed.heard("social", &[1, 2]).await;
    eventually("one leads again", || async { leaders() == 1 }).await;
    consumer.stop().await;
    for relay in relays {
        relay.stop().await;
    }
}

/// More than one consumer is given at once, so that the broker has some left for the next.
const MANY: i64 = 800;

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_ends_hands_over_in_order() {
    let bed = Bed::new("hand-over").await;
    bed.declare_queue().await;
    sqlx::raw_sql(
        "CREATE TABLE was_parked (version bigint);
         CREATE FUNCTION note_parked() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN INSERT INTO was_parked VALUES (NEW.version); RETURN NEW; END $$;
         CREATE TRIGGER noted AFTER INSERT ON inbox_parked
         FOR EACH ROW EXECUTE FUNCTION note_parked()",
    )
    .execute(&bed.consumer)
    .await
    .unwrap();
    let relay = bed.start_relay();
    let mut tx = begin(&bed.producer).await.unwrap();
    for version in 1..=MANY {
        append(&mut tx, "social", version).await;
    }
    tx.commit().await.unwrap();
    eventually("all is published", || async {
        bed.low_water().await >= MANY
    })
    .await;
    // The first effect waits, so that whoever consumes has its hands full when it is asked to end.
    let mut lock = begin(&bed.consumer).await.unwrap();
    sqlx::query("LOCK TABLE effect IN SHARE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let first = bed.start_consumer();
    eventually("a batch waits", || async {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .fetch_one(&bed.consumer)
        .await
        .unwrap()
    })
    .await;
    let next = bed.start_consumer();
    eventually("the next is connected", || async { next.messaging.ready() }).await;
    // The broker does not tell who waits for his turn; he subscribes with his next breath.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ending = tokio::spawn(first.stop());
    lock.commit().await.unwrap();
    ending.await.unwrap();
    bed.heard("social", &(1..=MANY).collect::<Vec<_>>()).await;
    let parked: Vec<i64> = sqlx::query_scalar("SELECT version FROM was_parked ORDER BY version")
        .fetch_all(&bed.consumer)
        .await
        .unwrap();
    assert!(parked.is_empty(), "came before their turn: {parked:?}");
    next.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_the_command_travels_with_its_event() {
    let bed = Bed::new("trace").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let subscriber = tracing_subscriber::registry().with(layer);
    async {
        use tracing::Instrument as _;
        let span = tracing::info_span!("command");
        bed.say("social", 1).instrument(span).await;
    }
    .with_subscriber(subscriber)
    .await;
    bed.heard("social", &[1]).await;
    let said: String = sqlx::query_scalar("SELECT traceparent FROM outbox")
        .fetch_one(&bed.producer)
        .await
        .unwrap();
    let heard: String = sqlx::query_scalar("SELECT traceparent FROM effect")
        .fetch_one(&bed.consumer)
        .await
        .unwrap();
    assert!(said.starts_with("00-") && said.ends_with("-01"), "{said}");
    assert_eq!(said, heard);
    consumer.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_refuses_change_and_drops_old_partitions_only() {
    let bed = Bed::new("partitions").await;
    bed.say("social", 1).await;
    for statement in [
        "UPDATE outbox SET version = 2",
        "DELETE FROM outbox",
        "TRUNCATE outbox",
    ] {
        let refused = sqlx::raw_sql(statement)
            .execute(&bed.producer)
            .await
            .unwrap_err();
        assert!(refused.to_string().contains("insert-only"), "{refused}");
    }
    let maintain = || async {
        sqlx::query_as::<_, (i32, i32)>("SELECT * FROM outbox_maintain(2, interval '1 day')")
            .fetch_one(&bed.producer)
            .await
            .unwrap()
    };
    assert_eq!(maintain().await, (0, 0));
    sqlx::raw_sql("SELECT setval(pg_get_serial_sequence('outbox', 'seq'), 1500000)")
        .execute(&bed.producer)
        .await
        .unwrap();
    bed.say("social", 2).await;
    // The first partition lies below the newest number, but the relay has not passed it.
    assert_eq!(maintain().await, (1, 0));
    let relay = bed.start_relay();
    eventually("the relay has passed", || async {
        bed.low_water().await == 1_500_001
    })
    .await;
    assert_eq!(maintain().await, (0, 1));
    bed.say("social", 3).await;
    relay.stop().await;
}
