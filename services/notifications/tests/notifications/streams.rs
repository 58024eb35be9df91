//! Streams: old ones first, then new ones, over restarts, without loss or double.

use std::sync::{Arc, Mutex};

use handslag_notifications::Notifications;
use handslag_platform::{Running, authorities::http_client, config::Config, run::start_at};
use handslag_proto::notifications::v1::{
    PullNotificationsRequest, PullNotificationsResponse, StreamNotificationsRequest,
    StreamNotificationsResponse, SubscriptionFilter,
};
use tonic::{Code, Streaming, transport::Endpoint};

use crate::town::{Client, Town, board, reason};

async fn open(
    town: &Town,
    mut client: Client,
    subscriber: &str,
    resume_token: &str,
) -> Streaming<StreamNotificationsResponse> {
    let request = StreamNotificationsRequest {
        subscriber: subscriber.to_owned(),
        resume_token: resume_token.to_owned(),
    };
    let request = town.bed.request(&board("farsta"), request);
    client
        .stream_notifications(request)
        .await
        .expect("a stream")
        .into_inner()
}

/// The next notification's position, and the token after it.
async fn next(stream: &mut Streaming<StreamNotificationsResponse>) -> (i64, String) {
    loop {
        let item = stream
            .message()
            .await
            .expect("goes on")
            .expect("does not end");
        if let Some(notification) = item.notification {
            return (notification.position, item.resume_token);
        }
    }
}

/// A further replica of the service on the bed's database and broker.
async fn replica(town: &Town, config: &Config) -> (Running, Client) {
    let running = start_at::<Notifications>(config.clone(), town.bed.clock().clone())
        .await
        .expect("a replica");
    let endpoint = Endpoint::from_shared(format!("http://{}", running.grpc_address));
    let channel = endpoint
        .expect("an address")
        .connect()
        .await
        .expect("connects");
    (running, Client::new(channel))
}

/// How many deliveries over a channel were counted, and how many of them took at most a second.
async fn deliveries(town: &Town, channel: &str) -> (u64, u64) {
    let address = format!("http://{}/metrics", town.bed.running().admin_address);
    let client = http_client(None).expect("trust").build().expect("a client");
    let page = client.get(address).send().await.expect("answers");
    let text = page.text().await.expect("a text");
    let count = |name: &str, label: &str| {
        let wanted = format!("channel=\"{channel}\"");
        let line = text
            .lines()
            .find(|line| line.starts_with(name) && line.contains(&wanted) && line.contains(label));
        line.and_then(|line| line.rsplit(' ').next())
            .map_or(0, |count| count.parse().expect("a number"))
    };
    (
        count("handslag_delivery_duration_seconds_count", ""),
        count("handslag_delivery_duration_seconds_bucket", "le=\"1\""),
    )
}

#[tokio::test]
async fn what_comes_while_somebody_listens_is_counted_with_the_time_it_took() {
    let town = Town::start("delivery").await;
    let subscriber = town.register("farsta").await.name;
    town.subscribe(&subscriber, SubscriptionFilter::default())
        .await;
    town.open_follow_up(2013).await;
    town.wait_for(&subscriber, 1).await;
    let mut stream = open(&town, town.client(), &subscriber, "").await;
    assert_eq!(next(&mut stream).await.0, 1);
    assert_eq!(deliveries(&town, "stream").await, (0, 0), "it was away");
    town.open_follow_up(2014).await;
    assert_eq!(next(&mut stream).await.0, 2);
    assert_eq!(deliveries(&town, "stream").await, (1, 1));
    drop(stream);

    // An hour later both are pulled.
    let clock = town.bed.clock();
    clock.set(clock.now() + time::Duration::hours(1));
    let request = PullNotificationsRequest {
        subscriber: subscriber.clone(),
        ..Default::default()
    };
    let request = town.bed.request(&board("farsta"), request);
    let pulled = town.client().pull_notifications(request).await;
    assert_eq!(pulled.expect("pulled").into_inner().notifications.len(), 2);
    assert_eq!(deliveries(&town, "pull").await, (2, 0));
    town.bed.end().await;
}

#[tokio::test]
async fn old_ones_come_first_and_new_ones_as_they_come() {
    let town = Town::start("stream").await;
    let subscriber = town.register("farsta").await.name;
    town.subscribe(&subscriber, SubscriptionFilter::default())
        .await;
    town.open_follow_up(2013).await;
    town.open_follow_up(2014).await;
    town.wait_for(&subscriber, 2).await;
    let mut stream = open(&town, town.client(), &subscriber, "").await;
    let (first, token) = next(&mut stream).await;
    assert_eq!((first, next(&mut stream).await.0), (1, 2));
    town.open_follow_up(2015).await;
    assert_eq!(next(&mut stream).await.0, 3);
    // A second listener resumes after the first notification.
    let mut resumed = open(&town, town.client(), &subscriber, &token).await;
    assert_eq!(
        (next(&mut resumed).await.0, next(&mut resumed).await.0),
        (2, 3)
    );
    drop((stream, resumed));
    town.bed.end().await;
}

