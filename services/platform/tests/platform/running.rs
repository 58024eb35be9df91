//! How a process shows itself and ends.

use std::time::{Duration, Instant};

use handslag_platform::auth::{Principal, Role};
use handslag_platform::testing::Bed;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use handslag_proto::notifications::v1::{GetSubscriberRequest, StreamNotificationsRequest};
use tonic::{Code, Streaming};
use tonic_types::StatusExt as _;

use crate::probe::Probe;

fn operator() -> Principal {
    Principal::of("an-operator").with_role(Role::Operator)
}

async fn open(
    bed: &Bed,
    name: &str,
) -> Streaming<handslag_proto::notifications::v1::StreamNotificationsResponse> {
    let message = StreamNotificationsRequest {
        subscriber: name.to_owned(),
        ..Default::default()
    };
    let mut client = NotificationsServiceClient::new(bed.channel());
    let request = bed.request(&operator(), message);
    let mut stream = client
        .stream_notifications(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        stream.message().await.unwrap().unwrap().resume_token,
        "first"
    );
    stream
}

async fn page(bed: &Bed, path: &str) -> (u16, String) {
    let address = format!("http://{}{path}", bed.running().admin_address);
    let answer = reqwest::get(address).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_its_handler_does() {
    let bed = Bed::start::<Probe>("running-stream").await;
    let mut stream = open(&bed, "short").await;
    assert!(stream.message().await.unwrap().is_none());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_is_told_to_resume_and_does_not_hold_the_end() {
    let bed = Bed::start::<Probe>("running-shutdown").await;
    let mut stream = open(&bed, "patient").await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    let message = GetSubscriberRequest {
        name: "sleep".to_owned(),
    };
    let request = bed.request(&operator(), message);
    let call = tokio::spawn(async move { client.get_subscriber(request).await });
    bed.eventually(|| async { bed.running().shutdown.under_way() >= 2 })
        .await;

    let began = Instant::now();
    bed.running().shutdown.stop();
    assert_eq!(
        stream.message().await.unwrap().unwrap().resume_token,
        "resume here"
    );
    let end = stream.message().await.unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    assert_eq!(
        end.get_details_error_info().unwrap().reason,
        "SHUTTING_DOWN"
    );
    // What was under way is finished and answered.
    call.await.unwrap().unwrap();
    bed.end().await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_does_not_listen_is_cut() {
    let bed = Bed::start::<Probe>("running-deaf").await;
    let mut stream = open(&bed, "deaf").await;
    bed.running().shutdown.stop();
    let end = stream.message().await.unwrap_err();
    assert_eq!(
        end.get_details_error_info().unwrap().reason,
        "SHUTTING_DOWN"
    );
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streams_deadline_ends_it() {
    let bed = Bed::start::<Probe>("running-stream-deadline").await;
    let message = StreamNotificationsRequest::default();
    let mut request = bed.request(&operator(), message);
    request
        .metadata_mut()
        .insert("grpc-timeout", "500m".parse().unwrap());
    let mut client = NotificationsServiceClient::new(bed.channel());
    let mut stream = client
        .stream_notifications(request)
        .await
        .unwrap()
        .into_inner();
    assert!(stream.message().await.unwrap().is_some());
    assert_eq!(
        stream.message().await.unwrap_err().code(),
        Code::DeadlineExceeded
    );
    bed.end().await;
}

/// The value of a metric that is there once.
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
    line.rsplit(' ').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_port_says_live_ready_and_how_much() {
    let bed = Bed::start::<Probe>("running-admin").await;
    assert_eq!(page(&bed, "/live").await.0, 200);
    bed.eventually(|| async { page(&bed, "/ready").await.0 == 200 })
        .await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    let message = GetSubscriberRequest {
        name: "nobody".to_owned(),
    };
    client
        .get_subscriber(bed.request(&operator(), message))
        .await
        .unwrap_err();
    let (status, text) = page(&bed, "/metrics").await;
    assert_eq!(status, 200);
    for wanted in [
        "handslag_rpc_calls_total{code=\"NotFound\",method=\"/handslag.notifications.v1.",
        "handslag_rpc_duration_seconds_bucket",
        "handslag_database_connections_open",
        "handslag_relay_published",
        "handslag_inbox_differing",
        "handslag_audit_checked_total",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
    }
    assert_eq!(value(&text, "handslag_ready"), "1");
    assert_eq!(value(&text, "handslag_database_connections_most"), "4");
    assert_eq!(value(&text, "handslag_audit_broken"), "0");
    // Something that takes its time to end keeps the port open.
    let stream = open(&bed, "deaf").await;
    bed.running().shutdown.stop();
    assert_eq!(page(&bed, "/ready").await.0, 503);
    let (_, text) = page(&bed, "/metrics").await;
    assert_eq!(value(&text, "handslag_ready"), "0");
    drop(stream);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_port_answers_the_health_protocol_too() {
    let bed = Bed::start::<Probe>("running-health").await;
    let address = format!("http://{}", bed.running().admin_address);
    let channel = tonic::transport::Endpoint::from_shared(address)
        .unwrap()
        .connect_lazy();
    let service = "handslag.notifications.v1.NotificationsService".to_owned();
    bed.eventually(|| async {
        let mut client = tonic_health::pb::health_client::HealthClient::new(channel.clone());
        let request = tonic_health::pb::HealthCheckRequest {
            service: service.clone(),
        };
        let answer = client.check(request).await.unwrap().into_inner();
        answer.status() == tonic_health::pb::health_check_response::ServingStatus::Serving
    })
    .await;
    drop(channel);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_of_delivery_whether_events_flow() {
    let bed = Bed::start::<Probe>("running-delivery").await;
    let delivers = async || {
        let mut client = tonic_health::pb::health_client::HealthClient::new(bed.channel());
        let service = handslag_platform::server::DELIVERY.to_owned();
        let request = tonic_health::pb::HealthCheckRequest { service };
        let answer = client.check(request).await.unwrap().into_inner();
        answer.status() == tonic_health::pb::health_check_response::ServingStatus::Serving
    };
    bed.eventually(|| async { page(&bed, "/ready").await.0 == 200 })
        .await;
    // Ready, and yet nothing was ever heard of the service that it listens to.
    assert!(!delivers().await);
    let area = handslag_proto::events::v1::AreaCreated::default();
    bed.publish(handslag_platform::messaging::outbox::Event {
        aggregate_id: "social".to_owned(),
        version: handslag_platform::etag::Version::FIRST,
        subject: "areas/social".to_owned(),
        actor: "somebody".to_owned(),
        time: bed.clock().now(),
        body: area,
    })
    .await;
    bed.eventually(&delivers).await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_loses_a_part_fails() {
    let bed = Bed::start::<Probe>("running-fail").await;
    bed.running()
        .shutdown
        .fail("the task mail failed: no route");
    let running = bed.into_running();
    let error = running.ended().await.unwrap_err();
    assert_eq!(error.to_string(), "the task mail failed: no route");
}
