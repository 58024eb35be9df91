//! A command has its effect once.

use std::time::Duration;

use handslag_platform::auth::{Principal, Role};
use handslag_platform::database::begin;
use handslag_platform::etag::Version;
use handslag_platform::messaging::outbox;
use handslag_platform::testing::Bed;
use handslag_proto::events::v1::AreaCreated;
use handslag_proto::notifications::v1::RegisterSubscriberRequest;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::probe::{Probe, effects};

fn operator() -> Principal {
    Principal::of("an-operator").with_role(Role::Operator)
}

fn command(name: &str) -> RegisterSubscriberRequest {
    RegisterSubscriberRequest {
        request_id: "0190f3a2-7c1e-7b1a-9a55-3f0e5a1c2b3d".to_owned(),
        display_name: name.to_owned(),
        district_board: String::new(),
    }
}

fn reason(status: &tonic::Status) -> String {
    status.get_details_error_info().unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_gets_the_first_answer_and_another_body_is_refused() {
    let bed = Bed::start::<Probe>("commands-repeat").await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    let request = |name: &str| bed.request(&operator(), command(name));
    let first = client
        .register_subscriber(request("one"))
        .await
        .unwrap()
        .into_inner();
    let second = client
        .register_subscriber(request("one"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, second);
    assert_eq!(effects(bed.database(), "one").await, 1);

    let reused = client
        .register_subscriber(request("two"))
        .await
        .unwrap_err();
    assert_eq!(
        (reused.code(), reason(&reused).as_str()),
        (Code::FailedPrecondition, "REQUEST_ID_REUSED",)
    );
    assert_eq!(effects(bed.database(), "two").await, 0);

    // Ids are each caller's own: nobody else's answer is given away.
    let other = Principal::of("another").with_role(Role::Operator);
    let third = client
        .register_subscriber(bed.request(&other, command("one")))
        .await
        .unwrap();
    assert_ne!(first, third.into_inner());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_twins_have_one_effect_and_one_answer() {
    let bed = Bed::start::<Probe>("commands-twins").await;
    let twins = (0..4).map(|_| {
        let mut client = NotificationsServiceClient::new(bed.channel());
        let request = bed.request(&operator(), command("slow"));
        async move {
            client
                .register_subscriber(request)
                .await
                .unwrap()
                .into_inner()
        }
    });
    let answers = futures_util::future::join_all(twins).await;
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(effects(bed.database(), "slow").await, 1);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_a_usable_identity_is_refused() {
    let bed = Bed::start::<Probe>("commands-identity").await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    for (id, expected) in [("", "FIELD_REQUIRED"), ("17", "REQUEST_ID_INVALID")] {
        let message = RegisterSubscriberRequest {
            request_id: id.to_owned(),
            ..command("x")
        };
        let refused = client
            .register_subscriber(bed.request(&operator(), message))
            .await;
        let details = refused.unwrap_err().get_error_details();
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!(
            (violation.field.as_str(), violation.reason.as_str()),
            ("request_id", expected)
        );
    }
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_call_does_not_drop_its_command_half_way() {
    let bed = Bed::start::<Probe>("commands-cancel").await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    let call = client.register_subscriber(bed.request(&operator(), command("slow")));
    let patience = Duration::from_millis(100);
    assert!(tokio::time::timeout(patience, call).await.is_err());
    bed.eventually(|| async { effects(bed.database(), "slow").await == 1 })
        .await;
    // And the answer is there for whoever repeats it.
    client
        .register_subscriber(bed.request(&operator(), command("slow")))
        .await
        .unwrap();
    assert_eq!(effects(bed.database(), "slow").await, 1);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_begin_leaves_no_transaction_open() {
    let bed = Bed::start_with::<Probe>("commands-begin", |mut config| {
        config.database.pool_size = 1;
        config
    })
    .await;
    let pool = bed.database().pool();
    for microseconds in (0..400).step_by(2) {
        let moment = Duration::from_micros(microseconds);
        drop(tokio::time::timeout(moment, begin(pool)).await);
        // On a connection that was left open this would stand still at the stranger's beginning.
        let outside = sqlx::raw_sql("SELECT now() = statement_timestamp()");
        let row = outside.fetch_one(pool).await.unwrap();
        assert!(
            sqlx::Row::get::<bool, _>(&row, 0),
            "after {microseconds} \u{b5}s"
        );
    }
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_forgotten_after_a_week_and_not_before() {
    use handslag_platform::database::request_log::sweep;
    let bed = Bed::start::<Probe>("commands-sweep").await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    client
        .register_subscriber(bed.request(&operator(), command("one")))
        .await
        .unwrap();
    let mut connection = bed.database().pool().acquire().await.unwrap();
    for (age, forgotten) in [("6 days 23 hours", 0), ("7 days 1 second", 1)] {
        sqlx::query("UPDATE request_log SET created_at = now() - $1::text::interval")
            .bind(age)
            .execute(&mut *connection)
            .await
            .unwrap();
        assert_eq!(sweep(&mut connection).await.unwrap(), forgotten, "{age}");
    }
    drop(connection);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_event_has_its_effect_once() {
    let bed = Bed::start::<Probe>("commands-events").await;
    for area in ["social", "kultur"] {
        let name = format!("areas/{area}");
        bed.publish(outbox::Event {
            aggregate_id: area.to_owned(),
            version: Version::FIRST,
            subject: name.clone(),
            actor: "a-test".to_owned(),
            time: bed.clock().now(),
            body: AreaCreated {
                area: name,
                ..Default::default()
            },
        })
        .await;
    }
    bed.eventually(|| async {
        effects(bed.database(), "areas/social").await == 1
            && effects(bed.database(), "areas/kultur").await == 1
    })
    .await;
    bed.end().await;
}
