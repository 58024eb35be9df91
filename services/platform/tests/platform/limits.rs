//! How much and how long.

use std::time::Duration;

use handslag_platform::auth::{Principal, Role};
use handslag_platform::testing::Bed;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use handslag_proto::notifications::v1::{GetSubscriberRequest, RegisterSubscriberRequest};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::probe::{Probe, effects};

fn operator() -> Principal {
    Principal::of("an-operator").with_role(Role::Operator)
}

fn request(bed: &Bed, name: &str) -> Request<GetSubscriberRequest> {
    bed.request(
        &operator(),
        GetSubscriberRequest {
            name: name.to_owned(),
        },
    )
}

async fn refused(bed: &Bed, name: &str) -> Status {
    let mut client =
        NotificationsServiceClient::new(bed.channel()).max_decoding_message_size(64 * 1024 * 1024);
    client.get_subscriber(request(bed, name)).await.unwrap_err()
}

fn reason(status: &Status) -> String {
    status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default()
}

/// How often the service's own word on a deadline is waited for.
const TRIES_MOST: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_deadline_is_answered_as_one_and_the_work_goes_on() {
    let bed = Bed::start::<Probe>("limits-deadline").await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    // The client's own timer runs as well, and on a busy machine it may be the first: then the
    // service's answer was not seen, and is asked for again.
    let mut tries = 0;
    let status = loop {
        tries += 1;
        let mut asked = request(&bed, "sleep");
        asked
            .metadata_mut()
            .insert("grpc-timeout", "200m".parse().unwrap());
        let status = client.get_subscriber(asked).await.unwrap_err();
        if status.get_details_error_info().is_some() || tries == TRIES_MOST {
            break status;
        }
    };
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED");
    bed.eventually(|| async { effects(bed.database(), "slept").await >= 1 })
        .await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_process_refuses_at_once_and_says_when_to_come_back() {
    let bed = Bed::start_with::<Probe>("limits-shed", |mut config| {
        config.limits.max_calls = 2;
        config
    })
    .await;
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let mut client = NotificationsServiceClient::new(bed.channel());
            let request = request(&bed, "gate");
            tokio::spawn(async move { client.get_subscriber(request).await })
        })
        .collect();
    bed.eventually(|| async { bed.running().shutdown.under_way() >= 2 })
        .await;
    let status = refused(&bed, "me").await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "LOAD_SHED");
    let delay = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(delay, Some(Duration::from_secs(1)));
    for call in waiting {
        call.abort();
    }
    // A cancelled call keeps its place until its work is done, which here is never; the abort at
    // the end ends it.
    bed.running().shutdown.stop();
    drop(bed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_shows_the_callers_trace_and_is_counted() {
    let bed = Bed::start_with::<Probe>("limits-counted", |mut config| {
        config.limits.max_calls = 0;
        config
    })
    .await;
    let mut asked = request(&bed, "me");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let metadata = asked.metadata_mut();
    metadata.insert("traceparent", parent.parse().unwrap());
    // Not looked at: a full process does not ask who calls.
    metadata.insert("authorization", "Bearer none".parse().unwrap());
    let mut client = NotificationsServiceClient::new(bed.channel());
    let status = client.get_subscriber(asked).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("LOAD_SHED", "handslag")
    );
    assert_eq!(
        info.metadata["trace_id"],
        "0af7651916cd43dd8448eb211c80319c"
    );
    let swedish = status.get_details_localized_message().unwrap();
    assert_eq!(swedish.locale, "sv");
    let metrics = reqwest::get(format!("http://{}/metrics", bed.running().admin_address));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let counted = metrics.lines().any(|line| {
        line.starts_with("handslag_rpc_calls_total{")
            && line.contains("ResourceExhausted")
            && line.contains("GetSubscriber\"")
            && line.ends_with("} 1")
    });
    assert!(counted, "{metrics}");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_command_whose_caller_has_gone_before_its_turn_nothing_is_begun() {
    let bed = Bed::start::<Probe>("limits-queue").await;
    // Each takes 300 ms, and the pool has four connections: the third round comes too late.
    let commands: Vec<_> = (0..20)
        .map(|_| {
            let mut client = NotificationsServiceClient::new(bed.channel());
            let message = RegisterSubscriberRequest {
                request_id: handslag_platform::id::new().to_string(),
                display_name: "slow".to_owned(),
                district_board: String::new(),
            };
            let mut request = bed.request(&operator(), message);
            let metadata = request.metadata_mut();
            metadata.insert("grpc-timeout", "500m".parse().unwrap());
            tokio::spawn(async move { client.register_subscriber(request).await })
        })
        .collect();
    let mut late = 0;
    for command in commands {
        // On a busy machine tonic's own timer may be the first to say so, in its own words.
        late += u32::from(command.await.unwrap().is_err());
    }
    assert!(late >= 12, "{late}");
    bed.eventually(|| async { bed.running().shutdown.under_way() == 0 })
        .await;
    let begun = effects(bed.database(), "slow").await;
    assert!(begun <= 8, "{begun}");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_slow_database_fewer_are_let_in_than_there_are_places() {
    let bed = Bed::start::<Probe>("limits-pace").await;
    // Four connections serve 13 of these in a second, so that the last would wait for three.
    let commands: Vec<_> = (0..40)
        .map(|_| {
            let mut client = NotificationsServiceClient::new(bed.channel());
            let message = RegisterSubscriberRequest {
                request_id: handslag_platform::id::new().to_string(),
                display_name: "slow".to_owned(),
                district_board: String::new(),
            };
            let request = bed.request(&operator(), message);
            tokio::spawn(async move { client.register_subscriber(request).await })
        })
        .collect();
    bed.eventually(|| async {
        let mut client = NotificationsServiceClient::new(bed.channel());
        let answer = client.get_subscriber(request(&bed, "me")).await;
        answer.is_err_and(|status| reason(&status) == "LOAD_SHED")
    })
    .await;
    for command in commands {
        // On a busy machine the last may have given up: they came before the queue was seen.
        let _ended = command.await.unwrap();
    }
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_cannot_take_the_others_share() {
    let bed = Bed::start_with::<Probe>("limits-rate", |mut config| {
        config.limits.calls_per_second = 1;
        config.limits.calls_burst = 3;
        config
    })
    .await;
    let mut client = NotificationsServiceClient::new(bed.channel());
    for _ in 0..3 {
        client.get_subscriber(request(&bed, "me")).await.unwrap();
    }
    let status = refused(&bed, "me").await;
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::ResourceExhausted, "RATE_LIMITED")
    );
    assert!(status.get_details_retry_info().is_some());
    let other = Principal::of("another").with_role(Role::Auditor);
    let message = GetSubscriberRequest {
        name: "me".to_owned(),
    };
    client
        .get_subscriber(bed.request(&other, message))
        .await
        .unwrap();
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_shows_its_trace_and_never_its_text() {
    let bed = Bed::start::<Probe>("limits-internal").await;
    for name in ["broken", "dying"] {
        let mut asked = request(&bed, name);
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        asked
            .metadata_mut()
            .insert("traceparent", parent.parse().unwrap());
        let mut client = NotificationsServiceClient::new(bed.channel());
        let status = client.get_subscriber(asked).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Internal, "INTERNAL")
        );
        assert!(!format!("{status:?}").contains("secret"), "{status:?}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            info.metadata["trace_id"],
            "0af7651916cd43dd8448eb211c80319c"
        );
    }
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_clients_refuse_is_not_sent() {
    let bed = Bed::start::<Probe>("limits-large").await;
    let status = refused(&bed, "large").await;
    assert_eq!(reason(&status), "RESPONSE_TOO_LARGE");
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_list_beyond_the_limit_is_refused() {
    let bed = Bed::start::<Probe>("limits-headers").await;
    let mut asked = request(&bed, "me");
    asked
        .metadata_mut()
        .insert("x-long", "x".repeat(20 * 1024).parse().unwrap());
    let mut client = NotificationsServiceClient::new(bed.channel());
    assert!(client.get_subscriber(asked).await.is_err());
    client.get_subscriber(request(&bed, "me")).await.unwrap();
    bed.end().await;
}
