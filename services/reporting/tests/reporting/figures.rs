//! The curve of signatories and the counts of commitments and actions.

use handslag_proto::events::v1 as events;
use handslag_proto::reporting::v1::{
    GetCommitmentFiguresRequest, GetCommitmentFiguresResponse, GetSignatoriesOverTimeRequest,
};
use time::macros::datetime;

use crate::town::{Town, agreement, day, name};

type Point = (i32, i32, i32, i32, i32);

async fn points(town: &Town, request: GetSignatoriesOverTimeRequest) -> Vec<Point> {
    let answer = town.curve(request).await;
    answer
        .points
        .iter()
        .map(|point| {
            let day = point.day.expect("a day");
            (day.year, day.month, day.day, point.signed, point.decided)
        })
        .collect()
}

fn over_time() -> GetSignatoriesOverTimeRequest {
    GetSignatoriesOverTimeRequest {
        agreement: agreement(),
        ..Default::default()
    }
}

async fn counts(town: &Town, area: &str, exclude_examples: bool) -> GetCommitmentFiguresResponse {
    let request = GetCommitmentFiguresRequest {
        agreement: agreement(),
        area: area.to_owned(),
        exclude_examples,
    };
    town.client()
        .get_commitment_figures(request)
        .await
        .expect("figures")
        .into_inner()
}

fn numbers(counts: &[handslag_proto::reporting::v1::StateCount]) -> Vec<i32> {
    counts.iter().map(|one| one.count).collect()
}

#[tokio::test]
async fn the_curve_steps_where_organisations_join_and_leave() {
    let town = Town::with_the_record("curve").await;
    assert_eq!(
        points(&town, over_time()).await,
        [
            (2012, 9, 20, 2, 2),
            (2012, 10, 1, 3, 3),
            // Known to the month: it counts from the month's last day.
            (2012, 11, 30, 3, 4),
            (2013, 3, 15, 4, 4),
            (2014, 1, 10, 3, 3),
            (2026, 9, 1, 3, 3),
        ]
    );
    let window = GetSignatoriesOverTimeRequest {
        from: day(2012, 12, 1),
        to: day(2013, 12, 31),
        ..over_time()
    };
    assert_eq!(
        points(&town, window).await,
        [
            (2012, 12, 1, 3, 4),
            (2013, 3, 15, 4, 4),
            (2013, 12, 31, 4, 4)
        ]
    );
    town.bed.end().await;
}

#[tokio::test]
async fn examples_are_left_out_on_demand() {
    let town = Town::with_the_record("examples").await;
    let real = GetSignatoriesOverTimeRequest {
        from: day(2012, 1, 1),
        to: day(2012, 12, 31),
        exclude_examples: true,
        ..over_time()
    };
    assert_eq!(
        points(&town, real).await,
        [
            (2012, 1, 1, 0, 0),
            (2012, 9, 20, 2, 2),
            (2012, 11, 30, 2, 3),
            (2012, 12, 31, 2, 3)
        ]
    );
    assert_eq!(
        numbers(&counts(&town, "", false).await.commitments),
        [1, 1, 0]
    );
    let real = counts(&town, "", true).await;
    assert_eq!(numbers(&real.commitments), [1, 0, 0]);
    assert_eq!(numbers(&real.actions), [0, 0, 0, 0]);
    town.bed.end().await;
}

#[tokio::test]
async fn what_sources_report_is_never_mixed_with_what_is_counted() {
    let town = Town::with_the_record("reported").await;
    let answer = town.curve(over_time()).await;
    let reported: Vec<_> = answer
        .reported_figures
        .iter()
        .map(|one| (one.measure.as_str(), one.value))
        .collect();
    assert_eq!(
        reported,
        [
            ("took_part", 100),
            ("signed_at_ceremony", 60),
            ("decided_to_join", 70),
            ("decided_to_join", 72),
        ]
    );
    assert!(
        answer.points.iter().all(|point| point.decided <= 4),
        "counted: four organisations"
    );
    town.bed.end().await;
}

#[tokio::test]
async fn commitments_and_actions_count_in_their_areas_and_age() {
    let town = Town::with_the_record("areas").await;
    let all = counts(&town, "", false).await;
    assert_eq!(numbers(&all.commitments), [1, 1, 0]);
    assert_eq!(numbers(&all.actions), [0, 1, 0, 0]);
    assert_eq!(all.overdue_actions, 1, "its last day was in 2014");
    let ageing = counts(&town, "areas/aldre", false).await;
    assert_eq!(
        numbers(&ageing.commitments),
        [0, 1, 0],
        "the joint one concerns every area"
    );

    let body = events::ActionDeadlineMoved {
        scope: None,
        action: name("actions", 21),
        due_on: day(2027, 1, 31),
        reason: "Mer tid".to_owned(),
    };
    town.tell(&name("actions", 21), datetime!(2026-08-01 10:00 UTC), body)
        .await;
    town.heard().await;
    assert_eq!(counts(&town, "", false).await.overdue_actions, 0);
    town.bed.end().await;
}

#[tokio::test]
async fn figures_say_as_of_when_they_are() {
    let town = Town::start("fresh").await;
    let before = town.curve(over_time()).await.freshness.expect("freshness");
    town.joins(7, "signed", crate::town::partial(2026, 8, 1), false)
        .await;
    town.heard().await;
    let after = town.curve(over_time()).await.freshness.expect("freshness");
    assert_eq!(after.events, before.events + 1);
    assert_eq!(
        after.as_of.expect("a time").seconds,
        datetime!(2026-03-02 09:30 UTC).unix_timestamp()
    );
    town.bed.end().await;
}
