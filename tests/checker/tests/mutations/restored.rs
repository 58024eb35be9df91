//! Histories with a restore: what it took back may be missing, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use handslag_checker::Invariant::{I1, I2, I4, I6, I8, I9};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use crate::history::{
    Blame, Dice, History, SEEDS, another, is_blamed, is_right, right, text, tries,
};

const CLIENTS: &str = "clients.jsonl";
const TAP: &str = "tap.jsonl";
const GHOST: &str = "01900000-0000-7000-8000-00000000f00d";
/// Behind everything that the right histories hold: the point, the loss, the return.
const POINT_MS: u64 = 10_000_000_000;
const LOSS_MS: u64 = POINT_MS + 2_000;
const BACK_MS: u64 = POINT_MS + 5_000;

/// The right history, and at its end a restore to just this state.
fn restored(seed: u64) -> History {
    let mut history = right(seed);
    let mut newest = BTreeMap::new();
    for service in ["registry", "commitments", "notifications", "reporting"] {
        let seqs = history.rows(service, "outbox").into_iter();
        let seqs = seqs.map(|index| history.row(service, index)["seq"].as_i64());
        newest.insert(service, seqs.max().flatten().unwrap_or(0));
    }
    let mut positions = BTreeMap::new();
    for name in clients(&history) {
        let subscriber = text(&history.lines(&name)[0], "subscriber");
        let last = history.lines(&name).iter().map(position).max();
        positions.insert(subscriber, last.unwrap_or(0));
    }
    history.run["restored"] = json!({
        "kept_until_ms": POINT_MS, "lost_from_ms": POINT_MS + 10,
        "lost_until_ms": LOSS_MS, "back_at_ms": BACK_MS,
        "newest": newest, "positions": positions,
    });
    history
}

/// The clients' logs that hold something.
fn clients(history: &History) -> Vec<String> {
    let logs = history.files.iter();
    logs.filter(|(name, lines)| name.starts_with("subscribers/") && lines.len() > 7)
        .map(|(name, _)| name.clone())
        .collect()
}

fn position(line: &Value) -> i64 {
    line["position"].as_i64().expect("a position")
}

/// A command that was answered and has no event.
fn answered(history: &mut History, dice: &mut Dice, sent_ms: u64, answered_ms: u64) {
    let answers = history.places(CLIENTS, |line| !line["ok"].is_null());
    let mut ok = history.lines(CLIENTS)[dice.pick(&answers)]["ok"].clone();
    ok["request_id"] = json!(GHOST);
    ok["at_ms"] = json!(answered_ms);
    let method = "handslag.registry.v1.RegistryService/CreateArea";
    history.lines(CLIENTS).push(json!({
        "invoke": { "at_ms": sent_ms, "client": 1, "request_id": GHOST, "method": method },
    }));
    history.lines(CLIENTS).push(json!({ "ok": ok }));
}

/// What the tap saw of an event of no log.
fn ghost(history: &mut History, dice: &mut Dice, beyond: i64, at_ms: u64) {
    let places = history.places(TAP, |line| line["aggregate"] != "spook");
    let mut line = history.lines(TAP)[dice.pick(&places)].clone();
    let newest = &history.run["restored"]["newest"][line["service"].as_str().expect("a service")];
    line["seq"] = json!(newest.as_i64().expect("a number") + beyond);
    line["id"] = json!(GHOST);
    line["at_ms"] = json!(at_ms);
    history.lines(TAP).push(line);
}

/// A client sees `count` positions behind the end of its inbox; answers its log.
fn told_ghosts(history: &mut History, dice: &mut Dice, count: i64, at_ms: u64) -> String {
    let names = clients(history);
    let name = names[dice.below(names.len())].clone();
    let mut line = history.lines(&name).last().expect("a line").clone();
    let last = history
        .lines(&name)
        .iter()
        .map(position)
        .max()
        .expect("one");
    line["connection"] = json!(line["connection"].as_i64().expect("a number") + 1);
    for step in 1..=count {
        line["position"] = json!(last + step);
        line["event_id"] = json!(GHOST);
        line["at_ms"] = json!(at_ms);
        history.lines(&name).push(line.clone());
    }
    name
}

