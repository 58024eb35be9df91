//! Some thousand worlds keep every promise, every kind of fault happens in them, and the designs
//! that were refused do not survive them.

use handslag_simulation::{Campaign, Defect, Options, Report, simulate};

/// Worlds of a test: seconds, and enough to meet every fault.
const SEEDS: u64 = 2_000;

fn campaign(defect: Option<Defect>) -> Report {
    let campaign = Campaign {
        first: 1,
        seeds: SEEDS,
        threads: std::thread::available_parallelism().unwrap().get(),
        options: Options {
            defect,
            ..Options::default()
        },
    };
    campaign.run(|_| {})
}

#[test]
fn every_promise_is_kept_and_every_fault_happens() {
    let report = campaign(None);
    if let Some(breach) = report.breach {
        let history = Options {
            history: true,
            ..Options::default()
        };
        panic!("{}", simulate(breach.seed, history));
    }
    assert_eq!(report.seeds, SEEDS);
    let never: Vec<_> = report.totals.never().collect();
    assert_eq!(never, [], "{}", report.totals);
}

#[test]
fn every_refused_design_is_found() {
    for (defect, promise) in [
        (Defect::CursorOnNumber, "has settled everything up to"),
        (Defect::BoundOfTheSnapshot, "has settled everything up to"),
        (
            Defect::NumberBeforeTransaction,
            "has settled everything up to",
        ),
        (Defect::MarkPastUnconfirmed, "which was never published"),
        (Defect::PublishBeforeCommit, "which was never committed"),
        (Defect::MarkApart, "marked at version"),
        (
            Defect::AcknowledgeBeforeCommit,
            "without having written it down",
        ),
        (Defect::NoRepair, "not quiet"),
    ] {
        let report = campaign(Some(defect));
        let breach = report.breach.and_then(|outcome| outcome.breach);
        println!("{defect:?}, after {} seeds: {breach:?}", report.seeds);
        let found = breach.is_some_and(|breach| breach.contains(promise));
        assert!(found, "{defect:?} was not found");
    }
}

#[test]
fn a_seed_has_one_history() {
    let options = Options {
        history: true,
        ..Options::default()
    };
    for seed in 1..20 {
        let [first, second] = [simulate(seed, options), simulate(seed, options)];
        assert!(first.history.len() > 10, "{first}");
        assert_eq!(first.history, second.history);
    }
}
