//! Mutations of the rest that the run came to, and of the times in it.

use handslag_checker::Invariant::{I4, I10, I14};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use crate::history::{Blame, Dice, SEEDS, another, is_blamed, is_right, right, text, tries};

const CONSUMERS: [&str; 3] = ["commitments", "notifications", "reporting"];
const SERVICES: [&str; 4] = ["registry", "commitments", "notifications", "reporting"];

fn only_rest(naming: &str) -> Blame<'_> {
    Blame {
        of: &[I10],
        with: &[],
        naming: Some(naming.to_owned()),
    }
}

/// Some time before or after a moment, which is moved by its hour.
fn hours_later(at: &Value, hours: i64) -> Value {
    let text = at.as_str().expect("a moment");
    let (day, rest) = text.split_once('T').expect("a moment");
    let hour: i64 = rest[..2].parse().expect("an hour");
    // The day stays, so that the text stays a moment: the year moves instead when the hour cannot.
    match hour + hours {
        moved @ 0..24 => json!(format!("{day}T{moved:02}{}", &rest[2..])),
        _ if hours > 0 => json!(text.replacen("2026", "2027", 1)),
        _ => json!(text.replacen("2026", "2025", 1)),
    }
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn a_quiet_that_never_came_or_came_late_is_found(seed in 0..SEEDS) {
        let mut history = right(seed);
        history.run["quiet_seconds"] = Value::Null;
        is_blamed(&history, &only_rest("never came"))?;
        history.run["quiet_seconds"] = json!(30.5);
        is_blamed(&history, &only_rest("30.5"))?;
    }

    #[test]
    fn a_relay_that_is_behind_or_miscounts_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&SERVICES);
        let index = history.rows(service, "relay_mark")[0];
        let column = dice.pick(&["low_water", "count", "hash"]);
        let row = history.row(service, index);
        row[column] = json!(row[column].as_i64().expect("a number") - 1);
        is_blamed(&history, &only_rest(service))?;
    }

    #[test]
    fn a_consumer_that_does_not_agree_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&CONSUMERS);
        let rows = history.rows(service, "inbox_account");
        let index = dice.pick(&rows);
        match dice.below(5) {
            0 => { history.dump(service).remove(index); }
            1 => history.row(service, index)["replay_wanted"] = json!(true),
            2 => {
                let producer = history.row(service, index)["producer"].clone();
                history.dump(service).push(json!({ "table": "inbox_seen", "row": {
                    "producer": producer, "seq": 1_000_000, "hash": 1,
                }}));
            }
            _ => {
                let column = dice.pick(&["seq", "count", "hash"]);
                let row = history.row(service, index);
                row[column] = json!(row[column].as_i64().expect("a number") - 1);
            }
        }
        is_blamed(&history, &only_rest(service))?;
    }

    #[test]
    fn an_event_that_still_waits_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = history.rows("reporting", "inbox_parked")[0];
        let mut line = history.dump("reporting")[index].clone();
        let events = history.rows("registry", "outbox");
        let event = history.row("registry", dice.pick(&events)).clone();
        for column in ["aggregate", "aggregate_id", "version"] {
            line["row"][column] = event[column].clone();
        }
        line["row"]["headers"]["cloudEvents_id"] = event["id"].clone();
        let service = dice.pick(&CONSUMERS);
        history.dump(service).push(line);
        is_blamed(&history, &only_rest(&text(&event, "id")))?;
    }

    #[test]
    fn a_dead_letter_that_nobody_caused_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = history.rows("reporting", "dead_letter")[0];
        let mut line = history.dump("reporting")[index].clone();
        let events = history.rows("registry", "outbox");
        let event = history.row("registry", dice.pick(&events)).clone();
        for column in ["aggregate", "aggregate_id", "version", "type", "payload"] {
            line["row"][column] = event[column].clone();
        }
        line["row"]["fingerprint"] = json!("registry/x/y/1");
        line["row"]["headers"] = json!({ "cloudEvents_id": event["id"] });
        history.dump("reporting").push(line);
        is_blamed(&history, &only_rest(&text(&event, "id")))?;
    }

    #[test]
    fn each_declared_dead_letter_is_expected_by_what_declares_it(seed in 0..SEEDS) {
        for list in ["payload_hashes", "fingerprints"] {
            let mut history = right(seed);
            history.run["injected"][list] = json!([]);
            // The tap saw the poison as well.
            is_blamed(&history, &Blame { with: &[I4], ..only_rest("dead letter") })?;
        }
    }

    #[test]
    fn a_queue_that_is_not_empty_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let queues = history.broker["queues"].as_array_mut().expect("a list");
        let index = dice.below(queues.len());
        let field = dice.pick(&["ready", "unacknowledged"]);
        queues[index][field] = another(&queues[index][field]);
        let name = text(&queues[index], "name");
        is_blamed(&history, &only_rest(&name))?;
    }

    #[test]
    fn a_replay_is_explained_by_a_loss_alone(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&SERVICES);
        history.run["counters"][service]["replayed"] = json!(3);
        is_blamed(&history, &only_rest(service))?;
        history.run["broker_lost_messages"] = json!(true);
        is_right(&history)?;
    }

    #[test]
    fn a_time_of_another_clock_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let columns = [
            ("relay_mark", "written_at"), ("inbox_account", "agreed_at"),
            ("inbox_parked", "parked_at"), ("inbox_parked", "ask_after"),
            ("dead_letter", "recorded_at"), ("dead_letter", "last_at"),
            ("audit_seal", "sealed_at"), ("request_log", "created_at"), ("outbox", "written_at"),
        ];
        for (table, column) in columns {
            let (mut history, mut dice) = (right(seed), Dice(chance));
            let rows = history.rows("reporting", table);
            let index = dice.pick(&rows);
            // The longest history of these ends within a day, so that a year is the future.
            let row = history.row("reporting", index);
            row[column] = hours_later(&row[column], 24);
            let naming = Some(format!("{table}.{column}"));
            let naming = naming.filter(|_| table != "outbox");
            is_blamed(&history, &Blame { of: &[I14], with: &[], naming })?;
        }
    }

    #[test]
    fn a_command_and_its_event_have_one_time(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&SERVICES);
        let rows = history.rows(service, "request_log");
        let row = history.row(service, dice.pick(&rows));
        row["created_at"] = hours_later(&row["created_at"], -1);
        is_blamed(&history, &Blame { of: &[I14], with: &[], naming: None })?;
    }

    #[test]
    fn a_dump_without_its_time_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&SERVICES);
        let index = history.rows(service, "_database")[0];
        history.dump(service).remove(index);
        is_blamed(&history, &Blame { of: &[I14], with: &[], naming: Some(service.to_owned()) })?;
    }
}
