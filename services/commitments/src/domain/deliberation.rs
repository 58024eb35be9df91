//! Whether the district boards have discussed the principles: discussed or not yet, never a
//! judgement.
//!
//! # Design notes
//! A discussion stays with the board that held it. After a merger the successor shows its
//! predecessors' discussions as theirs, through any number of mergers (mission rule 13). A board
//! that was merged away can still be told of, as long as the day lies within its time.

use std::collections::{BTreeMap, BTreeSet};

use handslag_platform::date::PartialDate;
use handslag_platform::etag::Version;
use handslag_platform::text::{LongText, ShortText};
use time::Date;

use super::names::{AgreementId, DeliberationId, DistrictBoardCode};
use super::title::Title;

/// A discussion of the principles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deliberation {
    /// Which.
    pub id: DeliberationId,
    /// The agreement whose principles were discussed.
    pub agreement: AgreementId,
    /// The board.
    pub board: DistrictBoardCode,
    /// When, as precise as the source.
    pub held_on: PartialDate,
    /// Paragraph of the minutes.
    pub paragraph: ShortText,
    /// Remark.
    pub note: Option<LongText>,
    /// Its version.
    pub version: Version,
}

/// A district board as the registry's events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistrictBoard {
    /// Which.
    pub code: DistrictBoardCode,
    /// Its name.
    pub title: Title,
    /// Its first day; `None` when older than the record.
    pub established_on: Option<Date>,
    /// Who took over, and its first day.
    pub succession: Option<(DistrictBoardCode, Date)>,
}

/// What is told of a district board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct District {
    /// The board.
    pub board: DistrictBoard,
    /// Whether it has.
    pub state: State,
    /// Its own and its predecessors' discussions, oldest first.
    pub deliberations: Vec<Deliberation>,
}

/// Whether a board has discussed the principles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet.
    NotYet,
    /// It has.
    Discussed,
    /// A predecessor has.
    DiscussedByPredecessor,
}

/// Why a date cannot be the discussion's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeldError {
    /// It is still to come.
    #[error("the day is still to come")]
    Future,
    /// The board did not exist yet.
    #[error("the board did not exist yet")]
    BeforeBoard,
    /// The board existed no longer.
    #[error("the board existed no longer")]
    AfterBoard,
}

impl DistrictBoard {
    /// Whether it exists on `day`.
    #[must_use]
    pub fn exists_on(&self, day: Date) -> bool {
        self.established_on.is_none_or(|first| first <= day)
            && self
                .succession
                .as_ref()
                .is_none_or(|(_, succeeded_on)| day < *succeeded_on)
    }

    /// Passes when a discussion of this board can have been held then. An imprecise date passes
    /// when one of its days does.
    ///
    /// # Errors
    /// `Future`, `BeforeBoard` or `AfterBoard`.
    pub fn expect_held(&self, held_on: &PartialDate, today: Date) -> Result<(), HeldError> {
        if held_on.earliest() > today {
            return Err(HeldError::Future);
        }
        if self
            .established_on
            .is_some_and(|first| held_on.latest() < first)
        {
            return Err(HeldError::BeforeBoard);
        }
        let ended = self
            .succession
            .as_ref()
            .map(|(_, succeeded_on)| *succeeded_on);
        if ended.is_some_and(|succeeded_on| held_on.earliest() >= succeeded_on) {
            return Err(HeldError::AfterBoard);
        }
        Ok(())
    }
}

/// Every board that exists on `day`, in the order of `boards`, with what it and its predecessors
/// discussed until then.
#[must_use]
pub fn districts(
    boards: &[DistrictBoard],
    deliberations: &[Deliberation],
    day: Date,
) -> Vec<District> {
    let mut predecessors: BTreeMap<&DistrictBoardCode, Vec<&DistrictBoardCode>> = BTreeMap::new();
    for board in boards {
        // A successor that is announced takes the history over on its first day, and not before.
        if let Some((successor, _)) = board.succession.as_ref().filter(|(_, first)| *first <= day) {
            predecessors.entry(successor).or_default().push(&board.code);
        }
    }
    let existing = boards.iter().filter(|board| board.exists_on(day));
    existing
        .map(|board| {
            let line = lineage(&board.code, &predecessors);
            let held = deliberations
                .iter()
                .filter(|one| line.contains(&one.board) && one.held_on.earliest() <= day);
            let mut held: Vec<Deliberation> = held.cloned().collect();
            held.sort_by_key(|one| (one.held_on.earliest(), one.id));
            let state = if held.iter().any(|one| one.board == board.code) {
                State::Discussed
            } else if held.is_empty() {
                State::NotYet
            } else {
                State::DiscussedByPredecessor
            };
            District {
                board: board.clone(),
                state,
                deliberations: held,
            }
        })
        .collect()
}

