//! A board's section for a year: before the agreement, within it, after.

use handslag_proto::reporting::v1::{BoardSection, ReportedFigure, StateCount};

use crate::town::{AGEING, SOCIAL, Town, agreement};

fn numbers(counts: &[StateCount]) -> Vec<i32> {
    counts.iter().map(|one| one.count).collect()
}

fn signed(section: &BoardSection) -> (i32, i32) {
    (section.signed_at_start, section.signed_at_end)
}

fn values(figures: &[ReportedFigure]) -> Vec<i32> {
    figures.iter().map(|one| one.value).collect()
}

#[tokio::test]
async fn a_year_is_told_as_it_stood_at_its_end() {
    let town = Town::with_the_record("sections").await;

    let before = town.section(SOCIAL, 2010).await;
    assert_eq!(
        before.agreement,
        agreement(),
        "the one that was being drafted"
    );
    assert_eq!(signed(&before), (0, 0));
    assert_eq!(values(&before.reported_figures), [100]);
    assert!(!before.contains_examples);

    let first = town.section(SOCIAL, 2012).await;
    assert_eq!(signed(&first), (0, 3));
    assert_eq!(values(&first.reported_figures), [60]);
    assert_eq!(numbers(&first.commitments), [0, 0, 0]);
    assert!(
        first.contains_examples,
        "an example organisation has signed"
    );
    assert_eq!(first.curve.len(), 5, "both ends and three days of change");

    let within = town.section(SOCIAL, 2013).await;
    assert_eq!(signed(&within), (3, 4));
    assert_eq!(values(&within.reported_figures), [70, 72]);
    assert_eq!(numbers(&within.commitments), [1, 1, 0]);
    assert_eq!(numbers(&within.actions), [0, 1, 0, 0]);
    assert_eq!(within.areas, ["areas/social"]);

    let after = town.section(SOCIAL, 2026).await;
    assert_eq!(signed(&after), (3, 3));
    let last = after
        .curve
        .last()
        .and_then(|point| point.day)
        .expect("a day");
    assert_eq!(
        (last.year, last.month, last.day),
        (2026, 9, 1),
        "a year that is not over"
    );

    let ageing = town.section(AGEING, 2013).await;
    assert_eq!(numbers(&ageing.commitments), [0, 1, 0]);
    assert_eq!(ageing.areas, ["areas/aldre"]);
    town.bed.end().await;
}

#[tokio::test]
async fn a_missing_account_is_shown_as_missing_and_none_where_none_was_asked_for() {
    let town = Town::with_the_record("accounts").await;
    let section = town.section(SOCIAL, 2013).await;
    let lines: Vec<_> = section
        .accounts
        .iter()
        .map(|line| {
            (
                line.party.as_str(),
                line.missing,
                line.late,
                line.summary.as_str(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("parties/sektorn", true, false, ""),
            (
                "parties/staden",
                false,
                true,
                "Nämnden har bjudit in till dialog."
            ),
        ]
    );
    assert!(town.section(SOCIAL, 2012).await.accounts.is_empty());
    town.bed.end().await;
}

#[tokio::test]
async fn a_board_without_an_agreement_has_a_section_that_says_so() {
    let town = Town::bare("nothing").await;
    let body = handslag_proto::events::v1::BoardCreated {
        scope: None,
        board: SOCIAL.to_owned(),
        title: None,
        areas: vec!["areas/social".to_owned()],
    };
    town.tell(SOCIAL, time::macros::datetime!(2026-01-01 10:00 UTC), body)
        .await;
    town.heard().await;
    let section = town.section(SOCIAL, 2026).await;
    assert_eq!(section.agreement, "");
    assert!(section.areas.is_empty() && section.accounts.is_empty());
    town.bed.end().await;
}
