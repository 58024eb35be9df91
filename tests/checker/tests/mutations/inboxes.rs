//! Mutations of the inboxes, and of what the subscribers' clients saw.

use handslag_checker::Invariant::{I6, I7, I8};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use crate::history::{
    Blame, Dice, History, SEEDS, another, is_blamed, is_right, right, text, tries,
};

const SERVICE: &str = "notifications";

/// The known subscribers, by their ids in the dump: those whose clients have logs.
fn known(history: &mut History) -> Vec<String> {
    let mut known = Vec::new();
    for index in history.rows(SERVICE, "notification") {
        let subscriber = text(history.row(SERVICE, index), "subscriber");
        if !known.contains(&subscriber) && complete(history, &subscriber).len() > 3 {
            known.push(subscriber);
        }
    }
    known
}

/// The notifications of a subscriber behind the instant at which it was complete, when it is known.
fn complete(history: &mut History, subscriber: &str) -> Vec<usize> {
    let first = history.run["subscribers"][0]["complete_after"]
        .as_i64()
        .expect("a number");
    let wide = history.rows(SERVICE, "subscriber");
    // The first three are there from the start.
    let is_known = wide[..3]
        .iter()
        .any(|index| history.row(SERVICE, *index)["id"] == subscriber);
    let rows = history.rows(SERVICE, "notification");
    rows.into_iter()
        .filter(|index| {
            let row = history.row(SERVICE, *index).clone();
            is_known && row["subscriber"] == subscriber && seq(history, &row["event"]) > first
        })
        .collect()
}

/// The number under which an event is kept.
fn seq(history: &mut History, event: &Value) -> i64 {
    let rows = history.rows(SERVICE, "event");
    let kept = rows
        .into_iter()
        .find(|index| history.row(SERVICE, *index)["id"] == *event);
    let kept = kept.expect("an event that is kept");
    history.row(SERVICE, kept)["seq"]
        .as_i64()
        .expect("a number")
}

/// A notification of a known subscriber, as it must have got it.
fn notification(history: &mut History, dice: &mut Dice) -> usize {
    let known = known(history);
    let subscriber = known[dice.below(known.len())].clone();
    dice.pick(&complete(history, &subscriber))
}

/// Moves what a subscriber has behind a position, and its end.
fn shift(history: &mut History, subscriber: &Value, behind: i64, by: i64) {
    for index in history.rows(SERVICE, "notification") {
        let row = history.row(SERVICE, index);
        let position = row["position"].as_i64().expect("a position");
        if row["subscriber"] == *subscriber && position > behind {
            row["position"] = json!(position + by);
        }
    }
    for index in history.rows(SERVICE, "subscriber") {
        let row = history.row(SERVICE, index);
        if row["id"] == *subscriber {
            row["last_position"] = json!(row["last_position"].as_i64().expect("a position") + by);
        }
    }
}

/// Without the clients' logs: what they saw would give every change of an inbox away.
fn without_clients(history: &mut History) {
    history
        .files
        .retain(|name, _| !name.starts_with("subscribers/"));
}

