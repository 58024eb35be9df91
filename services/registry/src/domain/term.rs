//! For how long an agreement holds.
//!
//! # Design notes
//! The clock starts with the council's decision, never with a ceremony. When the source gives only
//! a month, the term starts on the first of it: a term that starts too early by days ends no right
//! and begins no duty too late, and the precision is shown beside it. A term that starts on 29
//! February of a leap year has its next anniversary on 1 March of a common one, so that its last
//! day is the last of February and no day is lost or held twice.
//!
//! Nothing acts when a term extends: it is a function of the day that is asked about, so that no
//! outage can delay it.

use time::{Date, Month};

use handslag_platform::violations::FieldError;

/// Longest term, in years.
pub const TERM_YEARS_MOST: i32 = 20;
/// Most extensions by itself.
pub const EXTENSIONS_MOST: i32 = 10;

/// How long a term is and how often it extends by itself unless decided otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermRules {
    years: i32,
    max_extensions: i32,
}

/// A term as it stands on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// First day.
    pub starts_on: Date,
    /// Last day, with the extensions that have begun.
    pub ends_on: Date,
    /// First day of the last year before `ends_on`.
    pub evaluation_starts_on: Date,
    /// Extensions that have begun.
    pub extensions: i32,
}

/// Where a term is on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before the first day.
    Before,
    /// Within.
    Running,
    /// In the last year.
    Evaluation,
    /// After the last day.
    Over,
}

impl TermRules {
    /// Checks the rules.
    ///
    /// # Errors
    /// `TERM_YEARS_OUT_OF_RANGE` or `EXTENSIONS_OUT_OF_RANGE`, each with its field.
    pub fn parse(years: i32, max_extensions: i32) -> Result<Self, Vec<(&'static str, FieldError)>> {
        let mut refused = Vec::new();
        if !(1..=TERM_YEARS_MOST).contains(&years) {
            refused.push((
                "term_years",
                range("TERM_YEARS_OUT_OF_RANGE", 1, TERM_YEARS_MOST),
            ));
        }
        if !(0..=EXTENSIONS_MOST).contains(&max_extensions) {
            refused.push((
                "max_extensions",
                range("EXTENSIONS_OUT_OF_RANGE", 0, EXTENSIONS_MOST),
            ));
        }
        if refused.is_empty() {
            Ok(Self {
                years,
                max_extensions,
            })
        } else {
            Err(refused)
        }
    }

    /// Length of a term, in years.
    #[must_use]
    pub const fn years(self) -> i32 {
        self.years
    }

    /// How often it extends by itself.
    #[must_use]
    pub const fn max_extensions(self) -> i32 {
        self.max_extensions
    }

    /// The term that starts on `starts_on`, as it stands on `day`.
    #[must_use]
    pub fn term_on(self, starts_on: Date, day: Date) -> Term {
        let begun = |extensions: &i32| anniversary(starts_on, self.years * extensions) <= day;
        // An extension begins the day after the last day of the term before.
        let extensions = (1..=self.max_extensions).take_while(begun).count();
        let extensions = i32::try_from(extensions).unwrap_or(self.max_extensions);
        let years = self.years * (extensions + 1);
        let after = anniversary(starts_on, years);
        Term {
            starts_on,
            ends_on: after.previous_day().unwrap_or(after),
            evaluation_starts_on: anniversary(starts_on, years - 1),
            extensions,
        }
    }
}

impl Term {
    /// Where the term is on a day.
    #[must_use]
    pub fn phase_on(&self, day: Date) -> Phase {
        if day < self.starts_on {
            Phase::Before
        } else if day > self.ends_on {
            Phase::Over
        } else if day >= self.evaluation_starts_on {
            Phase::Evaluation
        } else {
            Phase::Running
        }
    }
}

/// The same day `years` later; 1 March when that year has no 29 February.
fn anniversary(day: Date, years: i32) -> Date {
    let year = day.year() + years;
    // Years stay below 2199 + 20 * 11, and 1 March exists in each.
    day.replace_year(year)
        .or_else(|_| Date::from_calendar_date(year, Month::March, 1))
        .unwrap_or(day)
}

