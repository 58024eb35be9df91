//! A district board touches its own only.

use handslag_platform::auth::{Principal, Role};
use handslag_proto::notifications::v1::{
    AckNotificationsRequest, GetSubscriberRequest, ListNotificationsRequest,
    ListSubscribersRequest, ListSubscriptionsRequest, PreviewSubscriptionRequest,
    PullNotificationsRequest, RegisterSubscriberRequest, StreamNotificationsRequest,
    SubscribeRequest, SubscriptionFilter, UnsubscribeRequest,
};
use tonic::{Code, Status};

use crate::town::{Town, board, fresh, officer, reason};

/// Calls every method that names a subscriber, for `farsta`'s, and gives what each answered.
async fn touch(
    town: &Town,
    caller: &Principal,
    subscriber: &str,
    subscription: &str,
) -> Vec<(&'static str, Result<(), Status>)> {
    let name = subscriber.to_owned();
    let mut answers = Vec::new();
    macro_rules! call {
        ($method:ident, $request:expr) => {
            let request = town.bed.request(caller, $request);
            let answer = town.client().$method(request).await.map(|_| ());
            answers.push((stringify!($method), answer));
        };
    }
    call!(get_subscriber, GetSubscriberRequest { name: name.clone() });
    call!(
        list_subscriptions,
        ListSubscriptionsRequest {
            subscriber: name.clone(),
            ..Default::default()
        }
    );
    call!(
        preview_subscription,
        PreviewSubscriptionRequest {
            subscriber: name.clone(),
            ..Default::default()
        }
    );
    call!(
        list_notifications,
        ListNotificationsRequest {
            subscriber: name.clone(),
            ..Default::default()
        }
    );
    call!(
        pull_notifications,
        PullNotificationsRequest {
            subscriber: name.clone(),
            ..Default::default()
        }
    );
    call!(
        subscribe,
        SubscribeRequest {
            request_id: fresh(),
            subscriber: name.clone(),
            filter: None
        }
    );
    call!(
        unsubscribe,
        UnsubscribeRequest {
            request_id: fresh(),
            subscription: subscription.to_owned(),
            etag: String::new()
        }
    );
    let request = StreamNotificationsRequest {
        subscriber: name.clone(),
        resume_token: String::new(),
    };
    let request = town.bed.request(caller, request);
    let answer = match town.client().stream_notifications(request).await {
        Ok(stream) => stream.into_inner().message().await.map(|_| ()),
        Err(status) => Err(status),
    };
    answers.push(("stream_notifications", answer));
    call!(
        ack_notifications,
        AckNotificationsRequest {
            subscriber: name,
            up_to_position: 1
        }
    );
    answers
}

#[tokio::test]
async fn a_board_touches_its_own_and_nobody_elses() {
    let town = Town::start("own").await;
    let farsta = town.register("farsta").await.name;
    let subscription = town
        .subscribe(&farsta, SubscriptionFilter::default())
        .await
        .name;
    town.open_follow_up(2013).await;
    town.wait_for(&farsta, 1).await;
    let before = town.written().await;
    for (method, answer) in touch(&town, &board("bromma"), &farsta, &subscription).await {
        let status = answer.expect_err(method);
        assert_eq!(status.code(), Code::PermissionDenied, "{method}");
        assert_eq!(reason(&status), "NOT_YOUR_OWN", "{method}");
    }
    let auditor = Principal::of("an auditor").with_role(Role::Auditor);
    for (method, answer) in touch(&town, &auditor, &farsta, &subscription).await {
        let writes = ["subscribe", "unsubscribe", "ack_notifications"].contains(&method);
        match answer {
            Ok(()) => assert!(!writes, "{method}"),
            Err(status) => {
                assert!(writes, "{method}: {status}");
                assert_eq!(reason(&status), "ROLE_NOT_ALLOWED", "{method}");
            }
        }
    }
    assert_eq!(town.written().await, before);
    for (method, answer) in touch(&town, &board("farsta"), &farsta, &subscription).await {
        assert!(answer.is_ok(), "{method}: {answer:?}");
    }
    town.bed.end().await;
}

#[tokio::test]
async fn a_board_registers_itself_and_sees_itself_only() {
    let town = Town::start("itself").await;
    let as_board = |code: &str| RegisterSubscriberRequest {
        request_id: fresh(),
        display_name: format!("{code} stadsdelsnämnd"),
        district_board: format!("districtBoards/{code}"),
    };
    let request = town.bed.request(&board("farsta"), as_board("bromma"));
    let refused = town
        .client()
        .register_subscriber(request)
        .await
        .expect_err("another's");
    assert_eq!(reason(&refused), "NOT_YOUR_OWN");
    let request = town.bed.request(&board("farsta"), as_board("farsta"));
    town.client()
        .register_subscriber(request)
        .await
        .expect("itself");
    town.register("bromma").await;
    town.register_office("Äldreförvaltningen").await;
    let listed = async |caller: &Principal| {
        let request = town.bed.request(caller, ListSubscribersRequest::default());
        let response = town
            .client()
            .list_subscribers(request)
            .await
            .expect("listed");
        let subscribers = response.into_inner().subscribers;
        subscribers
            .into_iter()
            .map(|one| one.display_name)
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&board("farsta")).await, ["farsta stadsdelsnämnd"]);
    assert_eq!(
        listed(&officer()).await,
        [
            "bromma stadsdelsnämnd",
            "farsta stadsdelsnämnd",
            "Äldreförvaltningen"
        ]
    );
    town.bed.end().await;
}