/// The board and all that came before it. Visits each once, so that a wrong record with a circle
/// ends, too.
fn lineage<'a>(
    board: &'a DistrictBoardCode,
    predecessors: &BTreeMap<&'a DistrictBoardCode, Vec<&'a DistrictBoardCode>>,
) -> BTreeSet<&'a DistrictBoardCode> {
    let mut line = BTreeSet::new();
    let mut ahead = vec![board];
    while let Some(next) = ahead.pop() {
        if line.insert(next) {
            ahead.extend(predecessors.get(next).into_iter().flatten());
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use handslag_platform::date::PartialDate;
    use handslag_platform::text::ShortText;
    use time::Date;
    use time::macros::date;
    use uuid::Uuid;

    use super::super::commitment::tests::named;
    use super::super::names::{AgreementId, DeliberationId, DistrictBoardCode};
    use super::super::title::Title;
    use super::{Deliberation, DistrictBoard, HeldError, State, Version, districts};

    fn code(code: &str) -> DistrictBoardCode {
        named(&format!("districtBoards/{code}"))
    }

    fn board(name: &str, first: Option<Date>, then: Option<(&str, Date)>) -> DistrictBoard {
        DistrictBoard {
            code: code(name),
            title: Title {
                sv: ShortText::parse(name).unwrap(),
                en: None,
            },
            established_on: first,
            succession: then.map(|(successor, day)| (code(successor), day)),
        }
    }

    fn held(board: &str, year: i32, month: i32, day: i32) -> Deliberation {
        Deliberation {
            id: DeliberationId(Uuid::from_u128(6)),
            agreement: AgreementId(Uuid::from_u128(1)),
            board: code(board),
            held_on: PartialDate::parse(year, month, day).unwrap(),
            paragraph: ShortText::parse("§ 12").unwrap(),
            note: None,
            version: Version::FIRST,
        }
    }

    fn merged() -> Vec<DistrictBoard> {
        let day = date!(2020 - 07 - 01);
        vec![
            board("alvsjo", None, Some(("hagersten-alvsjo", day))),
            board("farsta", None, None),
            board("hagersten-alvsjo", Some(day), None),
            board("hagersten", None, Some(("hagersten-alvsjo", day))),
        ]
    }

    fn told(day: Date, held: &[Deliberation]) -> Vec<(String, State, usize)> {
        let told = districts(&merged(), held, day).into_iter();
        told.map(|one| {
            (
                one.board.code.code().to_owned(),
                one.state,
                one.deliberations.len(),
            )
        })
        .collect()
    }

    #[test]
    fn history_stays_with_the_predecessor_and_is_visible_from_the_successor() {
        let record = [held("alvsjo", 2013, 4, 0), held("farsta", 2013, 0, 0)];
        let (alvsjo, farsta) = ("alvsjo".to_owned(), "farsta".to_owned());
        let (hagersten, both) = ("hagersten".to_owned(), "hagersten-alvsjo".to_owned());
        assert_eq!(
            told(date!(2020 - 06 - 30), &record),
            [
                (alvsjo, State::Discussed, 1),
                (farsta.clone(), State::Discussed, 1),
                (hagersten, State::NotYet, 0)
            ]
        );
        assert_eq!(
            told(date!(2020 - 07 - 01), &record),
            [
                (farsta, State::Discussed, 1),
                (both, State::DiscussedByPredecessor, 1)
            ]
        );
    }

    #[test]
    fn a_day_in_the_past_does_not_know_what_came_later() {
        let told = told(date!(2013 - 03 - 31), &[held("alvsjo", 2013, 4, 0)]);
        assert!(told.iter().all(|(_, state, _)| *state == State::NotYet));
    }

    #[test]
    fn a_circle_in_the_record_ends() {
        let day = date!(2000 - 01 - 01);
        let boards = [
            board("aa", None, Some(("bb", day))),
            board("bb", None, Some(("aa", day))),
            board("cc", None, None),
        ];
        assert_eq!(districts(&boards, &[held("aa", 1999, 0, 0)], day).len(), 1);
    }

    #[test]
    fn a_discussion_lies_within_the_boards_time_and_not_after_today() {
        let today = date!(2021 - 01 - 01);
        let boards = merged();
        let judged = |index: usize, year, month, day| {
            boards[index].expect_held(&PartialDate::parse(year, month, day).unwrap(), today)
        };
        assert_eq!(judged(1, 2021, 1, 2), Err(HeldError::Future));
        assert_eq!(
            judged(1, 2021, 0, 0),
            Ok(()),
            "some day of the year is not after today"
        );
        assert_eq!(judged(0, 2020, 7, 1), Err(HeldError::AfterBoard));
        assert_eq!(judged(2, 2020, 6, 30), Err(HeldError::BeforeBoard));
        assert_eq!(judged(2, 2020, 0, 0), Ok(()));
    }
}
