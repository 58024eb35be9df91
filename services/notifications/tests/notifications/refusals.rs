//! Every refusal: its code, its reason, the fields it names; and that nothing was written.

use handslag_platform::auth::{Principal, Role};
use handslag_proto::notifications::v1::{
    AckNotificationsRequest, GetSubscriberRequest, ListNotificationsRequest,
    ListSubscribersRequest, ListSubscriptionsRequest, PreviewSubscriptionRequest,
    PullNotificationsRequest, RegisterSubscriberRequest, StreamNotificationsRequest,
    SubscribeRequest, SubscriptionFilter, UnsubscribeRequest,
};
use tonic::Code::{
    self, Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied,
    Unauthenticated,
};
use tonic::Status;

use crate::town::{Client, Town, board, fresh, id, officer, reason};

/// What was asked, what came back, and what should have.
type Case = (&'static str, Status, Code, &'static str);

/// Makes a call that is refused.
macro_rules! refused {
    ($town:expr, $method:ident, $request:expr) => {{
        let request = $town.bed.request(&officer(), $request);
        $town
            .client()
            .$method(request)
            .await
            .expect_err(stringify!($method))
    }};
}

fn check(cases: &[Case]) {
    for (asked, status, code, expected) in cases {
        assert_eq!(status.code(), *code, "{asked}: {status}");
        assert_eq!(reason(status), *expected, "{asked}");
    }
}

fn register(display_name: &str, district_board: &str) -> RegisterSubscriberRequest {
    RegisterSubscriberRequest {
        request_id: fresh(),
        display_name: display_name.to_owned(),
        district_board: district_board.to_owned(),
    }
}

fn subscribe(subscriber: &str, filter: SubscriptionFilter) -> SubscribeRequest {
    SubscribeRequest {
        request_id: fresh(),
        subscriber: subscriber.to_owned(),
        filter: Some(filter),
    }
}

#[tokio::test]
async fn a_malformed_registration_is_refused_with_its_fields() {
    let town = Town::start("bad-registration").await;
    let before = town.written().await;
    let cases: [(&str, RegisterSubscriberRequest, &str); 9] = [
        (
            "no name",
            register("", ""),
            "INVALID_REQUEST display_name:FIELD_REQUIRED",
        ),
        (
            "spaces",
            register(" \t ", ""),
            "INVALID_REQUEST display_name:FIELD_REQUIRED",
        ),
        (
            "1 MB",
            register(&"å".repeat(500_000), ""),
            "INVALID_REQUEST display_name:TEXT_TOO_LONG",
        ),
        (
            "a control character",
            register("Farsta\u{7}", ""),
            "INVALID_REQUEST display_name:TEXT_CHARACTER_REFUSED",
        ),
        (
            "a bidirectional override",
            register("Farsta \u{202e}atsraF", ""),
            "INVALID_REQUEST display_name:TEXT_CHARACTER_REFUSED",
        ),
        (
            "no resource name",
            register("Farsta", "farsta"),
            "INVALID_REQUEST district_board:NAME_INVALID",
        ),
        (
            "an unknown board",
            register("Atlantis", "districtBoards/atlantis"),
            "INVALID_REQUEST district_board:DISTRICT_BOARD_UNKNOWN",
        ),
        (
            "two faults",
            register("", "boards/farsta"),
            "INVALID_REQUEST display_name:FIELD_REQUIRED district_board:NAME_INVALID",
        ),
        (
            "no request_id",
            RegisterSubscriberRequest {
                request_id: "x".into(),
                ..register("Farsta", "")
            },
            "INVALID_REQUEST request_id:REQUEST_ID_INVALID",
        ),
    ];
    for (asked, request, expected) in cases {
        let status = refused!(town, register_subscriber, request);
        check(&[(asked, status, InvalidArgument, expected)]);
    }
    assert_eq!(town.written().await, before);
    // What looks unusual and is right.
    for name in ["Föreningen Åäö", "Nämnden 👩‍👩‍👧", "مجلس الحي"] {
        assert_eq!(town.register_office(name).await.display_name, name);
    }
    town.bed.end().await;
}

