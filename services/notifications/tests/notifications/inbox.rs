//! Who is told of what, once; and how an inbox is read.

use std::collections::BTreeSet;

use handslag_notifications::store::notifications::one_at_a_time;
use handslag_platform::messaging;
use handslag_proto::{
    common::v1::{EventScope, Severity},
    events::v1::{ActionProgressed, AreaCreated, FigureReported, OrganisationRegistered},
    notifications::v1::{
        AckNotificationsRequest, ListNotificationsRequest, Notification,
        PreviewSubscriptionRequest, PullNotificationsRequest, SubscriptionFilter,
        UnsubscribeRequest,
    },
};

use crate::town::{BOARDS, Town, board, follow_up, fresh, id, of_type, officer, publish};

fn positions(notifications: &[Notification]) -> Vec<i64> {
    notifications.iter().map(|one| one.position).collect()
}

#[tokio::test]
async fn each_board_is_told_once_of_what_matches_however_often_it_is_delivered() {
    let town = Town::start("told-once").await;
    let mut inboxes = Vec::new();
    for code in BOARDS {
        let subscriber = town.register(code).await.name;
        // Two subscriptions that match the same event.
        town.subscribe(&subscriber, SubscriptionFilter::default())
            .await;
        town.subscribe(&subscriber, of_type("se.handslag.commitments."))
            .await;
        inboxes.push((code, subscriber));
    }
    town.open_follow_up(2013).await;
    town.deliberate("farsta").await;
    town.deliberate("bromma").await;
    for (code, subscriber) in &inboxes {
        let own = usize::from(["farsta", "bromma"].contains(code));
        let told = town.wait_for(subscriber, 1 + own).await;
        assert_eq!(told.len(), 1 + own, "{code}");
    }

    // Every event again: the marks are forgotten and the producer's log is replayed.
    let marks = town.count("inbox_mark").await;
    let mut tx = town.bed.database().begin_task().await.expect("begun");
    messaging::rebuild(&mut tx, "commitments")
        .await
        .expect("forgotten");
    tx.commit_task().await.expect("committed");
    assert_eq!(town.count("inbox_mark").await, marks - 3);
    town.bed
        .eventually(|| async { town.count("inbox_mark").await == marks })
        .await;

    for (code, subscriber) in &inboxes {
        let told = town.inbox(subscriber).await;
        let own = ["farsta", "bromma"].contains(code);
        assert_eq!(
            positions(&told),
            if own { vec![1, 2] } else { vec![1] },
            "{code}"
        );
        let concerned: BTreeSet<&str> = told
            .iter()
            .map(|one| one.district_board.as_str())
            .filter(|board| !board.is_empty())
            .collect();
        let expected = if own {
            vec![format!("districtBoards/{code}")]
        } else {
            vec![]
        };
        assert_eq!(
            concerned.into_iter().collect::<Vec<_>>(),
            expected,
            "{code}"
        );
    }
    town.bed.end().await;
}

#[tokio::test]
async fn what_comes_in_a_crowd_is_told_in_its_order_and_once() {
    let town = Town::start("crowd").await;
    let all = town.register_office("allt").await.name;
    town.subscribe(&all, SubscriptionFilter::default()).await;
    let board = town.register("farsta").await.name;
    town.subscribe(&board, of_type("se.handslag.commitments."))
        .await;
    // Whoever fills inboxes keeps the others waiting: the first is heard, and the rest comes together.
    let mut other = town.bed.database().begin_task().await.expect("begun");
    one_at_a_time(&mut other).await.expect("alone");
    let said: Vec<i32> = (2013..2053).collect();
    for year in &said {
        town.open_follow_up(*year).await;
    }
    town.deliberate("bromma").await;
    other.commit_task().await.expect("let go");

    let told = town.wait_for(&all, said.len() + 1).await;
    let own = town.wait_for(&board, said.len()).await;
    // Of another board's deliberation the board hears nothing.
    assert_eq!(own.len(), said.len());
    for inbox in [&told[..said.len()], &own[..]] {
        let subjects = inbox.iter().map(|one| one.subject.clone());
        let years = said.iter().map(|year| follow_up(*year));
        assert!(subjects.eq(years), "in the order of the log");
    }
    assert!(positions(&told).into_iter().eq(1..=41));
    assert!(positions(&own).into_iter().eq(1..=40));
    town.bed.end().await;
}

