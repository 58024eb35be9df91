//! The number of signatories over time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::Date;

use crate::domain::figures::SignatoryState;
use crate::domain::history::History;

/// The count from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The day.
    pub day: Date,
    /// Organisations that had signed and not withdrawn.
    pub signed: i32,
    /// Organisations that had decided to join, the signed among them.
    pub decided: i32,
}

/// One point for each day from `from` (absent: the first change) to `to` on which a number changes, and the two ends.
pub fn curve(histories: &[History<SignatoryState>], from: Option<Date>, to: Date) -> Vec<Point> {
    let steps = steps(histories);
    let from = from
        .or_else(|| steps.keys().next().copied())
        .unwrap_or(to)
        .min(to);
    let (mut signed, mut decided) = (0, 0);
    let mut points: Vec<Point> = Vec::new();
    for (day, step) in steps.range(..=to) {
        if *day > from && points.is_empty() {
            points.push(Point {
                day: from,
                signed,
                decided,
            });
        }
        signed += step.signed;
        decided += step.decided;
        if *day > from {
            points.push(Point {
                day: *day,
                signed,
                decided,
            });
        }
    }
    if points.is_empty() {
        points.push(Point {
            day: from,
            signed,
            decided,
        });
    }
    if points.last().is_some_and(|last| last.day < to) {
        points.push(Point {
            day: to,
            signed,
            decided,
        });
    }
    points
}

/// The count at the end of `day`.
pub fn count_on(histories: &[History<SignatoryState>], day: Date) -> Point {
    let count = |counts: fn(SignatoryState) -> bool| {
        let hits = histories
            .iter()
            .filter(|history| history.at(day).is_some_and(counts))
            .count();
        i32::try_from(hits).unwrap_or(i32::MAX)
    };
    Point {
        day,
        signed: count(SignatoryState::is_signed),
        decided: count(SignatoryState::is_decided),
    }
}

#[derive(Default)]
struct Step {
    signed: i32,
    decided: i32,
}

/// What each day adds or takes away; days whose changes cancel out are left out.
fn steps(histories: &[History<SignatoryState>]) -> BTreeMap<Date, Step> {
    let mut days: BTreeMap<Date, Step> = BTreeMap::new();
    for history in histories {
        let (mut signed, mut decided) = (false, false);
        for (day, state) in history.steps() {
            let step = days.entry(*day).or_default();
            step.signed += i32::from(state.is_signed()) - i32::from(signed);
            step.decided += i32::from(state.is_decided()) - i32::from(decided);
            (signed, decided) = (state.is_signed(), state.is_decided());
        }
    }
    days.retain(|_, step| step.signed != 0 || step.decided != 0);
    days
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;
    use time::{Date, Duration};

    use super::{Point, count_on, curve};
    use crate::domain::figures::SignatoryState::{self, Decided, Invited, Signed, Withdrawn};
    use crate::domain::history::{Change, History};

    fn history(steps: &[(Date, SignatoryState)]) -> History<SignatoryState> {
        let changes = steps.iter().zip(1..).map(|((day, state), version)| Change {
            version,
            day: *day,
            state: *state,
        });
        History::new(changes.collect())
    }

    fn point(day: Date, signed: i32, decided: i32) -> Point {
        Point {
            day,
            signed,
            decided,
        }
    }

    #[test]
    fn steps_on_the_days_of_change_and_ends_at_both_ends() {
        let histories = [
            history(&[
                (date!(2012 - 06 - 18), Decided),
                (date!(2012 - 09 - 20), Signed),
            ]),
            history(&[
                (date!(2012 - 09 - 20), Signed),
                (date!(2013 - 02 - 01), Withdrawn),
            ]),
        ];
        assert_eq!(
            curve(&histories, None, date!(2013 - 12 - 31)),
            [
                point(date!(2012 - 06 - 18), 0, 1),
                point(date!(2012 - 09 - 20), 2, 2),
                point(date!(2013 - 02 - 01), 1, 1),
                point(date!(2013 - 12 - 31), 1, 1),
            ]
        );
    }

    #[test]
    fn a_window_begins_with_what_was_before_it() {
        let histories = [history(&[(date!(2012 - 09 - 20), Signed)])];
        assert_eq!(
            curve(
                &histories,
                Some(date!(2013 - 01 - 01)),
                date!(2013 - 12 - 31)
            ),
            [
                point(date!(2013 - 01 - 01), 1, 1),
                point(date!(2013 - 12 - 31), 1, 1)
            ]
        );
        assert_eq!(
            curve(
                &histories,
                Some(date!(2012 - 01 - 01)),
                date!(2012 - 09 - 20)
            ),
            [
                point(date!(2012 - 01 - 01), 0, 0),
                point(date!(2012 - 09 - 20), 1, 1)
            ]
        );
    }

    #[test]
    fn nothing_recorded_is_a_zero_and_not_an_empty_answer() {
        assert_eq!(
            curve(&[], None, date!(2012 - 01 - 01)),
            [point(date!(2012 - 01 - 01), 0, 0)]
        );
    }

    #[test]
    fn an_invitation_counts_as_nothing() {
        let histories = [history(&[(date!(2012 - 01 - 10), Invited)])];
        let to = date!(2012 - 02 - 01);
        assert_eq!(curve(&histories, None, to), [point(to, 0, 0)]);
    }

    proptest! {
        #[test]
        fn every_point_is_the_count_of_its_day(
            walks in proptest::collection::vec(
                proptest::collection::vec((0_i64..900, 0_usize..7), 0..6), 0..12),
            start in 0_i64..900, length in 0_i64..900,
        ) {
            let origin = date!(2012 - 01 - 01);
            let histories: Vec<_> = walks.iter().map(|walk| {
                let steps: Vec<_> = walk.iter()
                    .map(|(days, state)| (origin + Duration::days(*days), SignatoryState::ALL[*state]))
                    .collect();
                history(&steps)
            }).collect();
            let from = origin + Duration::days(start);
            let to = from + Duration::days(length);
            let points = curve(&histories, Some(from), to);
            prop_assert_eq!(points[0].day, from);
            prop_assert_eq!(points[points.len() - 1].day, to);
            for pair in points.windows(2) {
                prop_assert!(pair[0].day < pair[1].day);
            }
            for point in points {
                prop_assert_eq!(point, count_on(&histories, point.day));
            }
        }
    }
}
