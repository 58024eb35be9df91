//! The chain of seals, and what it says of a log that somebody has changed.

use std::time::Duration;

use handslag_platform::messaging::audit;
use sqlx::PgPool;

use super::bed::{Bed, eventually};

/// Seals everything: more than two seals' worth of events in one log.
async fn sealed(name: &'static str) -> Bed {
    let bed = Bed::new(name).await;
    let relay = bed.start_relay();
    bed.declare_queue().await;
    for version in 1..=230 {
        bed.say("social", version).await;
    }
    eventually("everything is sealed", || async {
        let audit = audit::verify(&bed.producer).await.unwrap();
        assert_eq!(audit.broken, None);
        audit.events == 230
    })
    .await;
    relay.stop().await;
    bed
}

/// As somebody with the owner's rights would: the trigger refuses everybody else.
async fn tamper(pool: &PgPool, statement: &'static str) {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql("SET session_replication_role = replica")
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::raw_sql(statement)
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::raw_sql("SET session_replication_role = DEFAULT")
        .execute(&mut *connection)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_holds_until_somebody_changes_the_log_and_then_says_where() {
    let bed = sealed("audit").await;
    let whole = audit::verify(&bed.producer).await.unwrap();
    assert!(whole.seals >= 3, "{whole:?}");
    for (change, undo) in [
        (
            "UPDATE outbox SET actor = 'somebody else' WHERE version = 150",
            "UPDATE outbox SET actor = 'tester' WHERE version = 150",
        ),
        (
            "UPDATE outbox SET payload = payload || '\\x00' WHERE version = 150",
            "UPDATE outbox SET payload = substr(payload, 1, length(payload) - 1) WHERE version = 150",
        ),
        (
            "CREATE TABLE hidden AS SELECT seq, version FROM outbox WHERE version = 150;
             UPDATE outbox SET version = 9150 WHERE version = 150",
            "UPDATE outbox SET version = 150 WHERE version = 9150",
        ),
    ] {
        tamper(&bed.producer, change).await;
        let audit = audit::verify(&bed.producer).await.unwrap();
        let (first, last) = audit.broken.expect(change);
        let seq: i64 = sqlx::query_scalar("SELECT seq FROM outbox WHERE version IN (150, 9150)")
            .fetch_one(&bed.producer)
            .await
            .unwrap();
        assert!(
            (first..=last).contains(&seq),
            "{audit:?} does not hold {seq}"
        );
        assert!(last - first < 200, "{audit:?} is no place");
        tamper(&bed.producer, undo).await;
        assert_eq!(audit::verify(&bed.producer).await.unwrap(), whole);
    }
    tamper(&bed.producer, "DELETE FROM outbox WHERE version = 230").await;
    assert!(audit::verify(&bed.producer).await.unwrap().broken.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_finds_a_change_by_itself() {
    let bed = sealed("audit-watched").await;
    let change = "UPDATE outbox SET actor = 'somebody else' WHERE version = 50";
    tamper(&bed.producer, change).await;
    let relay = bed.start_relay();
    let reading = || relay.messaging.metrics().read();
    eventually("the change is found", || async { reading().audit_broken }).await;
    let undo = "UPDATE outbox SET actor = 'tester' WHERE version = 50";
    tamper(&bed.producer, undo).await;
    eventually("all holds again", || async { !reading().audit_broken }).await;
    let checked = reading().audit_checked_total;
    // Through to the end, and from there anew.
    let seals = audit::verify(&bed.producer).await.unwrap().seals;
    eventually("all is looked at again", || async {
        reading().audit_checked_total > checked + seals
    })
    .await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_the_log_nor_a_seal_can_be_changed_by_whoever_uses_them() {
    let bed = sealed("audit-refused").await;
    for statement in [
        "UPDATE outbox SET actor = 'somebody else'",
        "DELETE FROM outbox",
        "TRUNCATE outbox",
        "UPDATE audit_seal SET count = 1",
        "DELETE FROM audit_seal",
        "TRUNCATE audit_seal",
    ] {
        let refused = sqlx::raw_sql(statement).execute(&bed.producer).await;
        let error = refused.expect_err(statement).to_string();
        assert!(error.contains("is insert-only"), "{statement}: {error}");
    }
    tokio::time::timeout(Duration::from_secs(5), audit::verify(&bed.producer))
        .await
        .unwrap()
        .unwrap();
}
