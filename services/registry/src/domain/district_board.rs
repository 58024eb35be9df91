//! District boards and how they were succeeded: 14 in 2012, 13 from July 2020, 11 from July 2023.
//!
//! # Design notes
//! A merger is one succession per predecessor. Nothing moves: the history stays with the board that
//! ended, and is found from its successor through `predecessors`. Successions only ever lead
//! forward in time, so that they cannot form a circle.

use handslag_platform::etag::Version;
use time::Date;

use super::{name::DistrictBoardCode, text::Title};

/// A district board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistrictBoard {
    /// What identifies it.
    pub code: DistrictBoardCode,
    /// Its name.
    pub title: Title,
    /// Its first day; `None` when older than the record.
    pub established_on: Option<Date>,
    /// Who took over and from which day.
    pub succession: Option<Succession>,
    /// Whom it took over from, and from which day.
    pub predecessors: Vec<(DistrictBoardCode, Date)>,
    /// How often it has changed.
    pub version: Version,
}

/// How a district board ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    /// Who took over.
    pub successor: DistrictBoardCode,
    /// First day of the successor.
    pub on: Date,
}

/// Why a succession cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuccessionError {
    /// The board has a successor.
    #[error("the district board has been succeeded already")]
    AlreadySucceeded,
    /// Its first day, or the day it took over from another, is not before the day it ends.
    #[error("the district board does not exist before that day")]
    NotBegun,
    /// The successor does not exist on its first day as such, or is the board itself.
    #[error("the successor does not exist on that day")]
    SuccessorDoesNotExist,
}

impl DistrictBoard {
    /// Whether it exists on a day.
    #[must_use]
    pub fn exists_on(&self, day: Date) -> bool {
        self.established_on.is_none_or(|first| first <= day)
            && self.succession.as_ref().is_none_or(|ended| day < ended.on)
    }

    /// Ends in favour of `successor`, whose first day as such is `on`.
    ///
    /// # Errors
    /// See [`SuccessionError`].
    pub fn succeed(self, successor: &Self, on: Date) -> Result<Self, SuccessionError> {
        if self.succession.is_some() {
            return Err(SuccessionError::AlreadySucceeded);
        }
        let begun = self.established_on.is_none_or(|first| first < on)
            && self.predecessors.iter().all(|(_, since)| *since < on);
        if !begun {
            return Err(SuccessionError::NotBegun);
        }
        if successor.code == self.code || !successor.exists_on(on) {
            return Err(SuccessionError::SuccessorDoesNotExist);
        }
        let succession = Some(Succession {
            successor: successor.code.clone(),
            on,
        });
        Ok(Self {
            succession,
            version: self.version.next(),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::{etag::Version, text::ShortText};
    use time::{Date, macros::date};

    use crate::domain::text::Localized;

    use super::{DistrictBoard, DistrictBoardCode, Succession, SuccessionError};

    const MERGER: Date = date!(2020 - 07 - 01);

    fn board(code: &str) -> DistrictBoard {
        DistrictBoard {
            code: DistrictBoardCode::from_code(code).expect("a code"),
            title: Localized {
                sv: ShortText::parse(code).expect("a title"),
                en: None,
            },
            established_on: None,
            succession: None,
            predecessors: Vec::new(),
            version: Version::FIRST,
        }
    }

    fn merged() -> DistrictBoard {
        DistrictBoard {
            established_on: Some(MERGER),
            ..board("hagersten-alvsjo")
        }
    }

    #[test]
    fn a_merger_is_one_succession_per_predecessor() {
        for code in ["alvsjo", "hagersten-liljeholmen"] {
            let ended = board(code).succeed(&merged(), MERGER).expect("a merger");
            assert!(ended.exists_on(date!(2020 - 06 - 30)));
            assert!(!ended.exists_on(MERGER));
            assert_eq!(ended.version, Version(2));
        }
    }

    #[test]
    fn refuses_a_second_end() {
        let ended = board("alvsjo")
            .succeed(&merged(), MERGER)
            .expect("a merger");
        let refused = ended
            .succeed(&merged(), date!(2023 - 07 - 01))
            .expect_err("ended");
        assert_eq!(refused, SuccessionError::AlreadySucceeded);
    }

    #[test]
    fn refuses_a_successor_that_is_not_there() {
        let early = board("alvsjo").succeed(&merged(), date!(2020 - 06 - 30));
        assert_eq!(
            early.expect_err("early"),
            SuccessionError::SuccessorDoesNotExist
        );
        let own = board("alvsjo").succeed(&board("alvsjo"), MERGER);
        assert_eq!(
            own.expect_err("itself"),
            SuccessionError::SuccessorDoesNotExist
        );
    }

    #[test]
    fn refuses_an_end_before_the_beginning() {
        let refused = merged()
            .succeed(&board("alvsjo"), MERGER)
            .expect_err("no day between");
        assert_eq!(refused, SuccessionError::NotBegun);
    }

    #[test]
    fn successions_cannot_form_a_circle() {
        let first = DistrictBoard {
            predecessors: vec![(DistrictBoardCode::from_code("bb").expect("a code"), MERGER)],
            ..board("aa")
        };
        let second = DistrictBoard {
            succession: Some(Succession {
                successor: first.code.clone(),
                on: MERGER,
            }),
            ..board("bb")
        };
        let before = first.clone().succeed(&second, date!(2019 - 07 - 01));
        assert_eq!(before.expect_err("before"), SuccessionError::NotBegun);
        let after = first.succeed(&second, date!(2021 - 07 - 01));
        assert_eq!(
            after.expect_err("after"),
            SuccessionError::SuccessorDoesNotExist
        );
    }
}