fn range(reason: &'static str, least: i32, most: i32) -> FieldError {
    FieldError::new(
        reason,
        format!("must be {least} to {most}"),
        format!("Måste vara {least} till {most}."),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Date, Duration, macros::date};

    use super::{Phase, TermRules};

    const STOCKHOLM: TermRules = TermRules {
        years: 4,
        max_extensions: 1,
    };

    #[test]
    fn four_years_from_june_2012_and_four_more_without_a_decision() {
        let first = STOCKHOLM.term_on(date!(2012 - 06 - 01), date!(2016 - 05 - 31));
        assert_eq!(first.ends_on, date!(2016 - 05 - 31));
        assert_eq!(first.evaluation_starts_on, date!(2015 - 06 - 01));
        assert_eq!(
            (first.extensions, first.phase_on(date!(2016 - 05 - 31))),
            (0, Phase::Evaluation)
        );
        let second = STOCKHOLM.term_on(date!(2012 - 06 - 01), date!(2016 - 06 - 01));
        assert_eq!(second.ends_on, date!(2020 - 05 - 31));
        assert_eq!(
            (second.extensions, second.phase_on(date!(2016 - 06 - 01))),
            (1, Phase::Running)
        );
    }

    #[test]
    fn extends_once_and_not_twice() {
        let term = STOCKHOLM.term_on(date!(2012 - 06 - 01), date!(2020 - 06 - 01));
        assert_eq!((term.ends_on, term.extensions), (date!(2020 - 05 - 31), 1));
        assert_eq!(term.phase_on(date!(2020 - 06 - 01)), Phase::Over);
    }

    #[test]
    fn a_leap_day_loses_no_day() {
        let four = STOCKHOLM.term_on(date!(2012 - 02 - 29), date!(2012 - 02 - 29));
        assert_eq!(four.ends_on, date!(2016 - 02 - 28));
        assert_eq!(four.evaluation_starts_on, date!(2015 - 03 - 01));
        let three = TermRules {
            years: 3,
            max_extensions: 0,
        };
        assert_eq!(
            three
                .term_on(date!(2012 - 02 - 29), date!(2012 - 02 - 29))
                .ends_on,
            date!(2015 - 02 - 28)
        );
    }

    #[test]
    fn the_only_year_of_a_term_is_the_one_that_is_evaluated() {
        let one = TermRules {
            years: 1,
            max_extensions: 0,
        };
        let term = one.term_on(date!(2024 - 01 - 01), date!(2024 - 01 - 01));
        assert_eq!(term.phase_on(date!(2024 - 01 - 01)), Phase::Evaluation);
    }

    #[test]
    fn refuses_rules_without_measure() {
        assert!(TermRules::parse(20, 10).is_ok());
        let fields = |years, extensions| {
            let refused = TermRules::parse(years, extensions).expect_err("refused");
            refused
                .into_iter()
                .map(|(field, _)| field)
                .collect::<Vec<_>>()
        };
        assert_eq!(fields(0, 11), ["term_years", "max_extensions"]);
        assert_eq!(fields(21, 0), ["term_years"]);
        assert_eq!(fields(4, -1), ["max_extensions"]);
    }

    fn a_day() -> impl Strategy<Value = Date> {
        (0_i64..109_572).prop_map(|days| date!(1900 - 01 - 01) + Duration::days(days))
    }

    proptest! {
        #[test]
        fn terms_follow_one_another_without_gap_or_overlap(
            start in a_day(), years in 1..=20_i32, extensions in 0..=10_i32,
        ) {
            let rules = TermRules { years, max_extensions: extensions };
            let mut term = rules.term_on(start, start);
            for number in 0..=extensions {
                prop_assert_eq!(term.extensions, number);
                prop_assert_eq!(rules.term_on(start, term.ends_on), term);
                prop_assert!(term.starts_on <= term.evaluation_starts_on);
                prop_assert!(term.evaluation_starts_on <= term.ends_on);
                let length = (term.ends_on - start).whole_days() + 1;
                let expected = f64::from(years * (number + 1)) * 365.2425;
                prop_assert!((f64::from(i32::try_from(length).unwrap()) - expected).abs() < 3.0);
                term = rules.term_on(start, term.ends_on + Duration::DAY);
            }
            prop_assert_eq!(term.extensions, extensions);
        }
    }
}