#[tokio::test]
async fn a_malformed_filter_is_refused_with_its_fields() {
    let town = Town::start("bad-filter").await;
    let subscriber = town.register("farsta").await.name;
    let before = town.written().await;
    let none = SubscriptionFilter::default;
    let cases: [(&str, SubscriptionFilter, &str); 8] = [
        (
            "unknown types",
            SubscriptionFilter {
                event_types: vec![
                    "se.handslag.registry.".into(),
                    "se.other.".into(),
                    "".into(),
                ],
                ..none()
            },
            "INVALID_REQUEST filter.event_types[1]:EVENT_TYPE_UNKNOWN \
             filter.event_types[2]:EVENT_TYPE_UNKNOWN",
        ),
        (
            "an area without its collection",
            SubscriptionFilter {
                areas: vec!["areas/social".into(), "aldre".into()],
                ..none()
            },
            "INVALID_REQUEST filter.areas[1]:NAME_INVALID",
        ),
        (
            "no agreement",
            SubscriptionFilter {
                agreements: vec!["agreements/1".into(), "".into()],
                ..none()
            },
            "INVALID_REQUEST filter.agreements[0]:NAME_INVALID \
             filter.agreements[1]:FIELD_REQUIRED",
        ),
        (
            "an unknown board",
            SubscriptionFilter {
                district_boards: vec!["districtBoards/atlantis".into()],
                ..none()
            },
            "INVALID_REQUEST filter.district_boards[0]:DISTRICT_BOARD_UNKNOWN",
        ),
        (
            "another board",
            SubscriptionFilter {
                district_boards: vec![
                    "districtBoards/farsta".into(),
                    "districtBoards/bromma".into(),
                ],
                ..none()
            },
            "INVALID_REQUEST filter.district_boards[1]:DISTRICT_BOARD_OF_OTHERS",
        ),
        (
            "no severity",
            SubscriptionFilter {
                minimum_severity: 9,
                ..none()
            },
            "INVALID_REQUEST filter.minimum_severity:SEVERITY_UNKNOWN",
        ),
        (
            "too many",
            SubscriptionFilter {
                areas: vec!["areas/social".into(); 51],
                ..none()
            },
            "INVALID_REQUEST filter.areas:TOO_MANY_ENTRIES",
        ),
        (
            "a hostile list",
            SubscriptionFilter {
                event_types: vec!["x".repeat(1_000_000)],
                ..none()
            },
            "INVALID_REQUEST filter.event_types[0]:EVENT_TYPE_UNKNOWN",
        ),
    ];
    for (asked, filter, expected) in cases {
        let status = refused!(town, subscribe, subscribe(&subscriber, filter.clone()));
        check(&[(asked, status, InvalidArgument, expected)]);
        let preview = PreviewSubscriptionRequest {
            subscriber: subscriber.clone(),
            filter: Some(filter),
            limit: 0,
        };
        let status = refused!(town, preview_subscription, preview);
        check(&[(asked, status, InvalidArgument, expected)]);
    }
    assert_eq!(town.written().await, before);
    town.bed.end().await;
}