#[tokio::test]
async fn a_filter_decides_by_type_area_agreement_and_severity() {
    let town = Town::start("filters").await;
    let agreement = format!("agreements/{}", id(7));
    let cases = [
        ("everything", SubscriptionFilter::default(), 3),
        ("registry only", of_type("se.handslag.registry."), 2),
        (
            "one area, or all",
            SubscriptionFilter {
                areas: vec!["areas/aldre".into()],
                ..Default::default()
            },
            2,
        ),
        (
            "one agreement",
            SubscriptionFilter {
                agreements: vec![agreement.clone()],
                ..Default::default()
            },
            1,
        ),
        (
            "a notice at least",
            SubscriptionFilter {
                minimum_severity: Severity::Notice.into(),
                ..Default::default()
            },
            2,
        ),
    ];
    let mut offices = Vec::new();
    for (name, filter, count) in cases {
        let subscriber = town.register_office(name).await.name;
        town.subscribe(&subscriber, filter).await;
        offices.push((name, subscriber, count));
    }
    let scope = |agreement: &str, areas: &[&str]| {
        Some(EventScope {
            agreement: agreement.to_owned(),
            areas: areas.iter().map(|&area| area.to_owned()).collect(),
            district_board: String::new(),
        })
    };
    let social = AreaCreated {
        scope: scope("", &["areas/social"]),
        ..Default::default()
    };
    publish(&town.bed, "social", 1, "areas/social", social).await;
    let figure = FigureReported {
        scope: scope(&agreement, &["areas/social", "areas/aldre"]),
        ..Default::default()
    };
    publish(&town.bed, "a", 1, "figures/a", figure).await;
    town.open_follow_up(2013).await;
    for (name, subscriber, count) in offices {
        town.wait_for(&subscriber, count).await;
        town.bed
            .eventually(|| async { town.count("event").await == 14 + 3 })
            .await;
        assert_eq!(town.inbox(&subscriber).await.len(), count, "{name}");
    }
    town.bed.end().await;
}

#[tokio::test]
async fn positions_have_no_hole_and_follow_each_aggregate_under_two_producers() {
    const EACH: i64 = 40;
    let town = Town::start("positions").await;
    let mut offices = Vec::new();
    for name in ["ett", "två", "tre"] {
        let subscriber = town.register_office(name).await.name;
        town.subscribe(&subscriber, SubscriptionFilter::default())
            .await;
        offices.push(subscriber);
    }
    for version in 1..=EACH {
        let progressed = ActionProgressed::default();
        publish(&town.bed, "a", version, "actions/a", progressed).await;
        let name = format!(
            "organisations/{}",
            id(version.try_into().expect("positive"))
        );
        publish(
            &town.bed,
            &name,
            1,
            &name,
            OrganisationRegistered::default(),
        )
        .await;
    }
    let all = usize::try_from(2 * EACH).expect("small");
    for subscriber in &offices {
        let told = town.wait_for(subscriber, all).await;
        assert_eq!(positions(&told), (1..=2 * EACH).collect::<Vec<_>>());
        let events: BTreeSet<&str> = told.iter().map(|one| one.event_id.as_str()).collect();
        assert_eq!(events.len(), all);
        let versions: Vec<i64> = told
            .iter()
            .filter(|one| one.subject == "actions/a")
            .map(|one| one.subject_version)
            .collect();
        assert_eq!(versions, (1..=EACH).collect::<Vec<_>>());
    }
    town.bed.end().await;
}

#[tokio::test]
async fn the_pages_of_an_inbox_are_walked_once_newest_first() {
    let town = Town::start("pages").await;
    let subscriber = town.register("farsta").await.name;
    town.subscribe(&subscriber, SubscriptionFilter::default())
        .await;
    for year in 2013..2023 {
        town.open_follow_up(year).await;
    }
    town.wait_for(&subscriber, 10).await;
    let mut walked = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListNotificationsRequest {
            subscriber: subscriber.clone(),
            page_size: 3,
            page_token,
            ..Default::default()
        };
        let request = town.bed.request(&board("farsta"), request);
        let page = town
            .client()
            .list_notifications(request)
            .await
            .expect("a page")
            .into_inner();
        assert_eq!(page.unacknowledged_count, 10);
        walked.extend(positions(&page.notifications));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(walked, (1..=10).rev().collect::<Vec<_>>());
    town.bed.end().await;
}

