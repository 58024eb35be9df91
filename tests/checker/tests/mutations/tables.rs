//! Mutations of the tables that events feed.

use handslag_checker::Invariant::{I3, I6, I8};
use proptest::prelude::{ProptestConfig, any, proptest};
use serde_json::json;

use crate::history::{Blame, Dice, History, SEEDS, another, is_blamed, right, tries};

/// The columns of the fed tables that a stale or wrong fold would leave as they should not be: none
/// of a primary key, since that would make another row.
const COLUMNS: [(&str, &str, &[&str]); 31] = [
    ("reporting", "area", &["title_sv", "title_en"]),
    ("reporting", "party", &["title_sv", "title_en"]),
    ("reporting", "board", &["title_sv", "title_en", "areas"]),
    (
        "reporting",
        "agreement",
        &["title_sv", "kind", "parties", "areas"],
    ),
    (
        "reporting",
        "agreement_edition",
        &["decided_by", "areas", "term_starts_on", "term_ends_on"],
    ),
    (
        "reporting",
        "figure",
        &[
            "agreement",
            "measure",
            "value",
            "reported_year",
            "source_place",
        ],
    ),
    ("reporting", "organisation", &["display_name", "example"]),
    (
        "reporting",
        "signatory_change",
        &["state", "certain_on", "example"],
    ),
    (
        "reporting",
        "commitment",
        &[
            "agreement",
            "areas",
            "text",
            "bearers",
            "principles",
            "example",
        ],
    ),
    ("reporting", "commitment_change", &["state", "changed_on"]),
    (
        "reporting",
        "action_plan",
        &["agreement", "title_sv", "title_en", "example"],
    ),
    (
        "reporting",
        "action_plan_approval",
        &["approved_on", "adopted"],
    ),
    (
        "reporting",
        "action",
        &[
            "action_plan",
            "agreement",
            "title",
            "owner",
            "commitments",
            "example",
        ],
    ),
    (
        "reporting",
        "action_change",
        &["state", "percent", "changed_on"],
    ),
    ("reporting", "action_deadline", &["due_on"]),
    ("reporting", "follow_up", &["agreement", "year", "parties"]),
    ("reporting", "follow_up_deadline", &["due_on"]),
    ("reporting", "follow_up_publication", &["published_on"]),
    (
        "reporting",
        "account",
        &["summary", "late", "submitted_on", "example"],
    ),
    ("commitments", "area", &["title_sv", "title_en"]),
    ("commitments", "party", &["title_sv", "title_en"]),
    (
        "commitments",
        "agreement",
        &["parties", "principles", "areas", "edition", "term_ends_on"],
    ),
    (
        "commitments",
        "district_board",
        &["title_sv", "title_en", "successor"],
    ),
    (
        "notifications",
        "district_board",
        &["title_sv", "title_en", "successor"],
    ),
    ("registry", "signatory", &["state"]),
    (
        "registry",
        "organisation",
        &["display_name", "kind", "example"],
    ),
    (
        "commitments",
        "commitment",
        &["text", "proposer", "state", "example"],
    ),
    (
        "commitments",
        "action",
        &["title", "owner", "due_on", "state", "percent", "example"],
    ),
    ("commitments", "follow_up", &["year", "accounts_due_on"]),
    ("notifications", "subscriber", &["display_name"]),
    ("reporting", "report", &["board", "year"]),
];

/// The tables whose rows are aggregates.
const AGGREGATES: [(&str, &str); 16] = [
    ("registry", "area"),
    ("registry", "party"),
    ("registry", "board"),
    ("registry", "district_board"),
    ("registry", "agreement"),
    ("registry", "proposal"),
    ("registry", "figure"),
    ("registry", "organisation"),
    ("registry", "signatory"),
    ("commitments", "commitment"),
    ("commitments", "action_plan"),
    ("commitments", "action"),
    ("commitments", "follow_up"),
    ("commitments", "deliberation"),
    ("notifications", "subscriber"),
    ("reporting", "report"),
];

/// Each try goes through all tables.
fn tries_of_all() -> ProptestConfig {
    ProptestConfig {
        cases: 3,
        ..tries()
    }
}

/// A row of a table that this history has; some have no row in a short one.
fn row(history: &History, dice: &mut Dice, service: &str, table: &str) -> Option<usize> {
    let rows = history.rows(service, table);
    (!rows.is_empty()).then(|| dice.pick(&rows))
}

