//! What a board writes about the cooperation in its report for a year.
//!
//! # Design notes
//! A section is folded from rows that carry their history, so that a past year is told as it stood at its end, and the
//! present year as it stands today. It names the agreement that had been adopted by then; before any adoption it names
//! the one that was being drafted, since the dialogue of 2010 belongs to a board's report as well.

use serde::{Deserialize, Serialize};
use time::Date;

use crate::domain::curve::{Day, Point, count_on, curve, has_example_by};
use crate::domain::figures::{
    ActionState, CommitmentState, Freshness, ReportedFigure, StateCount, count,
};
use crate::domain::history::History;
use crate::domain::names::{AgreementId, AreaCode, BoardCode, CommitmentId, PartyCode, Title};
use crate::domain::year::Year;

/// Boards answer for the framework agreement; local ones and policies are told elsewhere.
const FRAMEWORK: &str = "framework";

/// A board and the areas that it answers for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// Its code.
    pub code: BoardCode,
    /// Its name.
    pub title: Title,
    /// Its areas.
    pub areas: Vec<AreaCode>,
}

/// An agreement and what was adopted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Its id.
    pub id: AgreementId,
    /// Its name.
    pub title: Title,
    /// `framework`, `local` or `policy`.
    pub kind: String,
    /// The areas of the draft.
    pub areas: Vec<AreaCode>,
    /// What was adopted, in order.
    pub editions: Vec<Edition>,
}

/// An adopted version of an agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The day by which it had been adopted.
    pub decided_by: Date,
    /// Its areas.
    pub areas: Vec<AreaCode>,
}

/// The agreement that a section is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covering<'a> {
    /// The agreement.
    pub agreement: &'a Agreement,
    /// The board's areas that it covers.
    pub areas: Vec<AreaCode>,
}

/// Something whose states are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted<S> {
    /// Its states over time.
    pub history: History<S>,
    /// Whether it is example data.
    pub example: bool,
}

/// A commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitment {
    /// Its id.
    pub id: CommitmentId,
    /// Its areas; empty when it concerns all.
    pub areas: Vec<AreaCode>,
    /// Its states.
    pub counted: Counted<CommitmentState>,
}

/// An action, rooted in commitments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The commitments.
    pub commitments: Vec<CommitmentId>,
    /// Its last day.
    pub due_on: Option<Date>,
    /// Its states.
    pub counted: Counted<ActionState>,
}

/// What a party wrote, or that it has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose it is.
    pub party: PartyCode,
    /// The party's name.
    pub title: Title,
    /// What it wrote; `None` when it is missing.
    pub written: Option<Written>,
}

/// An account that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The party's own words.
    pub summary: String,
    /// Whether it came after the last day.
    pub late: bool,
    /// Whether it is example data.
    pub example: bool,
}

/// Everything that is recorded of an agreement and bears on the year.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// How the number of signatories changes.
    pub signatories: Vec<Day>,
    /// The commitments.
    pub commitments: Vec<Commitment>,
    /// The actions.
    pub actions: Vec<Action>,
    /// The accounts that the year's round asks for or has got.
    pub accounts: Vec<Account>,
    /// What sources report of the year.
    pub reported: Vec<ReportedFigure>,
    /// As of when all of it is.
    pub freshness: Freshness,
}

/// The content of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The board.
    pub board: BoardCode,
    /// Its name.
    pub board_title: Title,
    /// The year.
    pub year: Year,
    /// The last day that is told of: the year's, or the day on which a year that is not over was asked.
    pub until: Date,
    /// The agreement; `None` when none covers an area of the board.
    pub agreement: Option<(AgreementId, Title)>,
    /// The areas that the section covers, with their names.
    pub areas: Vec<(AreaCode, Title)>,
    /// Signatories on the first day.
    pub at_start: Point,
    /// Signatories on the last day.
    pub at_end: Point,
    /// Signatories over the year.
    pub curve: Vec<Point>,
    /// Commitments of the areas by state on the last day.
    pub commitments: Vec<StateCount<CommitmentState>>,
    /// Actions rooted in them by state on the last day.
    pub actions: Vec<StateCount<ActionState>>,
    /// The parties' accounts.
    pub accounts: Vec<Account>,
    /// Figures that sources report, apart from what is counted.
    pub reported: Vec<ReportedFigure>,
    /// Whether example data is counted in.
    pub contains_examples: bool,
    /// As of when the figures are.
    pub freshness: Freshness,
}