#[tokio::test]
async fn a_system_pulls_from_its_cursor_and_acknowledges() {
    let town = Town::start("pull").await;
    let subscriber = town.register("farsta").await.name;
    town.subscribe(&subscriber, SubscriptionFilter::default())
        .await;
    for year in 2013..2018 {
        town.open_follow_up(year).await;
    }
    town.wait_for(&subscriber, 5).await;
    let pull = async |cursor: &str| {
        let request = PullNotificationsRequest {
            subscriber: subscriber.clone(),
            cursor: cursor.to_owned(),
            limit: 2,
        };
        let request = town.bed.request(&board("farsta"), request);
        town.client()
            .pull_notifications(request)
            .await
            .expect("pulled")
            .into_inner()
    };
    let acknowledge = async |up_to_position| {
        let request = AckNotificationsRequest {
            subscriber: subscriber.clone(),
            up_to_position,
        };
        let request = town.bed.request(&board("farsta"), request);
        let response = town
            .client()
            .ack_notifications(request)
            .await
            .expect("acknowledged");
        response.into_inner().acknowledged_up_to
    };
    let first = pull("").await;
    assert_eq!(
        (positions(&first.notifications), first.more),
        (vec![1, 2], true)
    );
    let second = pull(&first.next_cursor).await;
    assert_eq!(
        (positions(&second.notifications), second.more),
        (vec![3, 4], true)
    );
    let third = pull(&second.next_cursor).await;
    assert_eq!(
        (positions(&third.notifications), third.more),
        (vec![5], false)
    );
    let nothing = pull(&third.next_cursor).await;
    assert_eq!((nothing.notifications.len(), nothing.more), (0, false));
    assert_eq!(nothing.next_cursor, third.next_cursor);

    assert_eq!(acknowledge(3).await, 3);
    assert_eq!(
        acknowledge(1).await,
        3,
        "an older acknowledgement changes nothing"
    );
    let rest = pull("").await;
    assert_eq!(positions(&rest.notifications), [4, 5]);
    let request = ListNotificationsRequest {
        subscriber: subscriber.clone(),
        unacknowledged_only: true,
        ..Default::default()
    };
    let request = town.bed.request(&board("farsta"), request);
    let open = town
        .client()
        .list_notifications(request)
        .await
        .expect("listed")
        .into_inner();
    assert_eq!(
        (positions(&open.notifications), open.unacknowledged_count),
        (vec![5, 4], 2)
    );
    let acknowledged: Vec<bool> = town
        .inbox(&subscriber)
        .await
        .iter()
        .map(|one| one.acknowledged)
        .collect();
    assert_eq!(acknowledged, [true, true, true, false, false]);
    town.bed.end().await;
}

#[tokio::test]
async fn a_subscription_tells_from_its_beginning_to_its_end_and_the_preview_shows_what_was_before()
{
    let town = Town::start("interval").await;
    let subscriber = town.register("farsta").await.name;
    town.open_follow_up(2013).await;
    town.deliberate("farsta").await;
    town.deliberate("bromma").await;
    town.bed
        .eventually(|| async { town.count("event").await == 17 })
        .await;
    let of_commitments = of_type("se.handslag.commitments.");
    let request = PreviewSubscriptionRequest {
        subscriber: subscriber.clone(),
        filter: Some(of_commitments.clone()),
        limit: 0,
    };
    let request = town.bed.request(&board("farsta"), request);
    let preview = town
        .client()
        .preview_subscription(request)
        .await
        .expect("shown")
        .into_inner();
    assert_eq!(preview.examined, 17);
    let shown: Vec<&str> = preview
        .notifications
        .iter()
        .map(|one| one.title.as_ref().map_or("", |title| title.sv.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            "farsta stadsdelsnämnd: nämnden har diskuterat överenskommelsens principer.",
            "Årets uppföljning har öppnats: parterna lämnar nu sina redovisningar.",
        ]
    );
    assert!(
        preview
            .notifications
            .iter()
            .all(|one| one.position == 0 && one.name.is_empty())
    );

    let subscription = town.subscribe(&subscriber, of_commitments).await;
    town.open_follow_up(2014).await;
    town.wait_for(&subscriber, 1).await;
    let request = UnsubscribeRequest {
        request_id: fresh(),
        subscription: subscription.name,
        etag: subscription.etag,
    };
    let request = town.bed.request(&officer(), request);
    let ended = town
        .client()
        .unsubscribe(request)
        .await
        .expect("ended")
        .into_inner();
    assert!(!ended.subscription.expect("a subscription").active);
    town.open_follow_up(2015).await;
    town.bed
        .eventually(|| async { town.count("event").await == 19 })
        .await;
    let told = town.inbox(&subscriber).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].link, format!("/uppfoljning/{}", id(2014)));
    town.bed.end().await;
}
