//! Killed at several moments of the load, then started again: the story completes and every figure is right.

use std::collections::BTreeSet;

use handslag_runner::{
    import::{Callers, Endpoints, invoke},
    issuer::{Issuer, LocalCallers},
    state::CityState,
};
use serde_json::json;

use crate::process::{Home, Up, eventually, read};

/// How many organisations there are when the axe falls; none means during the record.
const MOMENTS: [i64; 3] = [0, 9, 55];

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_load_is_completed_by_the_next_start() {
    let home = Home::new("killed");
    for moment in MOMENTS {
        let mut up = Up::start(&home, 7_700, &[]);
        up.wait_for("Migrating");
        eventually("the load is under way", || async {
            let agreements = read(&home, "registry.ListAgreements", json!({})).await?;
            agreements["agreements"].as_array()?.first()?;
            let page = read(&home, "registry.ListOrganisations", json!({})).await?;
            (page["totalSize"].as_i64().unwrap_or_default() >= moment).then_some(())
        })
        .await;
        up.kill();
    }
    let mut up = Up::start(&home, 7_700, &[]);
    up.wait_for("Handslag is up");

    let page = read(&home, "registry.ListOrganisations", json!({}))
        .await
        .expect("a page");
    assert_eq!(page["totalSize"], 80);
    let agreements = read(&home, "registry.ListAgreements", json!({}))
        .await
        .expect("agreements");
    assert_eq!(agreements["agreements"].as_array().expect("one").len(), 1);
    let agreement = agreements["agreements"][0]["name"].clone();
    eventually("reporting counts 72", || async {
        let curve = read(
            &home,
            "reporting.GetSignatoriesOverTime",
            json!({"agreement": agreement}),
        )
        .await?;
        (curve["points"].as_array()?.last()?["signed"] == 72).then_some(())
    })
    .await;
    every_inbox_is_the_same_and_without_doubles(&home).await;
    // A consumer that has just begun agrees with its producers by their next digests.
    eventually("everything is well", || async {
        let said = home.tried(&["doctor"]).ok()?;
        said.contains("registry: well").then_some(())
    })
    .await;
    the_other_verbs_answer(&home);
    up.interrupt();
}

fn the_other_verbs_answer(home: &Home) {
    assert!(
        home.verb(&["dead-letters", "list", "reporting"])
            .contains("no dead letters")
    );
    assert!(
        home.verb(&["migrate", "registry", "--check"])
            .contains("newest schema")
    );
    assert!(home.verb(&["read-model", "rebuild"]).contains("Rebuilt:"));
    let token = home.verb(&["token", "--role", "district-board", "--district", "farsta"]);
    assert_eq!(token.trim().split('.').count(), 3);
    let operator = home.path().join("operator.token");
    let token = home.verb(&["token", "--role", "operator"]);
    std::fs::write(&operator, token).expect("written");
    let operator = operator.to_str().expect("a path");
    // Twice, since the second finds what the first has left: an inbox of its own.
    for _ in 0..2 {
        let said = home.verb(&["check", "--token-file", operator]);
        assert!(said.contains("The installation works."), "{said}");
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/record/2012.json");
    assert!(
        home.verb(&["import", script]).contains("Steps: 112 of 112"),
        "a script may be played again"
    );
}

async fn every_inbox_is_the_same_and_without_doubles(home: &Home) {
    let callers = LocalCallers::new(Issuer::existing(home.path()).expect("the issuer"));
    let state = CityState::load(home.path()).expect("a city");
    let endpoints = Endpoints::new(&[("notifications", state.grpc["notifications"].clone())])
        .expect("an address");
    let operator = callers.token("operator").expect("a token");
    let list = invoke(
        &endpoints,
        "notifications.ListSubscribers",
        json!({"pageSize": 100}),
        &operator,
    )
    .await;
    let subscribers = list.expect("subscribers")["subscribers"]
        .as_array()
        .expect("a list")
        .clone();
    assert_eq!(subscribers.len(), 14);
    let mut told: Vec<BTreeSet<String>> = Vec::new();
    for subscriber in subscribers {
        let inbox = json!({"subscriber": subscriber["name"], "pageSize": 500});
        let inbox = invoke(
            &endpoints,
            "notifications.ListNotifications",
            inbox,
            &operator,
        )
        .await
        .expect("an inbox");
        let list = inbox["notifications"].as_array().expect("notifications");
        let events: BTreeSet<String> = list
            .iter()
            .map(|one| one["eventId"].as_str().unwrap_or_default().to_owned())
            .collect();
        assert_eq!(
            events.len(),
            list.len(),
            "{} is told twice",
            subscriber["displayName"]
        );
        let largest = list
            .iter()
            .filter_map(|one| one["position"].as_str()?.parse::<usize>().ok())
            .max();
        assert_eq!(
            largest,
            Some(list.len()),
            "no hole in the inbox of {}",
            subscriber["displayName"]
        );
        told.push(events);
    }
    assert!(told[0].len() > 150, "{}", told[0].len());
    assert!(
        told.windows(2).all(|pair| pair[0] == pair[1]),
        "all boards are told the same"
    );
}
