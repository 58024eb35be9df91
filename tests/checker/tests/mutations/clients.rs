//! Mutations of what the clients were told, and of the answers that the services remember.

use std::collections::HashMap;

use handslag_checker::Invariant::{I1, I2, I9};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use crate::history::{
    Blame, Dice, History, SEEDS, another, is_blamed, is_right, right, text, tries,
};

const CLIENTS: &str = "clients.jsonl";

fn of_kind(history: &History, kind: &str) -> Vec<usize> {
    history.places(CLIENTS, |line| !line[kind].is_null())
}

/// An answer of any client.
fn answer(history: &mut History, dice: &mut Dice) -> (usize, Value) {
    let index = dice.pick(&of_kind(history, "ok"));
    (index, history.lines(CLIENTS)[index]["ok"].clone())
}

/// A command that was sent once and answered once.
fn plain(history: &mut History, dice: &mut Dice) -> String {
    let mut lines: HashMap<String, usize> = HashMap::new();
    for line in history.lines(CLIENTS).iter() {
        let record = line
            .as_object()
            .expect("a record")
            .values()
            .next()
            .expect("one");
        *lines.entry(text(record, "request_id")).or_default() += 1;
    }
    loop {
        let request = text(&answer(history, dice).1, "request_id");
        if lines[&request] == 2 {
            return request;
        }
    }
}

/// Where an answered command stands in a request log.
fn remembered(history: &mut History, request: &str) -> (&'static str, usize) {
    for service in ["registry", "commitments", "notifications", "reporting"] {
        for index in history.rows(service, "request_log") {
            if history.row(service, index)["request_id"] == request {
                return (service, index);
            }
        }
    }
    panic!("an answered command that no request log has");
}

fn is_of(line: &Value, request: &str) -> bool {
    line.as_object()
        .into_iter()
        .flatten()
        .any(|(_, record)| record["request_id"] == request)
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn an_answer_that_names_another_version_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let named = history.places(CLIENTS, |line| !line["ok"]["resource"].is_null());
        let index = dice.pick(&named);
        let field = dice.pick(&["aggregate", "aggregate_id", "version"]);
        let ok = &mut history.lines(CLIENTS)[index]["ok"];
        ok["resource"][field] = another(&ok["resource"][field]);
        let naming = Some(text(ok, "request_id"));
        // When there were two answers, they differ now as well; the first is the one that counts.
        is_blamed(&history, &Blame { of: &[I1, I9], with: &[], naming })?;
    }

    #[test]
    fn an_answer_without_an_effect_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let request = "01900000-0000-7000-8000-00000000f00d";
        let (_, mut ok) = answer(&mut history, &mut dice);
        ok["request_id"] = json!(request);
        let method = "handslag.registry.v1.RegistryService/CreateArea";
        history.lines(CLIENTS).push(json!({
            "invoke": { "at_ms": 1, "client": 1, "request_id": request, "method": method },
        }));
        history.lines(CLIENTS).push(json!({ "ok": ok }));
        is_blamed(&history, &Blame { of: &[I1], with: &[I9], naming: Some(request.to_owned()) })?;
    }

    #[test]
    fn a_second_answer_that_differs_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (_, mut ok) = answer(&mut history, &mut dice);
        let naming = Some(text(&ok, "request_id"));
        ok["answer_hash"] = json!("cd".repeat(32));
        history.lines(CLIENTS).push(json!({ "ok": ok }));
        is_blamed(&history, &Blame { of: &[I9], with: &[], naming })?;
    }

    #[test]
    fn an_answer_that_is_not_the_remembered_one_is_found(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let request = plain(&mut history, &mut dice);
        let (service, index) = remembered(&mut history, &request);
        match dice.below(4) {
            0 => history.row(service, index)["response"] = json!("\\x00"),
            1 => history.row(service, index)["response"] = Value::Null,
            _ => { history.dump(service).remove(index); }
        }
        is_blamed(&history, &Blame { of: &[I9], with: &[], naming: Some(request) })?;
    }

    #[test]
    fn an_effect_of_what_was_refused_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let request = plain(&mut history, &mut dice);
        for line in history.lines(CLIENTS).iter_mut() {
            if line["ok"]["request_id"] == request {
                *line = json!({ "refused": {
                    "at_ms": 1, "request_id": request, "code": "ABORTED", "reason": "STALE_ETAG",
                }});
            }
        }
        is_blamed(&history, &Blame { of: &[I2], with: &[], naming: Some(request) })?;
    }

    #[test]
    fn an_effect_that_nobody_asked_for_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (_, ok) = answer(&mut history, &mut dice);
        let request = text(&ok, "request_id");
        if dice.below(2) == 0 {
            history.lines(CLIENTS).retain(|line| !is_of(line, &request));
        } else {
            history.lines(CLIENTS).retain(|line| line["invoke"]["request_id"] != request);
        }
        is_blamed(&history, &Blame { of: &[I2], with: &[], naming: Some(request) })?;
    }

    #[test]
    fn a_command_that_says_something_else_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let request = plain(&mut history, &mut dice);
        for line in history.lines(CLIENTS).iter_mut() {
            if line["invoke"]["request_id"] == request {
                let method = text(&line["invoke"], "method");
                let reports = method.ends_with("/CreateReport");
                let other = if reports { "CreateArea" } else { "CreateReport" };
                line["invoke"]["method"] = json!(other);
            }
        }
        is_blamed(&history, &Blame { of: &[I2], with: &[], naming: Some(request) })?;
    }

    #[test]
    fn a_history_that_is_cut_off_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        // Behind the cut lies at least one command that had its effect.
        let invoked = of_kind(&history, "ok");
        let index = dice.pick(&invoked);
        let request = text(&history.lines(CLIENTS)[index]["ok"], "request_id");
        let first = history.places(CLIENTS, |line| is_of(line, &request))[0];
        history.lines(CLIENTS).truncate(first);
        is_blamed(&history, &Blame { of: &[I2], with: &[], naming: Some(request) })?;
    }

    #[test]
    fn what_a_client_never_learnt_means_nothing(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (index, ok) = answer(&mut history, &mut dice);
        let unknown = json!({ "unknown": { "at_ms": 1, "request_id": ok["request_id"] } });
        history.lines(CLIENTS)[index] = unknown;
        is_right(&history)?;
    }
}
