//! Some thousand worlds keep every promise, every kind of fault happens in them, and the designs
//! that were refused do not survive them.

use std::num::NonZero;

use handslag_simulation::{Campaign, Count, Defect, Options, Report, simulate};

/// Worlds of a test: seconds, and enough to meet everything that goes wrong.
const SEEDS: u64 = 2_000;

/// With its history written down.
const TOLD: Options = Options {
    steps: Options::STEPS,
    defect: None,
    history: true,
};

fn campaign(defect: Option<Defect>) -> Report {
    let campaign = Campaign {
        first: 1,
        seeds: SEEDS,
        threads: std::thread::available_parallelism().map_or(1, NonZero::get),
        options: Options {
            defect,
            ..Options::default()
        },
    };
    campaign.run(|_| {})
}

#[test]
fn every_promise_is_kept_and_everything_that_can_go_wrong_does() {
    let report = campaign(None);
    if let Some(breach) = report.breach {
        panic!("{}", simulate(breach.seed, TOLD));
    }
    assert_eq!(report.seeds, SEEDS);
    // Two replicas lock each other out in one of some thousand worlds.
    let never = report
        .totals
        .never()
        .filter(|count| *count != Count::Deadlocks);
    assert_eq!(never.collect::<Vec<_>>(), [], "{}", report.totals);
}

#[test]
fn every_refused_design_is_found_by_the_promise_that_it_breaks() {
    // What is lost behind a hole shows when it is committed too late, or when the mark passes it.
    let lost = ["has settled everything up to", "which was never published"];
    // What is rolled back after it was said has an effect, or is counted, or is said too early.
    let invented = [
        "which was never committed",
        "or their hashes differ",
        "has settled everything up to",
    ];
    for (defect, promises) in [
        (Defect::CursorOnNumber, lost.as_slice()),
        (Defect::BoundOfTheSnapshot, &lost),
        (Defect::NumberBeforeTransaction, &lost),
        (Defect::MarkPastUnconfirmed, &["which was never published"]),
        (Defect::PublishBeforeCommit, &invented),
        (Defect::MarkApart, &["marked at version"]),
        (
            Defect::AcknowledgeBeforeCommit,
            &["without having written it down"],
        ),
        (Defect::NoRepair, &["not quiet"]),
    ] {
        let report = campaign(Some(defect));
        let breach = report.breach.and_then(|outcome| outcome.breach);
        println!("{defect:?}, after {} seeds: {breach:?}", report.seeds);
        let found = breach.is_some_and(|breach| {
            let broken = |promise: &&str| breach.contains(*promise);
            promises.iter().any(broken)
        });
        assert!(found, "{defect:?} was not found");
    }
}

#[test]
fn replays_do_without_a_recount_where_no_account_is_wrong() {
    let (mut replays, mut recounts) = (0, 0);
    for seed in 1..=500 {
        let totals = simulate(seed, Options::default()).totals;
        if totals.of(Count::Miscounts) == 0 {
            replays += totals.of(Count::ReplaysAsked);
            recounts += totals.of(Count::Recounts);
        }
    }
    assert!(
        replays > 100 && recounts * 10 < replays,
        "{recounts} of {replays}"
    );
}

#[test]
fn a_seed_has_one_history() {
    let mut lines = 0;
    for seed in 1..20 {
        let [first, second] = [simulate(seed, TOLD), simulate(seed, TOLD)];
        assert_eq!(first.history, second.history);
        assert_eq!(first.totals, second.totals);
        lines += first.history.len();
    }
    assert!(lines > 1_000, "{lines} lines tell nothing");
}

#[test]
fn a_breach_stands_behind_the_history_that_leads_to_it() {
    let options = Options {
        defect: Some(Defect::AcknowledgeBeforeCommit),
        ..TOLD
    };
    let outcome = (1..)
        .map(|seed| simulate(seed, options))
        .find(|outcome| outcome.breach.is_some());
    let text = outcome.unwrap().to_string();
    let last = text.lines().last().unwrap();
    assert!(last.contains("without having written it down"), "{last}");
    for told in ["begins after 0", "commits event", "publishes event"] {
        assert!(text.contains(told), "{text}");
    }
}