/// Finds the agreement that a section of `board` is about: the one adopted last by `until`, else the one drafted last.
/// `agreements` stand in the order in which their drafting began.
pub fn covering<'a>(
    board: &Board,
    agreements: &'a [Agreement],
    until: Date,
) -> Option<Covering<'a>> {
    let adopted_by = |agreement: &Agreement| {
        agreement
            .editions
            .iter()
            .filter(|e| e.decided_by <= until)
            .map(|e| e.decided_by)
            .max()
    };
    agreements
        .iter()
        .filter(|agreement| agreement.kind == FRAMEWORK)
        .filter_map(|agreement| {
            let covered = agreement.areas_on(until);
            let areas: Vec<_> = board
                .areas
                .iter()
                .filter(|area| covered.contains(area))
                .cloned()
                .collect();
            (!areas.is_empty()).then_some(Covering { agreement, areas })
        })
        .enumerate()
        .max_by_key(|(order, covering)| (adopted_by(covering.agreement), *order))
        .map(|(_, covering)| covering)
}

/// Folds what is recorded into the section of `board` for `year`, as it stands on `today`.
pub fn section(
    board: &Board,
    year: Year,
    today: Date,
    subject: Option<(AgreementId, Title)>,
    areas: Vec<(AreaCode, Title)>,
    rows: Rows,
) -> Section {
    let until = year.last_day(today);
    let codes: Vec<_> = areas.iter().map(|(code, _)| code.clone()).collect();
    let commitments: Vec<_> = rows
        .commitments
        .iter()
        .filter(|c| c.concerns(&codes))
        .collect();
    let actions: Vec<_> = rows
        .actions
        .iter()
        .filter(|action| {
            commitments
                .iter()
                .any(|c| action.commitments.contains(&c.id))
        })
        .collect();
    let contains_examples = has_example_by(&rows.signatories, until)
        || commitments.iter().any(|c| c.counted.is_example_by(until))
        || actions.iter().any(|a| a.counted.is_example_by(until))
        || rows
            .accounts
            .iter()
            .filter_map(|a| a.written.as_ref())
            .any(|w| w.example);
    let committed = commitments
        .iter()
        .filter_map(|c| c.counted.history.at(until));
    let acted = actions.iter().filter_map(|a| a.counted.history.at(until));
    Section {
        board: board.code.clone(),
        board_title: board.title.clone(),
        year,
        until,
        agreement: subject,
        at_start: count_on(&rows.signatories, year.first_day()),
        at_end: count_on(&rows.signatories, until),
        curve: curve(&rows.signatories, Some(year.first_day()), until),
        commitments: count(CommitmentState::ALL, committed),
        actions: count(ActionState::ALL, acted),
        areas,
        accounts: rows.accounts,
        reported: rows.reported,
        contains_examples,
        freshness: rows.freshness,
    }
}

impl Agreement {
    /// The areas on a day: those of the edition adopted last by then, else those of the draft.
    fn areas_on(&self, day: Date) -> &[AreaCode] {
        self.editions
            .iter()
            .rev()
            .find(|e| e.decided_by <= day)
            .map_or(&self.areas, |e| &e.areas)
    }
}

impl Commitment {
    /// Whether it concerns one of `areas`.
    pub fn concerns(&self, areas: &[AreaCode]) -> bool {
        self.areas.is_empty() || self.areas.iter().any(|area| areas.contains(area))
    }
}

