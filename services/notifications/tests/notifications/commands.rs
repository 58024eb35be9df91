//! Commands: answered once, one event each, and lists of what they made.

use handslag_proto::notifications::v1::{
    GetSubscriberRequest, ListSubscribersRequest, ListSubscriptionsRequest,
    RegisterSubscriberRequest, SubscribeRequest, SubscriptionFilter, UnsubscribeRequest,
};

use crate::town::{Town, fresh, officer};

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_obeyed_once() {
    let town = Town::start("repeated").await;
    let register = RegisterSubscriberRequest {
        request_id: fresh(),
        display_name: "Farsta stadsdelsnämnd".into(),
        district_board: "districtBoards/farsta".into(),
    };
    let mut answers = Vec::new();
    for _ in 0..2 {
        let request = town.bed.request(&officer(), register.clone());
        let response = town
            .client()
            .register_subscriber(request)
            .await
            .expect("registered");
        answers.push(response.into_inner());
    }
    assert_eq!(answers[0], answers[1]);
    let subscriber = answers[0].subscriber.clone().expect("a subscriber").name;
    let subscribe = SubscribeRequest {
        request_id: fresh(),
        subscriber: subscriber.clone(),
        filter: None,
    };
    // Twins at the same time.
    let (mut one, mut two) = (town.client(), town.client());
    let (one, two) = tokio::join!(
        one.subscribe(town.bed.request(&officer(), subscribe.clone())),
        two.subscribe(town.bed.request(&officer(), subscribe.clone())),
    );
    let (one, two) = (
        one.expect("subscribed").into_inner(),
        two.expect("again").into_inner(),
    );
    assert_eq!(one, two);
    let end = UnsubscribeRequest {
        request_id: fresh(),
        subscription: one.subscription.expect("a subscription").name,
        etag: "\"1\"".into(),
    };
    for _ in 0..2 {
        let request = town.bed.request(&officer(), end.clone());
        town.client()
            .unsubscribe(request)
            .await
            .expect("ended, and answered again");
    }
    assert_eq!(town.count("subscriber").await, 1);
    assert_eq!(town.count("subscription").await, 1);

    // One event for each command, with the subscriber's versions without a hole.
    let events: Vec<(String, i64, String)> =
        sqlx::query_as("SELECT type, version, subject FROM outbox ORDER BY seq")
            .fetch_all(town.bed.database().pool())
            .await
            .expect("the log");
    let changed = "se.handslag.notifications.subscriber.subscription_changed.v1";
    let expected = [
        ("se.handslag.notifications.subscriber.registered.v1", 1),
        (changed, 2),
        (changed, 3),
    ];
    for (event, (event_type, version)) in events.iter().zip(expected) {
        assert_eq!(event, &(event_type.to_owned(), version, subscriber.clone()));
    }
    assert_eq!(events.len(), expected.len());
    let request = GetSubscriberRequest { name: subscriber };
    let request = town.bed.request(&officer(), request);
    let read = town
        .client()
        .get_subscriber(request)
        .await
        .expect("read")
        .into_inner();
    assert_eq!(read.subscriber.expect("a subscriber").etag, "\"3\"");
    town.bed.end().await;
}

#[tokio::test]
async fn subscribers_are_paged_once_in_swedish_order() {
    let town = Town::start("swedish").await;
    let expected = [
        "Arkivet",
        "Biblioteket",
        "Zoo",
        "Ånghuset",
        "Äldrekontoret",
        "Öppna huset",
    ];
    for name in [
        "Öppna huset",
        "Zoo",
        "Biblioteket",
        "Äldrekontoret",
        "Arkivet",
        "Ånghuset",
    ] {
        town.register_office(name).await;
    }
    let mut walked = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListSubscribersRequest {
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let request = town.bed.request(&officer(), request);
        let page = town
            .client()
            .list_subscribers(request)
            .await
            .expect("a page")
            .into_inner();
        assert!(page.subscribers.len() <= 2);
        walked.extend(page.subscribers.into_iter().map(|one| one.display_name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(walked, expected);
    town.bed.end().await;
}

#[tokio::test]
async fn subscriptions_are_paged_once_oldest_first() {
    let town = Town::start("subscriptions").await;
    let subscriber = town.register("farsta").await.name;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(
            town.subscribe(&subscriber, SubscriptionFilter::default())
                .await
                .name,
        );
    }
    let mut walked = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListSubscriptionsRequest {
            subscriber: subscriber.clone(),
            page_size: 2,
            page_token,
        };
        let request = town.bed.request(&officer(), request);
        let page = town
            .client()
            .list_subscriptions(request)
            .await
            .expect("a page")
            .into_inner();
        walked.extend(page.subscriptions.into_iter().map(|one| one.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(walked, made);
    town.bed.end().await;
}