/// The log of a client with at least eight lines.
fn client(history: &History, dice: &mut Dice) -> String {
    let long = history
        .files
        .iter()
        .filter(|(name, lines)| name.starts_with("subscribers/") && lines.len() >= 8);
    let names: Vec<&String> = long.map(|(name, _)| name).collect();
    names[dice.below(names.len())].clone()
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn a_notification_that_was_lost_without_a_trace_is_missed(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        without_clients(&mut history);
        let index = notification(&mut history, &mut dice);
        let lost = history.dump(SERVICE).remove(index)["row"].clone();
        let position = lost["position"].as_i64().expect("a position");
        shift(&mut history, &lost["subscriber"], position, -1);
        let naming = Some(text(&lost, "event"));
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming })?;
    }

    #[test]
    fn it_is_missed_even_if_nobody_knows_when_the_subscription_began(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        without_clients(&mut history);
        history.run["subscribers"] = json!([]);
        // The first has one subscription, so that what it was told before explains nothing else.
        let first = history.rows(SERVICE, "subscriber")[0];
        let subscriber = text(history.row(SERVICE, first), "id");
        let own = history.rows(SERVICE, "notification").into_iter();
        let own: Vec<usize> =
            own.filter(|index| history.row(SERVICE, *index)["subscriber"] == subscriber).collect();
        let index = own[1 + dice.below(own.len() - 1)];
        let lost = history.dump(SERVICE).remove(index)["row"].clone();
        let position = lost["position"].as_i64().expect("a position");
        shift(&mut history, &lost["subscriber"], position, -1);
        let naming = Some(text(&lost, "event"));
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming })?;
    }

    #[test]
    fn a_hole_in_an_inbox_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let rows = history.rows(SERVICE, "notification");
        let index = dice.pick(&rows);
        history.dump(SERVICE).remove(index);
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming: None })?;
    }

    #[test]
    fn a_notification_that_nobody_asked_for_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        without_clients(&mut history);
        let index = notification(&mut history, &mut dice);
        let told = history.row(SERVICE, index).clone();
        let held: Vec<Value> = history
            .rows(SERVICE, "notification")
            .into_iter()
            .map(|index| history.row(SERVICE, index).clone())
            .filter(|row| row["subscriber"] == told["subscriber"])
            .collect();
        // The one that is slipped in stands where its number puts it, and is not asked for.
        let events = history.rows(SERVICE, "event");
        let strangers: Vec<usize> = events
            .into_iter()
            .filter(|index| {
                let event = history.row(SERVICE, *index)["id"].clone();
                !held.iter().any(|row| row["event"] == event)
            })
            .collect();
        let stranger = history.row(SERVICE, dice.pick(&strangers)).clone();
        let number = stranger["seq"].as_i64().expect("a number");
        let before = held.iter().filter(|row| seq(&mut history, &row["event"]) < number).count();
        let before = i64::try_from(before).expect("small");
        shift(&mut history, &told["subscriber"], before, 1);
        history.dump(SERVICE).push(json!({ "table": "notification", "row": {
            "subscriber": told["subscriber"], "position": before + 1, "event": stranger["id"],
        }}));
        let naming = Some(text(&stranger, "id"));
        is_blamed(&history, &Blame { of: &[I6], with: &[I7], naming })?;
    }

    #[test]
    fn swapped_notifications_are_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        without_clients(&mut history);
        let first = notification(&mut history, &mut dice);
        let subscriber = text(history.row(SERVICE, first), "subscriber");
        let others = complete(&mut history, &subscriber);
        let second = dice.pick(&others);
        if first == second {
            return Ok(());
        }
        let event = history.row(SERVICE, first)["event"].clone();
        let other = std::mem::replace(&mut history.row(SERVICE, second)["event"], event);
        history.row(SERVICE, first)["event"] = other;
        is_blamed(&history, &Blame { of: &[I6], with: &[I7], naming: None })?;
    }

    #[test]
    fn an_event_that_is_told_twice_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        without_clients(&mut history);
        let index = notification(&mut history, &mut dice);
        let mut row = history.row(SERVICE, index).clone();
        shift(&mut history, &row["subscriber"].clone(), i64::MAX, 1);
        for index in history.rows(SERVICE, "subscriber") {
            let subscriber = history.row(SERVICE, index);
            if subscriber["id"] == row["subscriber"] {
                row["position"] = subscriber["last_position"].clone();
            }
        }
        let naming = Some(text(&row, "event"));
        history.dump(SERVICE).push(json!({ "table": "notification", "row": row }));
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming })?;
    }

    #[test]
    fn an_event_that_is_not_kept_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = dice.pick(&history.rows(SERVICE, "event"));
        let line = history.dump(SERVICE).remove(index);
        let naming = Some(text(&line["row"], "id"));
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming })?;
    }

    #[test]
    fn an_event_that_is_kept_twice_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = dice.pick(&history.rows(SERVICE, "event"));
        let mut line = history.dump(SERVICE)[index].clone();
        line["row"]["seq"] = json!(1_000_000);
        let naming = Some(text(&line["row"], "id"));
        history.dump(SERVICE).push(line);
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming })?;
    }

    #[test]
    fn a_kept_event_that_says_something_else_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = dice.pick(&history.rows(SERVICE, "event"));
        let columns = [
            "type", "subject", "subject_version", "occurred_at", "severity", "title_sv",
            "title_en", "link",
        ];
        let column = dice.pick(&columns);
        let row = history.row(SERVICE, index);
        row[column] = another(&row[column]);
        let naming = Some(text(row, "id"));
        is_blamed(&history, &Blame { of: &[I8], with: &[], naming })?;
    }

    #[test]
    fn a_subscription_that_is_not_what_was_asked_for_is_found(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let rows = history.rows(SERVICE, "subscription");
        // The first four are those of the known subscribers.
        let index = dice.pick(&rows[..4]);
        let row = history.row(SERVICE, index);
        row["minimum_severity"] = another(&row["minimum_severity"]);
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming: None })?;
    }

    #[test]
    fn a_client_that_missed_something_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let name = client(&history, &mut dice);
        let lines = history.lines(&name);
        let first = 1 + dice.below(lines.len() - 5);
        let position = lines[first]["position"].clone();
        // All sightings of one position, so that no repetition makes up for it.
        lines.retain(|line| line["position"] != position);
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming: None })?;
    }

    #[test]
    fn a_client_that_saw_something_twice_on_a_connection_is_found(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let name = client(&history, &mut dice);
        let lines = history.lines(&name);
        let index = dice.below(lines.len());
        let line = lines[index].clone();
        lines.insert(index, line);
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming: None })?;
    }

    #[test]
    fn a_client_that_saw_something_else_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let name = client(&history, &mut dice);
        let fields = ["event_id", "event_type", "subject", "subject_version", "position"];
        let (field, lines) = (dice.pick(&fields), history.lines(&name));
        let index = dice.below(lines.len());
        lines[index][field] = another(&lines[index][field]);
        is_blamed(&history, &Blame { of: &[I6], with: &[I7], naming: None })?;
    }

    #[test]
    fn a_client_that_saw_no_end_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let name = client(&history, &mut dice);
        let lines = history.lines(&name);
        let last = lines.iter().filter_map(|line| line["position"].as_i64()).max();
        lines.retain(|line| line["position"].as_i64() != last);
        is_blamed(&history, &Blame { of: &[I6], with: &[], naming: None })?;
        for subscriber in history.run["subscribers"].as_array_mut().expect("a list") {
            subscriber["to_end"] = json!(false);
        }
        is_right(&history)?;
    }

    #[test]
    fn a_client_that_comes_back_sees_again_what_it_likes(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let name = client(&history, &mut dice);
        let lines = history.lines(&name);
        let first = lines[0]["position"].as_i64().expect("a position");
        let mut seen: Vec<Value> = Vec::new();
        for line in lines.iter() {
            let place = first + i64::try_from(seen.len()).expect("small");
            if line["position"] == place {
                seen.push(line.clone());
            }
        }
        let from = dice.below(seen.len());
        for mut line in seen.split_off(from) {
            line["connection"] = json!(1_000);
            lines.push(line);
        }
        is_right(&history)?;
    }
}
