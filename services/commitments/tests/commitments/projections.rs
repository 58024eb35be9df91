//! What the registry's events leave here, however they come.

use handslag_proto::events::v1 as events;
use tonic::Code;

use crate::town::{Town, agreement, city, drafted, proposal, texts};

fn adopted(edition: i32, areas: &[&str]) -> events::AgreementAdopted {
    events::AgreementAdopted {
        scope: None,
        agreement: agreement(3),
        edition,
        decided_on: None,
        principles: drafted(3, &[]).principles,
        areas: texts(areas),
        term_starts_on: None,
        term_ends_on: None,
    }
}

#[tokio::test]
async fn events_twice_and_out_of_order_leave_the_projection_right() {
    let town = Town::start("projections").await;
    let id = &agreement(3)[11..];
    town.hear(id, 3, adopted(2, &["areas/social", "areas/kultur"]))
        .await;
    town.hear(id, 2, adopted(1, &["areas/social"])).await;
    town.hear(id, 1, drafted(3, &["areas/aldre"])).await;
    let latest = || async {
        town.number("SELECT count(*) FROM agreement WHERE edition = 2")
            .await
            == 1
    };
    town.bed.eventually(latest).await;
    town.hear(id, 1, drafted(3, &["areas/aldre"])).await;
    town.hear(id, 2, adopted(1, &["areas/social"])).await;
    // A later event of another aggregate in the same queue: what came before has been seen.
    let area = "areas/idrott".to_owned();
    let body = events::AreaCreated {
        scope: None,
        area,
        title: crate::town::title("Idrott"),
    };
    town.hear("idrott", 1, body).await;
    let seen = || async {
        town.number("SELECT count(*) FROM area WHERE code = 'idrott'")
            .await
            == 1
    };
    town.bed.eventually(seen).await;
    let right = "SELECT count(*) FROM agreement
        WHERE edition = 2 AND areas = ARRAY['social', 'kultur']";
    assert_eq!(town.number(right).await, 1);

    // Culture is in by data alone, and what is not the agreement's is still refused.
    let mut request = proposal(&["parties/sector"]);
    (request.agreement, request.area) = (agreement(3), "areas/kultur".to_owned());
    town.done(&city(), request.clone()).await;
    request.area = "areas/aldre".to_owned();
    let fields = [("area", "UNKNOWN_AREA")];
    town.refuses(
        &city(),
        request,
        Code::InvalidArgument,
        "INVALID_REQUEST",
        &fields,
    )
    .await;
    town.bed.end().await;
}

#[tokio::test]
async fn an_agreement_that_is_on_its_way_is_known_a_moment_later() {
    let town = Town::start("on-its-way").await;
    let mut request = proposal(&["parties/sector"]);
    request.agreement = agreement(3);
    assert!(town.ask(&city(), request.clone()).await.is_err());
    town.hear(&agreement(3)[11..], 1, drafted(3, &["areas/social"]))
        .await;
    let known = || async { town.ask(&city(), request.clone()).await.is_ok() };
    town.bed.eventually(known).await;
    town.bed.end().await;
}
