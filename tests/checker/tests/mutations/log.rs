//! Mutations of the logs and of their seals.

use handslag_checker::Invariant::{self, I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, I13, I14};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use crate::history::{Blame, Dice, History, SEEDS, another, is_blamed, right, text, tries};

const SERVICES: [&str; 4] = ["registry", "commitments", "notifications", "reporting"];
/// What may follow from a log that is not what everybody has heard.
const FOLLOWS: [Invariant; 12] = [I1, I2, I3, I4, I5, I6, I7, I8, I9, I10, I13, I14];

/// An event of any log: its service and its place in the dump.
fn event(history: &History, dice: &mut Dice) -> (&'static str, usize) {
    let service = dice.pick(&SERVICES);
    (service, dice.pick(&history.rows(service, "outbox")))
}

/// Two events of one aggregate, in the order of the log.
fn successors(history: &mut History, dice: &mut Dice) -> (&'static str, usize, usize) {
    loop {
        let (service, first) = event(history, dice);
        let of = history.row(service, first).clone();
        let rows = history.rows(service, "outbox");
        let next = rows.into_iter().find(|index| {
            let row = history.row(service, *index);
            row["aggregate"] == of["aggregate"]
                && row["aggregate_id"] == of["aggregate_id"]
                && row["version"].as_i64() == of["version"].as_i64().map(|version| version + 1)
        });
        if let Some(next) = next {
            return (service, first, next);
        }
    }
}

fn exchange(history: &mut History, service: &str, (a, b): (usize, usize), column: &str) {
    let first = history.row(service, a)[column].take();
    let second = history.row(service, b)[column].take();
    history.row(service, a)[column] = second;
    history.row(service, b)[column] = first;
}

/// A whole new event, as somebody would slip it in.
fn forged(history: &mut History, service: &str) -> Value {
    let index = history.rows(service, "outbox")[0];
    let mut row = history.row(service, index).clone();
    row["id"] = json!("01900000-0000-7000-8000-00000000f00d");
    row["seq"] = json!(10_000_000);
    row["request_id"] = Value::Null;
    json!({ "table": "outbox", "row": row })
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn a_dropped_event_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (service, index) = event(&history, &mut dice);
        let dropped = history.dump(service).remove(index);
        let naming = Some(text(&dropped["row"], "id"));
        is_blamed(&history, &Blame { of: &[I4], with: &FOLLOWS, naming: naming.clone() })?;
        // The chain says which one it was, too.
        is_blamed(&history, &Blame { of: &[I13], with: &FOLLOWS, naming })?;
    }

    #[test]
    fn a_log_that_is_cut_off_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&SERVICES);
        let rows = history.rows(service, "outbox");
        let kept = dice.below(rows.len());
        let last = history.row(service, rows[kept]).clone();
        for index in rows[kept..].iter().rev() {
            history.dump(service).remove(*index);
        }
        let naming = Some(text(&last, "id"));
        is_blamed(&history, &Blame { of: &[I4], with: &FOLLOWS, naming })?;
    }

    #[test]
    fn an_event_that_stands_twice_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (service, index) = event(&history, &mut dice);
        let line = history.dump(service)[index].clone();
        let naming = Some(text(&line["row"], "id"));
        history.dump(service).push(line);
        is_blamed(&history, &Blame { of: &[I3], with: &FOLLOWS, naming })?;
    }

    #[test]
    fn a_second_event_of_a_command_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (service, index) = event(&history, &mut dice);
        let request = history.row(service, index)["request_id"].clone();
        let mut second = forged(&mut history, service);
        second["row"]["request_id"] = request.clone();
        history.dump(service).push(second);
        let of = if request.is_null() { [I2] } else { [I9] };
        is_blamed(&history, &Blame { of: &of, with: &FOLLOWS, naming: None })?;
    }

    #[test]
    fn an_event_that_nobody_asked_for_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&SERVICES);
        let mut line = forged(&mut history, service);
        line["row"]["request_id"] = match dice.below(3) {
            0 => Value::Null,
            1 => json!("01900000-0000-7000-8000-0000000abcde"),
            _ => {
                let refused = history.places("clients.jsonl", |line| !line["refused"].is_null());
                let index = dice.pick(&refused);
                history.lines("clients.jsonl")[index]["refused"]["request_id"].clone()
            }
        };
        let naming = Some(text(&line["row"], "id"));
        history.dump(service).push(line);
        is_blamed(&history, &Blame { of: &[I2], with: &FOLLOWS, naming })?;
    }

    #[test]
    fn swapped_versions_are_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (service, first, second) = successors(&mut history, &mut dice);
        let column = dice.pick(&["version", "seq"]);
        exchange(&mut history, service, (first, second), column);
        is_blamed(&history, &Blame { of: &[I3], with: &FOLLOWS, naming: None })?;
    }

    #[test]
    fn a_changed_field_is_located(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (service, index) = event(&history, &mut dice);
        let columns = ["aggregate_id", "version", "type", "district", "subject", "actor", "time"];
        let column = dice.pick(&columns);
        let row = history.row(service, index);
        row[column] = another(&row[column]);
        let naming = Some(text(row, "id"));
        is_blamed(&history, &Blame { of: &[I13], with: &FOLLOWS, naming: naming.clone() })?;
        is_blamed(&history, &Blame { of: &[I4], with: &FOLLOWS, naming })?;
    }

    #[test]
    fn a_changed_payload_is_located(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (service, index) = event(&history, &mut dice);
        let row = history.row(service, index);
        let mut payload = text(row, "payload");
        let at = 2 + dice.below(payload.len() - 2);
        let digit = if payload.as_bytes()[at] == b'6' { "7" } else { "6" };
        payload.replace_range(at..=at, digit);
        row["payload"] = json!(payload);
        let naming = Some(text(row, "id"));
        is_blamed(&history, &Blame { of: &[I13], with: &FOLLOWS, naming: naming.clone() })?;
        is_blamed(&history, &Blame { of: &[I4], with: &FOLLOWS, naming })?;
    }

    #[test]
    fn a_changed_cause_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (service, index) = event(&history, &mut dice);
        let row = history.row(service, index);
        row["request_id"] = if row["request_id"].is_null() {
            json!("01900000-0000-7000-8000-0000000abcde")
        } else {
            Value::Null
        };
        let naming = Some(text(row, "id"));
        is_blamed(&history, &Blame { of: &[I2], with: &FOLLOWS, naming })?;
        is_blamed(&history, &Blame { of: &[I13], with: &FOLLOWS, naming: None })?;
    }

    #[test]
    fn a_changed_seal_is_told_from_a_changed_event(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&["registry", "commitments"]);
        let seals = history.rows(service, "audit_seal");
        let index = dice.pick(&seals);
        let only = Blame { of: &[I13], with: &[], naming: Some("the seal".to_owned()) };
        match dice.below(3) {
            0 => {
                let row = history.row(service, index);
                let digest = text(row, "digest");
                let digit = if digest.ends_with('0') { "1" } else { "0" };
                row["digest"] = json!(format!("{}{digit}", &digest[..digest.len() - 1]));
                is_blamed(&history, &only)?;
                // One seal, not all that follow it.
                assert_eq!(history.breaches().len(), 1);
            }
            1 => {
                let row = history.row(service, index);
                row["count"] = another(&row["count"]);
                is_blamed(&history, &only)?;
            }
            _ => {
                history.dump(service).remove(index);
                is_blamed(&history, &Blame { of: &[I13], with: &[], naming: None })?;
            }
        }
    }
}
