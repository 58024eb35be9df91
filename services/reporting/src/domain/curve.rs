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

/// What a day adds to the numbers, or takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub day: Date,
    /// Whether it is of example data.
    pub example: bool,
    /// Organisations that count as signed from now on, less those that do no longer.
    pub signed: i32,
    /// The same of those that have decided to join.
    pub decided: i32,
    /// Organisations that are first heard of.
    pub begun: i32,
}

/// One point for each day from `from` (absent: the first change) to `to` on which a number changes, and the two ends.
pub fn curve(days: &[Day], from: Option<Date>, to: Date) -> Vec<Point> {
    let steps = steps(days);
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
pub fn count_on(days: &[Day], day: Date) -> Point {
    let past = days.iter().filter(|one| one.day <= day);
    past.fold(
        Point {
            day,
            signed: 0,
            decided: 0,
        },
        |count, one| Point {
            day,
            signed: count.signed + one.signed,
            decided: count.decided + one.decided,
        },
    )
}

/// Whether an organisation that is example data is heard of by `day`.
pub fn has_example_by(days: &[Day], day: Date) -> bool {
    days.iter()
        .any(|one| one.example && one.begun > 0 && one.day <= day)
}

/// What relations add day by day, each given as its history and whether it is example data. The database keeps these sums
/// for the read model, and a test holds them against this.
pub fn days<'a>(
    relations: impl IntoIterator<Item = (&'a History<SignatoryState>, bool)>,
) -> Vec<Day> {
    let mut days: BTreeMap<(Date, bool), Day> = BTreeMap::new();
    for (history, example) in relations {
        let (mut signed, mut decided, mut begun) = (false, false, true);
        for (day, state) in history.steps() {
            let sum = days.entry((*day, example)).or_insert(Day {
                day: *day,
                example,
                signed: 0,
                decided: 0,
                begun: 0,
            });
            sum.signed += i32::from(state.is_signed()) - i32::from(signed);
            sum.decided += i32::from(state.is_decided()) - i32::from(decided);
            sum.begun += i32::from(begun);
            (signed, decided, begun) = (state.is_signed(), state.is_decided(), false);
        }
    }
    days.into_values().collect()
}

#[derive(Default)]
struct Step {
    signed: i32,
    decided: i32,
}

/// What each day adds or takes away; days whose changes cancel out are left out.
fn steps(days: &[Day]) -> BTreeMap<Date, Step> {
    let mut steps: BTreeMap<Date, Step> = BTreeMap::new();
    for day in days {
        let step = steps.entry(day.day).or_default();
        step.signed += day.signed;
        step.decided += day.decided;
    }
    steps.retain(|_, step| step.signed != 0 || step.decided != 0);
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;
    use time::{Date, Duration};

    use super::{Day, Point, count_on, curve, days, has_example_by};
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

    fn sums(histories: &[History<SignatoryState>]) -> Vec<Day> {
        days(histories.iter().map(|history| (history, false)))
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
            curve(&sums(&histories), None, date!(2013 - 12 - 31)),
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
                &sums(&histories),
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
                &sums(&histories),
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
        assert_eq!(curve(&sums(&histories), None, to), [point(to, 0, 0)]);
    }

    #[test]
    fn an_example_is_seen_from_its_first_day_on() {
        let invited = history(&[(date!(2012 - 01 - 10), Invited)]);
        let sums = days([(&invited, true)]);
        assert!(has_example_by(&sums, date!(2012 - 01 - 10)));
        assert!(!has_example_by(&sums, date!(2012 - 01 - 09)));
        assert!(!has_example_by(
            &days([(&invited, false)]),
            date!(2012 - 01 - 10)
        ));
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
            let sums = sums(&histories);
            let points = curve(&sums, Some(from), to);
            prop_assert_eq!(points[0].day, from);
            prop_assert_eq!(points[points.len() - 1].day, to);
            for pair in points.windows(2) {
                prop_assert!(pair[0].day < pair[1].day);
            }
            for point in points {
                let on = |counts: fn(SignatoryState) -> bool| {
                    let hits = histories.iter().filter(|one| one.at(point.day).is_some_and(counts));
                    i32::try_from(hits.count()).unwrap()
                };
                prop_assert_eq!(point.signed, on(SignatoryState::is_signed));
                prop_assert_eq!(point.decided, on(SignatoryState::is_decided));
                prop_assert_eq!(point, count_on(&sums, point.day));
            }
        }
    }
}
