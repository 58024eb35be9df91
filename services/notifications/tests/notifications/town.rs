//! The service with fourteen district boards, and what tests do with it.

use handslag_notifications::Notifications;
use handslag_platform::{
    auth::{Principal, Role},
    config::Config,
    etag::Version,
    messaging::outbox,
    testing::Bed,
};
use handslag_proto::{
    EventMessage,
    common::v1::{EventScope, LocalizedText},
    events::v1::{DeliberationRecorded, DistrictBoardCreated, FollowUpOpened},
    notifications::v1::{
        ListNotificationsRequest, Notification, RegisterSubscriberRequest, SubscribeRequest,
        Subscriber, Subscription, SubscriptionFilter,
        notifications_service_client::NotificationsServiceClient,
    },
};
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

/// The district boards of 2012.
pub(crate) const BOARDS: [&str; 14] = [
    "bromma",
    "enskede-arsta-vantor",
    "farsta",
    "hagersten-liljeholmen",
    "hasselby-vallingby",
    "kungsholmen",
    "norrmalm",
    "rinkeby-kista",
    "skarpnack",
    "skarholmen",
    "spanga-tensta",
    "sodermalm",
    "alvsjo",
    "ostermalm",
];

/// The follow-up of a year.
pub(crate) fn follow_up(year: i32) -> String {
    format!("followUps/{}", id(u128::try_from(year).expect("a year")))
}

pub(crate) type Client = NotificationsServiceClient<Channel>;

pub(crate) struct Town {
    pub(crate) bed: Bed,
}

impl Town {
    pub(crate) async fn start(name: &str) -> Self {
        Self::start_with(name, |config| config).await
    }

    /// Starts the service and has the registry tell of the boards.
    pub(crate) async fn start_with(name: &str, configure: impl FnOnce(Config) -> Config) -> Self {
        let bed = Bed::start_with::<Notifications>(name, configure).await;
        for code in BOARDS {
            let board = format!("districtBoards/{code}");
            let body = DistrictBoardCreated {
                scope: Some(EventScope {
                    district_board: board.clone(),
                    ..Default::default()
                }),
                district_board: board.clone(),
                title: Some(LocalizedText {
                    sv: format!("{code} stadsdelsnämnd"),
                    en: format!("{code} district board"),
                }),
                established_on: None,
            };
            publish(&bed, code, 1, &board, body).await;
        }
        let town = Self { bed };
        town.bed
            .eventually(|| async { town.count("district_board").await == 14 })
            .await;
        town
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.bed.channel())
    }

    /// Registers a board as the city does.
    pub(crate) async fn register(&self, code: &str) -> Subscriber {
        let request = RegisterSubscriberRequest {
            request_id: fresh(),
            display_name: format!("{code} stadsdelsnämnd"),
            district_board: format!("districtBoards/{code}"),
        };
        let request = self.bed.request(&officer(), request);
        let response = self
            .client()
            .register_subscriber(request)
            .await
            .expect("registered");
        response.into_inner().subscriber.expect("a subscriber")
    }

    /// Registers an office that is no board.
    pub(crate) async fn register_office(&self, display_name: &str) -> Subscriber {
        let request = RegisterSubscriberRequest {
            request_id: fresh(),
            display_name: display_name.to_owned(),
            district_board: String::new(),
        };
        let request = self.bed.request(&officer(), request);
        let response = self
            .client()
            .register_subscriber(request)
            .await
            .expect("registered");
        response.into_inner().subscriber.expect("a subscriber")
    }

    pub(crate) async fn subscribe(
        &self,
        subscriber: &str,
        filter: SubscriptionFilter,
    ) -> Subscription {
        let request = SubscribeRequest {
            request_id: fresh(),
            subscriber: subscriber.to_owned(),
            filter: Some(filter),
        };
        let request = self.bed.request(&officer(), request);
        let response = self.client().subscribe(request).await.expect("subscribed");
        response.into_inner().subscription.expect("a subscription")
    }

    /// Everything in an inbox, oldest first.
    pub(crate) async fn inbox(&self, subscriber: &str) -> Vec<Notification> {
        let request = ListNotificationsRequest {
            subscriber: subscriber.to_owned(),
            page_size: 500,
            ..Default::default()
        };
        let request = self.bed.request(&officer(), request);
        let response = self
            .client()
            .list_notifications(request)
            .await
            .expect("listed");
        let mut notifications = response.into_inner().notifications;
        notifications.reverse();
        notifications
    }

    pub(crate) async fn wait_for(&self, subscriber: &str, count: usize) -> Vec<Notification> {
        self.bed
            .eventually(|| async { self.inbox(subscriber).await.len() >= count })
            .await;
        self.inbox(subscriber).await
    }

    /// Opens the follow-up of a year: concerns all.
    pub(crate) async fn open_follow_up(&self, year: i32) {
        let subject = follow_up(year);
        let body = FollowUpOpened {
            follow_up: subject.clone(),
            year,
            ..Default::default()
        };
        publish(&self.bed, &subject, 1, &subject, body).await;
    }

    /// A board discusses the principles: concerns that board.
    pub(crate) async fn deliberate(&self, code: &str) {
        let subject = format!(
            "deliberations/{}",
            id(handslag_platform::id::new().as_u128())
        );
        let board = format!("districtBoards/{code}");
        let body = DeliberationRecorded {
            scope: Some(EventScope {
                district_board: board.clone(),
                ..Default::default()
            }),
            deliberation: subject.clone(),
            district_board: board,
            ..Default::default()
        };
        publish(&self.bed, &subject, 1, &subject, body).await;
    }

    /// How many rows a table has, for what no RPC says: that nothing was written.
    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let sql = match table {
            "district_board" => "SELECT count(*) FROM district_board",
            "event" => "SELECT count(*) FROM event",
            "inbox_mark" => "SELECT count(*) FROM inbox_mark",
            "notification" => "SELECT count(*) FROM notification",
            "outbox" => "SELECT count(*) FROM outbox",
            "request_log" => "SELECT count(*) FROM request_log",
            "subscriber" => "SELECT count(*) FROM subscriber",
            "subscription" => "SELECT count(*) FROM subscription",
            other => panic!("no count of {other}"),
        };
        sqlx::query_scalar(sql)
            .fetch_one(self.bed.database().pool())
            .await
            .expect("a count")
    }

    /// Everything that this service writes for callers.
    pub(crate) async fn written(&self) -> [i64; 4] {
        [
            self.count("subscriber").await,
            self.count("subscription").await,
            self.count("outbox").await,
            self.count("request_log").await,
        ]
    }
}