#[tokio::test]
async fn a_stream_resumes_over_a_restart_without_loss_or_double() {
    let seen: Arc<Mutex<Option<Config>>> = Arc::default();
    let town = Town::start_with("restart", |config| {
        *seen.lock().expect("not poisoned") = Some(config.clone());
        config
    })
    .await;
    let config = seen
        .lock()
        .expect("not poisoned")
        .clone()
        .expect("a configuration");
    let subscriber = town.register("farsta").await.name;
    town.subscribe(&subscriber, SubscriptionFilter::default())
        .await;

    let (running, client) = replica(&town, &config).await;
    let mut stream = open(&town, client, &subscriber, "").await;
    town.open_follow_up(2013).await;
    town.open_follow_up(2014).await;
    let mut told = Vec::new();
    let mut token = String::new();
    for _ in 0..2 {
        let (position, after) = next(&mut stream).await;
        told.push(position);
        token = after;
    }
    let stopping = tokio::spawn(running.stop());
    let end = loop {
        match stream.message().await {
            Ok(Some(_heartbeat)) => {}
            Ok(None) => panic!("the stream ended without a status"),
            Err(status) => break status,
        }
    };
    assert_eq!(
        (end.code(), reason(&end).as_str()),
        (Code::Unavailable, "SHUTTING_DOWN")
    );
    stopping.await.expect("no panic").expect("stopped in order");

    town.open_follow_up(2015).await;
    town.open_follow_up(2016).await;
    town.wait_for(&subscriber, 4).await;
    let (running, client) = replica(&town, &config).await;
    let mut stream = open(&town, client, &subscriber, &token).await;
    town.open_follow_up(2017).await;
    for _ in 0..3 {
        told.push(next(&mut stream).await.0);
    }
    assert_eq!(told, [1, 2, 3, 4, 5]);
    drop(stream);
    running.stop().await.expect("stopped in order");
    town.bed.end().await;
}

#[tokio::test]
async fn a_silent_stream_says_that_it_lives() {
    let town = Town::start("heartbeat").await;
    let subscriber = town.register("farsta").await.name;
    let mut stream = open(&town, town.client(), &subscriber, "").await;
    let patience = std::time::Duration::from_secs(30);
    let item = tokio::time::timeout(patience, stream.message())
        .await
        .expect("in time");
    let item = item.expect("goes on").expect("does not end");
    assert_eq!(item.notification, None);
    // Its token is as good as that of a notification.
    town.subscribe(&subscriber, SubscriptionFilter::default())
        .await;
    town.open_follow_up(2013).await;
    let mut resumed = open(&town, town.client(), &subscriber, &item.resume_token).await;
    assert_eq!(next(&mut resumed).await.0, 1);
    drop((stream, resumed));
    town.bed.end().await;
}

/// What a restore to an earlier instant leaves: the inbox ends after its first notification, and a
/// new incarnation has begun.
async fn restore_after_the_first(town: &Town) {
    for statement in [
        "DELETE FROM notification WHERE position > 1",
        "UPDATE subscriber SET last_position = 1",
        "INSERT INTO log_incarnation (number, last_seq) VALUES (2, 0)",
    ] {
        sqlx::query(statement)
            .execute(town.bed.database().pool())
            .await
            .expect("restored");
    }
}

async fn pull(town: &Town, subscriber: &str, cursor: &str) -> PullNotificationsResponse {
    let request = PullNotificationsRequest {
        subscriber: subscriber.to_owned(),
        cursor: cursor.to_owned(),
        limit: 0,
    };
    let request = town.bed.request(&board("farsta"), request);
    let answer = town.client().pull_notifications(request).await;
    answer.expect("pulled").into_inner()
}

#[tokio::test]
async fn who_comes_with_a_token_from_before_a_restore_is_set_back_and_told_so() {
    let town = Town::start("restored").await;
    let subscriber = town.register("farsta").await.name;
    town.subscribe(&subscriber, SubscriptionFilter::default())
        .await;
    for year in 2013..2016 {
        town.open_follow_up(year).await;
    }
    town.wait_for(&subscriber, 3).await;
    let mut stream = open(&town, town.client(), &subscriber, "").await;
    let (_, first) = next(&mut stream).await;
    next(&mut stream).await;
    let (_, third) = next(&mut stream).await;
    let cursor = pull(&town, &subscriber, "").await.next_cursor;
    drop(stream);

    restore_after_the_first(&town).await;
    // The inbox grows past where the token stands before its owner comes back.
    for year in 2016..2019 {
        town.open_follow_up(year).await;
    }
    let told = town.wait_for(&subscriber, 4).await;
    let mut stream = open(&town, town.client(), &subscriber, &third).await;
    let item = stream.message().await.expect("goes on").expect("an item");
    assert_eq!((item.restored_after, item.notification), (Some(1), None));
    let mut token = item.resume_token;
    for position in 2..=4 {
        let (next, after) = next(&mut stream).await;
        assert_eq!(next, position);
        token = after;
    }
    assert_eq!(told.len(), 4);
    // What was given since the restore, or stands where nothing was taken back, is good.
    town.open_follow_up(2019).await;
    let mut resumed = open(&town, town.client(), &subscriber, &token).await;
    assert_eq!(next(&mut resumed).await.0, 5);
    let mut early = open(&town, town.client(), &subscriber, &first).await;
    let item = early.message().await.expect("goes on").expect("an item");
    assert_eq!(item.restored_after, None);

    let pulled = pull(&town, &subscriber, &cursor).await;
    assert_eq!(pulled.restored_after, Some(1));
    let positions: Vec<i64> = pulled
        .notifications
        .iter()
        .map(|one| one.position)
        .collect();
    assert_eq!(positions, [2, 3, 4, 5]);
    let pulled = pull(&town, &subscriber, &pulled.next_cursor).await;
    assert_eq!(
        (pulled.restored_after, pulled.notifications.len()),
        (None, 0)
    );
    drop((stream, resumed, early));
    town.bed.end().await;
}
