//! Histories in which everything is right, and mutations that change nothing.

use std::fs;

use handslag_checker::{generate, judge};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use serde_json::Value;
use tempfile::TempDir;

use crate::history::{Dice, SEEDS, is_right, right, tries};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..tries() })]

    #[test]
    fn nothing_is_found_in_a_right_history(seed in any::<u64>(), events in 0_u64..1_500) {
        let dir = TempDir::new().expect("a directory");
        let made = generate::write(dir.path(), events, seed).expect("generated");
        let verdict = judge(dir.path()).expect("judged");
        let first = verdict.breaches.first().map(ToString::to_string);
        prop_assert_eq!(first, None);
        prop_assert!(verdict.holds() && verdict.events == made && made >= events);
    }
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn the_order_of_a_dump_means_nothing(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        for service in ["registry", "commitments", "notifications", "reporting"] {
            let lines = history.dump(service);
            for place in (1..lines.len()).rev() {
                lines.swap(place, dice.below(place + 1));
            }
        }
        is_right(&history)?;
    }

    #[test]
    fn a_dump_may_be_spelled_in_any_way(seed in 0..SEEDS) {
        let dir = TempDir::new().expect("a directory");
        right(seed).write_as(dir.path(), |_, line| match line {
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| format!(" \"{name}\" : {value} "));
                format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
            }
            other => other.to_string(),
        });
        prop_assert_eq!(judge(dir.path()).expect("judged").breaches, vec![]);
    }

    #[test]
    fn the_samples_may_end_early(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let samples = history.lines("samples.jsonl");
        let kept = dice.below(samples.len());
        samples.truncate(kept);
        is_right(&history)?;
    }
}

#[test]
fn the_same_seed_makes_the_same_history() {
    let read = || {
        let dir = TempDir::new().expect("a directory");
        generate::write(dir.path(), 200, 5).expect("generated");
        fs::read(dir.path().join("dump/registry.jsonl")).expect("a dump")
    };
    assert_eq!(read(), read());
}

#[test]
fn the_same_run_has_the_same_verdict() {
    let mut history = right(1);
    for service in ["registry", "commitments", "notifications", "reporting"] {
        let lines = history.dump(service);
        let kept = lines.len() / 2;
        lines.truncate(kept);
    }
    let verdict = || {
        history
            .breaches()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let first = verdict();
    assert!(first.len() > 100);
    assert_eq!(first, verdict());
}

#[test]
fn a_run_that_is_not_whole_is_no_right_run() {
    let files = [
        "run.json",
        "broker.json",
        "clients.jsonl",
        "tap.jsonl",
        "dump/reporting.jsonl",
    ];
    for name in files {
        for damage in ["gone", "cut off"] {
            let dir = TempDir::new().expect("a directory");
            right(0).write(dir.path());
            let path = dir.path().join(name);
            if damage == "gone" {
                fs::remove_file(path).expect("removed");
            } else {
                let text = fs::read(&path).expect("read");
                fs::write(path, &text[..text.len() - 3]).expect("written");
            }
            let outcome = judge(dir.path());
            let error = format!("{:#}", outcome.expect_err("a run that cannot be judged"));
            assert!(error.contains(name), "{damage}: {error}");
        }
    }
}