/// Makes the inbox of a client end `back` positions earlier at the restore: what it holds there was
/// told after it.
fn cut_inbox(history: &mut History, name: &str, back: i64) -> i64 {
    let subscriber = text(&history.lines(name)[0], "subscriber");
    let kept = &mut history.run["restored"]["positions"][&subscriber];
    let cut = kept.as_i64().expect("a position") - back;
    *kept = json!(cut);
    cut
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn what_was_lost_by_definition_is_not_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (restored(seed), Dice(chance));
        is_right(&history)?;
        answered(&mut history, &mut dice, POINT_MS + 100, POINT_MS + 200);
        ghost(&mut history, &mut dice, 1, LOSS_MS);
        told_ghosts(&mut history, &mut dice, 3, LOSS_MS);
        is_right(&history)?;
        // Without a restore, or without one of the service or subscriber, all of it is.
        history.run["restored"] = Value::Null;
        let blame = Blame { of: &[I1], with: &[I4, I6, I9], naming: Some(GHOST.to_owned()) };
        is_blamed(&history, &blame)?;
    }

    #[test]
    fn an_answer_outside_of_the_window_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        for at_ms in [POINT_MS - 1, BACK_MS, BACK_MS + 1_000] {
            let (mut history, mut dice) = (restored(seed), Dice(chance));
            answered(&mut history, &mut dice, at_ms - 1, at_ms);
            is_blamed(&history, &Blame { of: &[I1], with: &[I9], naming: Some(GHOST.to_owned()) })?;
        }
    }

    #[test]
    fn what_must_be_lost_and_has_an_effect_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (restored(seed), Dice(chance));
        let answers = history.places(CLIENTS, |line| !line["ok"]["resource"].is_null());
        let request = text(&history.lines(CLIENTS)[dice.pick(&answers)]["ok"], "request_id");
        for line in history.lines(CLIENTS).iter_mut() {
            for (_, record) in line.as_object_mut().into_iter().flatten() {
                if record["request_id"] == request {
                    record["at_ms"] = json!(POINT_MS + 500);
                }
            }
        }
        is_blamed(&history, &Blame { of: &[I2], with: &[], naming: Some(request) })?;
    }

    #[test]
    fn a_ghost_that_the_broker_carries_afterwards_is_found(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        // After the return, and below the end of the restored log.
        for (beyond, at_ms) in [(1, BACK_MS), (5, BACK_MS + 9), (0, LOSS_MS), (-1, POINT_MS)] {
            let (mut history, mut dice) = (restored(seed), Dice(chance));
            ghost(&mut history, &mut dice, beyond, at_ms);
            let naming = Some(GHOST.to_owned());
            is_blamed(&history, &Blame { of: &[I4], with: &[], naming })?;
        }
    }

    #[test]
    fn a_ghost_in_a_read_model_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (restored(seed), Dice(chance));
        ghost(&mut history, &mut dice, 1, LOSS_MS);
        let rows = history.rows("reporting", "area");
        let row = history.row("reporting", dice.pick(&rows));
        row["title_sv"] = another(&row["title_sv"]);
        is_blamed(&history, &Blame { of: &[I8], with: &[], naming: None })?;
        // Or as a mark, which makes the true event a duplicate.
        let mut history = restored(seed);
        let rows = history.rows("reporting", "inbox_mark");
        let row = history.row("reporting", dice.pick(&rows));
        row["version"] = another(&row["version"]);
        is_blamed(&history, &Blame { of: &[I8], with: &[], naming: None })?;
    }

    #[test]
    fn a_ghost_that_is_told_afterwards_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (restored(seed), Dice(chance));
        told_ghosts(&mut history, &mut dice, 1, BACK_MS);
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming: Some(GHOST.to_owned()) })?;
    }

    #[test]
    fn a_client_that_is_not_set_back_misses_what_came_after(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        let (mut history, mut dice) = (restored(seed), Dice(chance));
        let names = clients(&history);
        let name = names[dice.below(names.len())].clone();
        let cut = cut_inbox(&mut history, &name, 2);
        let (mut lines, mut after): (Vec<Value>, Vec<Value>) =
            history.lines(&name).drain(..).partition(|line| position(line) <= cut);
        let mut once = BTreeSet::new();
        after.retain(|line| once.insert(position(line)));
        let add = |ghosts: bool, at_ms: u64, lines: &mut Vec<Value>| {
            let last = &lines[lines.len() - 1]["connection"];
            let connection = last.as_i64().expect("a number") + 1;
            for line in &after {
                let mut line = line.clone();
                line["connection"] = json!(connection);
                line["at_ms"] = json!(at_ms);
                if ghosts {
                    line["event_id"] = json!(GHOST);
                }
                lines.push(line);
            }
        };
        // Positions that were told twice, first of a future that did not happen: as it should be.
        add(true, LOSS_MS, &mut lines);
        let lost = lines.clone();
        add(false, BACK_MS, &mut lines);
        *history.lines(&name) = lines;
        is_right(&history)?;
        // The client whose token was believed saw nothing of it.
        *history.lines(&name) = lost;
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming: None })?;
    }
}
