//! The broker is away: commands go on, and afterwards everything arrives in order.

use std::sync::Arc;

use handslag_local_infra::{Infra, Options};
use handslag_platform::config::Secret;
use handslag_tests::{Town, eventually};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_answered_while_the_broker_is_away_and_all_arrives_in_order() {
    let data_dir =
        std::path::PathBuf::from(format!("/var/tmp/handslag-outage-{}", std::process::id()));
    let removed = data_dir.clone();
    let infra = tokio::task::spawn_blocking(move || {
        Infra::start(Options {
            data_dir,
            port_base: None,
            durable: false,
            progress: &mut |_| {},
        })
    });
    let infra = Arc::new(infra.await.expect("joined").expect("servers of its own"));
    let (databases, amqp_url) = fresh(&infra);
    let mut town = Town::start_on(databases, amqp_url).await;
    town.load(false).await;

    blocking(&infra, Infra::kill_broker).await;
    let mut sent = Vec::new();
    for number in 0..20 {
        let step = json!({"agreement": town.name("agreement"), "kind": "PROCEEDING_KIND_MEETING",
            "heldOn": {"year": 2013, "month": 2, "day": number + 1}, "title": {"sv": format!("Möte {number}")},
            "summary": {"sv": "Ett möte medan mäklaren var borta."}, "source": {"document": "Prov"}});
        let answer = town
            .command("registry.RecordProceeding", "operator", step)
            .await
            .expect("answered all the same");
        sent.push(answer["proceeding"]["name"].clone());
    }
    blocking(&infra, Infra::start_broker).await;

    let inbox = json!({"subscriber": town.name("subscriber-farsta"), "pageSize": 500});
    let notifications = eventually("all meetings have arrived", || async {
        let page = town
            .call(
                "notifications.ListNotifications",
                "district:farsta",
                inbox.clone(),
            )
            .await
            .ok()?;
        let page = page["notifications"].as_array()?.clone();
        // Newest first, as an inbox shows it; the agreement's proceedings share its name as subject.
        (page.len() >= 20 + 40).then_some(page)
    })
    .await;
    let versions: Vec<u64> = notifications
        .iter()
        .rev()
        .filter(|one| {
            one["eventType"]
                .as_str()
                .is_some_and(|name| name.starts_with("se.handslag.registry.agreement."))
        })
        .map(|one| {
            one["subjectVersion"]
                .as_str()
                .expect("a version")
                .parse()
                .expect("a number")
        })
        .collect();
    assert!(versions.len() >= 20);
    assert!(
        versions.windows(2).all(|pair| pair[0] < pair[1]),
        "in order: {versions:?}"
    );
    town.end().await;
    blocking(&infra, Infra::stop).await;
    std::fs::remove_dir_all(removed).expect("removed");
}

fn fresh(infra: &Infra) -> ([Secret; 4], Secret) {
    let database = |name: &str| Secret::new(infra.fresh_database(name).expect("a database"));
    let databases = [
        database("registry"),
        database("commitments"),
        database("notifications"),
        database("reporting"),
    ];
    (
        databases,
        Secret::new(infra.fresh_vhost("outage").expect("a virtual host")),
    )
}

async fn blocking(infra: &Arc<Infra>, what: fn(&Infra) -> anyhow::Result<()>) {
    let infra = Arc::clone(infra);
    tokio::task::spawn_blocking(move || what(&infra))
        .await
        .expect("joined")
        .expect("done");
}