impl<S: Copy> Counted<S> {
    /// Whether it is example data that is seen by `day`.
    fn is_example_by(&self, day: Date) -> bool {
        self.example && self.history.at(day).is_some()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;
    use uuid::Uuid;

    use super::*;
    use crate::domain::curve::days;
    use crate::domain::figures::SignatoryState;
    use crate::domain::history::Change;

    fn area(code: &str) -> AreaCode {
        AreaCode::from_code(code).expect("a code")
    }

    fn board() -> Board {
        Board {
            code: BoardCode::from_code("socialnamnden").expect("a code"),
            title: Title {
                sv: "Socialnämnden".into(),
                en: String::new(),
            },
            areas: vec![area("social")],
        }
    }

    fn agreement(id: u128, decided_by: Option<Date>, areas: &[&str]) -> Agreement {
        let areas: Vec<_> = areas.iter().map(|code| area(code)).collect();
        let edition = |decided_by| Edition {
            decided_by,
            areas: areas.clone(),
        };
        Agreement {
            id: AgreementId(Uuid::from_u128(id)),
            title: Title::default(),
            kind: FRAMEWORK.to_owned(),
            editions: decided_by.map(edition).into_iter().collect(),
            areas,
        }
    }

    fn counted<S: Copy>(steps: &[(Date, S)], example: bool) -> Counted<S> {
        let changes = steps.iter().zip(1..).map(|((day, state), version)| Change {
            version,
            day: *day,
            state: *state,
        });
        Counted {
            history: History::new(changes.collect()),
            example,
        }
    }

    fn told(year: i32, today: Date, rows: Rows) -> Section {
        let year = Year::new(year, today).expect("a year");
        section(
            &board(),
            year,
            today,
            None,
            vec![(area("social"), Title::default())],
            rows,
        )
    }

    #[test]
    fn is_about_the_agreement_adopted_last_by_the_end_of_the_year() {
        let agreements = [
            agreement(1, Some(date!(2012 - 06 - 30)), &["social", "aldre"]),
            agreement(2, Some(date!(2016 - 06 - 30)), &["social"]),
            agreement(3, None, &["social"]),
        ];
        let about = |day| {
            covering(&board(), &agreements, day)
                .expect("one")
                .agreement
                .id
                .0
                .as_u128()
        };
        assert_eq!(
            about(date!(2011 - 12 - 31)),
            3,
            "nothing adopted yet: the draft begun last"
        );
        assert_eq!(about(date!(2012 - 12 - 31)), 1);
        assert_eq!(about(date!(2020 - 12 - 31)), 2);
    }

    #[test]
    fn a_board_whose_areas_no_agreement_covers_has_none() {
        let agreements = [agreement(1, Some(date!(2012 - 06 - 30)), &["aldre"])];
        assert_eq!(covering(&board(), &agreements, date!(2013 - 01 - 01)), None);
    }

    #[test]
    fn an_edition_may_add_an_area_in_mid_term() {
        let mut one = agreement(1, Some(date!(2012 - 06 - 30)), &["aldre"]);
        let extended = Edition {
            decided_by: date!(2014 - 03 - 01),
            areas: vec![area("social")],
        };
        one.editions.push(extended);
        let agreements = [one];
        assert!(covering(&board(), &agreements, date!(2013 - 12 - 31)).is_none());
        assert!(covering(&board(), &agreements, date!(2014 - 12 - 31)).is_some());
    }

    #[test]
    fn tells_the_year_as_it_stood_at_its_end() {
        let relations = [
            counted(&[(date!(2011 - 05 - 01), SignatoryState::Signed)], false),
            counted(&[(date!(2012 - 09 - 20), SignatoryState::Signed)], false),
            counted(&[(date!(2013 - 01 - 01), SignatoryState::Signed)], true),
        ];
        let rows = Rows {
            signatories: days(relations.iter().map(|one| (&one.history, one.example))),
            ..Rows::default()
        };
        let section = told(2012, date!(2026 - 01 - 01), rows);
        assert_eq!((section.at_start.signed, section.at_end.signed), (1, 2));
        assert_eq!(section.curve.len(), 3);
        assert!(
            !section.contains_examples,
            "the example signed after the year"
        );
    }

    #[test]
    fn an_action_counts_where_its_commitment_does() {
        let commitment = |id, code| Commitment {
            id: CommitmentId(Uuid::from_u128(id)),
            areas: vec![area(code)],
            counted: counted(&[(date!(2013 - 01 - 10), CommitmentState::Binding)], true),
        };
        let action = |root| Action {
            commitments: vec![CommitmentId(Uuid::from_u128(root))],
            due_on: None,
            counted: counted(&[(date!(2013 - 02 - 10), ActionState::Planned)], false),
        };
        let rows = Rows {
            commitments: vec![commitment(1, "social"), commitment(2, "aldre")],
            actions: vec![action(1), action(2), action(2)],
            ..Rows::default()
        };
        let section = told(2013, date!(2026 - 01 - 01), rows);
        let commitments: Vec<_> = section.commitments.iter().map(|c| c.count).collect();
        let actions: Vec<_> = section.actions.iter().map(|c| c.count).collect();
        assert_eq!(commitments, [0, 1, 0]);
        assert_eq!(actions, [1, 0, 0, 0]);
        assert!(section.contains_examples);
    }
}