#[test]
fn every_judged_table_has_rows_in_some_history() {
    let histories: Vec<History> = (0..SEEDS).map(right).collect();
    let tables = COLUMNS
        .iter()
        .map(|(service, table, _)| (*service, *table))
        .chain(AGGREGATES);
    for (service, table) in tables {
        let found = histories
            .iter()
            .any(|history| !history.rows(service, table).is_empty());
        assert!(found, "{service}.{table}");
    }
}

proptest! {
    #![proptest_config(tries_of_all())]

    #[test]
    fn a_stale_column_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        for (service, table, columns) in COLUMNS {
            let (mut history, mut dice) = (right(seed), Dice(chance));
            let Some(index) = row(&history, &mut dice, service, table) else { continue };
            let column = dice.pick(columns);
            let value = history.row(service, index);
            value[column] = another(&value[column]);
            let naming = Some(format!("{service}.{table}"));
            is_blamed(&history, &Blame { of: &[I8], with: &[], naming })?;
        }
    }

    #[test]
    fn a_row_that_is_not_there_is_missed(seed in 0..SEEDS, chance in any::<u64>()) {
        for (service, table, _) in COLUMNS {
            let (mut history, mut dice) = (right(seed), Dice(chance));
            let Some(index) = row(&history, &mut dice, service, table) else { continue };
            history.dump(service).remove(index);
            let naming = Some(format!("{service}.{table}"));
            // An aggregate without a row, and a subscriber that the run knows, are missed as well.
            is_blamed(&history, &Blame { of: &[I8], with: &[I3, I6], naming })?;
        }
    }

    #[test]
    fn a_row_that_stands_twice_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        for (service, table, _) in COLUMNS {
            let (mut history, mut dice) = (right(seed), Dice(chance));
            let Some(index) = row(&history, &mut dice, service, table) else { continue };
            let line = history.dump(service)[index].clone();
            history.dump(service).push(line);
            let naming = Some(format!("{service}.{table}"));
            is_blamed(&history, &Blame { of: &[I8], with: &[I3], naming })?;
        }
    }

    #[test]
    fn a_row_at_another_version_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        for (service, table) in AGGREGATES {
            let (mut history, mut dice) = (right(seed), Dice(chance));
            let Some(index) = row(&history, &mut dice, service, table) else { continue };
            let value = history.row(service, index);
            value["version"] = another(&value["version"]);
            let naming = Some(format!("{service}/{table}/"));
            is_blamed(&history, &Blame { of: &[I3], with: &[], naming })?;
        }
    }

    #[test]
    fn an_aggregate_without_a_row_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        for (service, table) in AGGREGATES {
            let (mut history, mut dice) = (right(seed), Dice(chance));
            let Some(index) = row(&history, &mut dice, service, table) else { continue };
            history.dump(service).remove(index);
            is_blamed(&history, &Blame { of: &[I3], with: &[I6, I8], naming: None })?;
        }
    }

}

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn a_count_that_stayed_behind_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let index = dice.pick(&history.rows("reporting", "freshness"));
        if dice.below(2) == 0 {
            history.dump("reporting").remove(index);
        } else {
            let row = history.row("reporting", index);
            row["events"] = json!(row["events"].as_i64().expect("a number") - 1);
        }
        let naming = Some("reporting.freshness".to_owned());
        is_blamed(&history, &Blame { of: &[I8], with: &[], naming })?;
    }

    #[test]
    fn a_mark_that_was_left_behind_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&["commitments", "notifications", "reporting"]);
        let marks: Vec<usize> = history
            .rows(service, "inbox_mark")
            .into_iter()
            .filter(|index| history.row(service, *index)["aggregate"] != "spook")
            .collect();
        let index = dice.pick(&marks);
        if dice.below(2) == 0 {
            history.dump(service).remove(index);
        } else {
            let mark = history.row(service, index);
            mark["version"] = another(&mark["version"]);
        }
        is_blamed(&history, &Blame { of: &[I8], with: &[], naming: Some(service.to_owned()) })?;
    }

    #[test]
    fn a_mark_of_nothing_is_found(seed in 0..SEEDS) {
        let mut history = right(seed);
        history.run["injected"]["aggregates"] = json!([]);
        let naming = Some("registry/spook/boo".to_owned());
        is_blamed(&history, &Blame { of: &[I8], with: &[], naming })?;
    }
}
