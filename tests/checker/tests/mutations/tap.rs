//! Mutations of what the tap saw.

use std::collections::HashSet;

use handslag_checker::Invariant::{I4, I5, I7, I11};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use crate::history::{
    Blame, Dice, History, SEEDS, another, is_blamed, is_right, right, text, tries,
};

const TAP: &str = "tap.jsonl";

/// An event of the tap that was not forged by the run itself.
fn sighting(history: &mut History, dice: &mut Dice) -> usize {
    let places = history.places(TAP, |line| line["aggregate"] != "spook");
    dice.pick(&places)
}

/// The places of first sightings, in order.
fn firsts(history: &mut History) -> Vec<usize> {
    let mut known = HashSet::new();
    let lines = history.lines(TAP).iter().enumerate();
    lines
        .filter(|(_, line)| known.insert(text(line, "id")))
        .map(|(index, _)| index)
        .collect()
}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn an_event_that_never_came_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = sighting(&mut history, &mut dice);
        let id = text(&history.lines(TAP)[index], "id");
        history.lines(TAP).retain(|line| line["id"] != id);
        is_blamed(&history, &Blame { of: &[I5], with: &[], naming: Some(id) })?;
        // When the tap's queue itself lost messages, that says nothing.
        history.run["tap_lost_messages"] = json!(true);
        is_right(&history)?;
    }

    #[test]
    fn a_log_that_is_cut_off_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let firsts = firsts(&mut history);
        let index = dice.pick(&firsts[..firsts.len() - 1]);
        let id = text(&history.lines(TAP)[index], "id");
        history.lines(TAP).truncate(index);
        is_blamed(&history, &Blame { of: &[I5], with: &[], naming: Some(id) })?;
    }

    #[test]
    fn an_event_of_no_log_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = sighting(&mut history, &mut dice);
        let mut line = history.lines(TAP)[index].clone();
        line["id"] = json!("01900000-0000-7000-8000-00000000f00d");
        history.lines(TAP).push(line);
        let naming = Some("00000000f00d".to_owned());
        is_blamed(&history, &Blame { of: &[I4], with: &[], naming })?;
        history.run["injected"]["event_ids"]
            .as_array_mut()
            .expect("a list")
            .push(json!("01900000-0000-7000-8000-00000000f00d"));
        is_right(&history)?;
    }

    #[test]
    fn an_event_that_changed_on_its_way_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = sighting(&mut history, &mut dice);
        let fields = [
            "type", "service", "aggregate", "aggregate_id", "version", "seq", "subject", "actor",
            "time", "routing_key", "payload_hash",
        ];
        let field = dice.pick(&fields);
        let line = &mut history.lines(TAP)[index];
        line[field] = another(&line[field]);
        let naming = Some(text(line, "id"));
        is_blamed(&history, &Blame { of: &[I4], with: &[], naming })?;
    }

    #[test]
    fn versions_that_fall_are_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let firsts = firsts(&mut history);
        let lines = history.lines(TAP).clone();
        let of = |index: usize| {
            let line = &lines[index];
            (line["aggregate"].clone(), line["aggregate_id"].clone())
        };
        let pairs: Vec<(usize, usize)> = firsts
            .iter()
            .enumerate()
            .filter_map(|(place, first)| {
                let later = &firsts[place + 1..];
                Some((*first, *later.iter().find(|later| of(**later) == of(*first))?))
            })
            .collect();
        let (first, second) = dice.pick(&pairs);
        history.lines(TAP).swap(first, second);
        let naming = Some(text(&lines[first], "id"));
        // What the broker had delivered again may now stand before what it repeats.
        is_blamed(&history, &Blame { of: &[I7], with: &[I11], naming })?;
    }

    #[test]
    fn the_order_of_two_aggregates_means_nothing(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let lines = history.lines(TAP);
        let first = dice.below(lines.len() - 1);
        let apart = |field: &str| lines[first][field] != lines[first + 1][field];
        if apart("aggregate") || apart("aggregate_id") {
            lines.swap(first, first + 1);
        }
        is_right(&history)?;
    }

    #[test]
    fn more_repetitions_than_a_relay_explains_are_found(
        seed in 0..SEEDS,
        chance in any::<u64>(),
    ) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = sighting(&mut history, &mut dice);
        let mut line = history.lines(TAP)[index].clone();
        line["redelivered"] = json!(false);
        let id = text(&line, "id");
        let lines = history.lines(TAP);
        lines.extend(std::iter::repeat_n(line, 5));
        is_blamed(&history, &Blame { of: &[I11], with: &[], naming: Some(id.clone()) })?;
        history.run["injected"]["repeated_event_ids"] = json!([id]);
        is_right(&history)?;
    }

    #[test]
    fn repetitions_that_nothing_explains_are_found_in_sum(seed in 0..SEEDS) {
        let mut history = right(seed);
        let once = firsts(&mut history);
        let lines = history.lines(TAP).clone();
        let again = once.iter().map(|index| lines[*index].clone());
        let again: Vec<Value> = again.filter(|line| line["aggregate"] != "spook").collect();
        history.lines(TAP).extend(again);
        history.run["duplicates"]["sightings_per_event"] = json!(0);
        is_blamed(&history, &Blame { of: &[I11], with: &[], naming: None })?;
    }

    #[test]
    fn garbage_that_nobody_threw_is_found(seed in 0..SEEDS) {
        let mut history = right(seed);
        let hash = "ab".repeat(32);
        history.lines("tap-garbage.jsonl").push(json!({
            "routing_key": "registry.area.created.v1.all", "payload_hash": hash,
        }));
        is_blamed(&history, &Blame { of: &[I4], with: &[], naming: Some(hash) })?;
    }
}