pub(crate) async fn publish<E: EventMessage>(
    bed: &Bed,
    aggregate_id: &str,
    version: i64,
    subject: &str,
    body: E,
) {
    bed.publish(outbox::Event {
        aggregate_id: aggregate_id.to_owned(),
        version: Version(version),
        subject: subject.to_owned(),
        actor: "somebody".to_owned(),
        time: bed.clock().now(),
        body,
    })
    .await;
}

pub(crate) fn officer() -> Principal {
    Principal::of("an officer").with_role(Role::CityOfficer)
}

pub(crate) fn board(code: &str) -> Principal {
    let mut board = Principal::of(format!("board {code}")).with_role(Role::DistrictBoard);
    board.district = Some(code.to_owned());
    board
}

/// A new `request_id`.
pub(crate) fn fresh() -> String {
    handslag_platform::id::new().to_string()
}

/// An id as it stands in names.
pub(crate) fn id(number: u128) -> String {
    handslag_platform::id::encode(uuid::Uuid::from_u128(number))
}

pub(crate) fn of_type(event_type: &str) -> SubscriptionFilter {
    SubscriptionFilter {
        event_types: vec![event_type.to_owned()],
        ..Default::default()
    }
}

/// The reason of an error, with the fields that are violated and why: `INVALID_REQUEST
/// name:FIELD_REQUIRED`.
pub(crate) fn reason(status: &tonic::Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().expect("every error has an ErrorInfo");
    assert_eq!(info.domain, "handslag");
    let swedish = details
        .localized_message()
        .expect("every error has a Swedish message");
    assert_eq!(swedish.locale, "sv");
    assert!(!swedish.message.is_empty());
    let mut text = info.reason.clone();
    for violation in details
        .bad_request()
        .map(|one| &one.field_violations)
        .into_iter()
        .flatten()
    {
        text.push_str(&format!(" {}:{}", violation.field, violation.reason));
    }
    text
}
