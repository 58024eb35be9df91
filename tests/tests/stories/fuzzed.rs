//! Whatever is sent to the four services, they answer as the contracts say, and go on as before.

use handslag_tests::{Town, eventually, fuzz};
use serde_json::json;

/// The name of the town's threads.
const THREADS: &str = "fuzzed-town";

/// Of more than seventy methods so many may have refused all that they were asked: what chance has
/// to make first for them was not made. Twice what was seen after the rounds before the first case,
/// which take no account of time, so that a slow machine reaches as much.
const NEVER_FULFILLED_MOST: usize = 12;

#[test]
fn whatever_is_sent_is_answered_as_the_contracts_say_and_changes_nothing_else() {
    let (runtime, watch) = fuzz::Watch::runtime(THREADS);
    runtime.block_on(fuzzed(&watch));
    runtime.shutdown_background();
}

#[expect(
    clippy::print_stdout,
    reason = "a run shows its seed and what it reached"
)]
async fn fuzzed(watch: &fuzz::Watch) {
    let plan = fuzz::Plan::from_environment();
    println!("{plan:?}");
    let mut town = Town::start().await;
    town.load(true).await;
    let report = fuzz::run(&town, &plan).await;
    println!("{report}");
    assert!(
        report.findings.is_empty(),
        "{}",
        report.findings.join("\n\n")
    );
    // One case alone need not reach anything.
    if plan.cases.is_none() {
        let never = report.never_fulfilled();
        assert!(
            never.len() <= NEVER_FULFILLED_MOST,
            "too little was reached, not {never:?}"
        );
    }

    still_ready(&town).await;
    still_works(&town).await;
    assert_eq!(
        fuzz::read_everything(&town).await,
        [""; 0],
        "what was taken cannot be read"
    );
    // Nothing unpublished, parked or dead.
    town.end().await;
    assert_eq!(watch.panics(), [""; 0]);
    assert_eq!(watch.errors(), [""; 0]);
}

async fn still_ready(town: &Town) {
    for (service, address) in town.city().admin_addresses() {
        let answer = reqwest::get(format!("http://{address}/ready")).await;
        let status = answer.expect("an answer").status();
        assert!(status.is_success(), "{service} is not ready: {status}");
    }
}

/// A command of the registry that another service hears of.
async fn still_works(town: &Town) {
    let request = json!({"districtBoardId": "efter-proven", "title": {"sv": "Efter proven"}});
    let made = town
        .command("registry.CreateDistrictBoard", "operator", request)
        .await;
    let name = made.expect("made")["districtBoard"]["name"].clone();
    let subscriber = json!({"displayName": "Efter proven", "districtBoard": name});
    eventually("notifications has heard of it", || async {
        let registered = town.command(
            "notifications.RegisterSubscriber",
            "operator",
            subscriber.clone(),
        );
        registered.await.ok()
    })
    .await;
}