#[tokio::test]
async fn a_malformed_question_is_refused_with_its_fields() {
    let town = Town::start("bad-question").await;
    let farsta = town.register("farsta").await.name;
    let bromma = town.register("bromma").await.name;
    town.subscribe(&farsta, SubscriptionFilter::default()).await;
    town.subscribe(&bromma, SubscriptionFilter::default()).await;
    let cursor_of_bromma = cursor(&town, &bromma).await;
    let before = town.written().await;
    let pull = |cursor: &str, limit| PullNotificationsRequest {
        subscriber: farsta.clone(),
        cursor: cursor.to_owned(),
        limit,
    };
    let listed = |page_size, page_token: &str| ListNotificationsRequest {
        subscriber: farsta.clone(),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let acknowledge = |up_to_position| AckNotificationsRequest {
        subscriber: farsta.clone(),
        up_to_position,
    };
    let status = refused!(
        town,
        get_subscriber,
        GetSubscriberRequest { name: "x".into() }
    );
    check(&[(
        "no name",
        status,
        InvalidArgument,
        "INVALID_REQUEST name:NAME_INVALID",
    )]);
    let status = refused!(town, pull_notifications, pull(&cursor_of_bromma, 0));
    check(&[(
        "another's",
        status,
        InvalidArgument,
        "INVALID_REQUEST cursor:CURSOR_INVALID",
    )]);
    let status = refused!(town, pull_notifications, pull("x", -1));
    let expected = "INVALID_REQUEST limit:LIMIT_NEGATIVE cursor:CURSOR_INVALID";
    check(&[("two faults", status, InvalidArgument, expected)]);
    let status = refused!(town, list_notifications, listed(-1, "x"));
    let expected = "INVALID_REQUEST page_size:PAGE_SIZE_NEGATIVE page_token:PAGE_TOKEN_INVALID";
    check(&[("no page", status, InvalidArgument, expected)]);
    let subscribers = ListSubscribersRequest {
        district_board: "x".into(),
        ..Default::default()
    };
    let status = refused!(town, list_subscribers, subscribers);
    let expected = "INVALID_REQUEST district_board:NAME_INVALID";
    check(&[("no board", status, InvalidArgument, expected)]);
    for position in [0, -1, 1, i64::MAX] {
        let status = refused!(town, ack_notifications, acknowledge(position));
        let expected = "INVALID_REQUEST up_to_position:POSITION_UNKNOWN";
        check(&[("never told", status, InvalidArgument, expected)]);
    }
    // A cursor is no resume token, nor is a token with a letter changed.
    for token in [cursor(&town, &farsta).await, "x".into()] {
        let request = StreamNotificationsRequest {
            subscriber: farsta.clone(),
            resume_token: token,
        };
        let request = town.bed.request(&board("farsta"), request);
        let expected = "INVALID_REQUEST resume_token:RESUME_TOKEN_INVALID";
        let status = end_of_stream(town.client(), request).await;
        check(&[("no token", status, InvalidArgument, expected)]);
    }
    assert_eq!(town.written().await, before);
    town.bed.end().await;
}

#[tokio::test]
async fn a_page_token_serves_the_question_it_came_from() {
    let town = Town::start("page-token").await;
    town.register_office("ett").await;
    town.register_office("två").await;
    let first = ListSubscribersRequest {
        page_size: 1,
        ..Default::default()
    };
    let request = town.bed.request(&officer(), first);
    let page = town
        .client()
        .list_subscribers(request)
        .await
        .expect("a page")
        .into_inner();
    let other = ListSubscribersRequest {
        district_board: "districtBoards/farsta".into(),
        page_size: 1,
        page_token: page.next_page_token,
    };
    let status = refused!(town, list_subscribers, other);
    let expected = "INVALID_REQUEST page_token:PAGE_TOKEN_INVALID";
    check(&[("another question", status, InvalidArgument, expected)]);
    town.bed.end().await;
}

#[tokio::test]
async fn every_other_reason_is_given_where_it_belongs() {
    let town = Town::start("reasons").await;
    let subscriber = town.register("farsta").await.name;
    let subscription = town
        .subscribe(&subscriber, SubscriptionFilter::default())
        .await;
    let nobody = format!("subscribers/{}", id(1));
    let nothing = format!("{subscriber}/subscriptions/{}", id(1));
    let end = |name: &str, etag: &str| UnsubscribeRequest {
        request_id: fresh(),
        subscription: name.to_owned(),
        etag: etag.to_owned(),
    };
    let before = town.written().await;
    let mut cases: Vec<Case> = Vec::new();
    let status = refused!(
        town,
        get_subscriber,
        GetSubscriberRequest {
            name: nobody.clone()
        }
    );
    cases.push(("nobody", status, NotFound, "RESOURCE_NOT_FOUND"));
    let of_nobody = ListSubscriptionsRequest {
        subscriber: nobody.clone(),
        ..Default::default()
    };
    let status = refused!(town, list_subscriptions, of_nobody);
    cases.push(("nobody's", status, NotFound, "RESOURCE_NOT_FOUND"));
    let for_nobody = subscribe(&nobody, SubscriptionFilter::default());
    cases.push((
        "for nobody",
        refused!(town, subscribe, for_nobody),
        NotFound,
        "RESOURCE_NOT_FOUND",
    ));
    let status = refused!(town, unsubscribe, end(&nothing, ""));
    cases.push(("no subscription", status, NotFound, "RESOURCE_NOT_FOUND"));
    let twice = register("Farsta igen", "districtBoards/farsta");
    let status = refused!(town, register_subscriber, twice);
    cases.push(("twice", status, AlreadyExists, "SUBSCRIBER_EXISTS"));
    let status = refused!(town, unsubscribe, end(&subscription.name, "\"9\""));
    cases.push(("stale", status, Aborted, "STALE_ETAG"));
    let request = town
        .bed
        .request(&board("bromma"), end(&subscription.name, ""));
    let status = town
        .client()
        .unsubscribe(request)
        .await
        .expect_err("another's");
    cases.push(("another's", status, PermissionDenied, "NOT_YOUR_OWN"));
    let reader = Principal::of("a system").with_role(Role::SystemReader);
    let request = town.bed.request(&reader, end(&subscription.name, ""));
    let status = town
        .client()
        .unsubscribe(request)
        .await
        .expect_err("a reader");
    cases.push(("a reader", status, PermissionDenied, "ROLE_NOT_ALLOWED"));
    let request = tonic::Request::new(end(&subscription.name, ""));
    let status = town
        .client()
        .unsubscribe(request)
        .await
        .expect_err("nobody known");
    cases.push(("without a token", status, Unauthenticated, "TOKEN_MISSING"));
    check(&cases);
    assert_eq!(town.written().await, before);

    let ended = end(&subscription.name, &subscription.etag);
    let request = town.bed.request(&officer(), ended.clone());
    town.client().unsubscribe(request).await.expect("ended");
    let before = town.written().await;
    let other = UnsubscribeRequest {
        etag: String::new(),
        ..ended
    };
    let cases = [
        (
            "another body",
            refused!(town, unsubscribe, other),
            FailedPrecondition,
            "REQUEST_ID_REUSED",
        ),
        (
            "ended already",
            refused!(town, unsubscribe, end(&subscription.name, "")),
            FailedPrecondition,
            "SUBSCRIPTION_ENDED",
        ),
    ];
    check(&cases);
    assert_eq!(town.written().await, before);
    town.bed.end().await;
}

#[tokio::test]
async fn a_subscriber_has_a_hundred_subscriptions_at_most() {
    let town = Town::start("a-hundred").await;
    let subscriber = town.register("farsta").await.name;
    for _ in 0..100 {
        town.subscribe(&subscriber, SubscriptionFilter::default())
            .await;
    }
    let one_more = subscribe(&subscriber, SubscriptionFilter::default());
    let status = refused!(town, subscribe, one_more);
    check(&[(
        "one more",
        status,
        FailedPrecondition,
        "TOO_MANY_SUBSCRIPTIONS",
    )]);
    town.bed.end().await;
}

async fn cursor(town: &Town, subscriber: &str) -> String {
    let request = PullNotificationsRequest {
        subscriber: subscriber.to_owned(),
        ..Default::default()
    };
    let request = town.bed.request(&officer(), request);
    let response = town
        .client()
        .pull_notifications(request)
        .await
        .expect("pulled");
    response.into_inner().next_cursor
}

async fn end_of_stream(
    mut client: Client,
    request: tonic::Request<StreamNotificationsRequest>,
) -> Status {
    match client.stream_notifications(request).await {
        Ok(stream) => stream.into_inner().message().await.expect_err("refused"),
        Err(status) => status,
    }
}
