//! The calendar year that a section is about.

use serde::{Deserialize, Serialize};
use time::{Date, Month};

/// The dialogue that led to the agreement began in Stockholm in 2010: there is nothing to say of earlier years.
pub const FIRST_YEAR: i32 = 2010;

/// A calendar year of the record, [`FIRST_YEAR`] to the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Year(i32);

impl Year {
    /// Checks `year` against the bounds; `None` when it is outside.
    pub fn new(year: i32, today: Date) -> Option<Self> {
        (FIRST_YEAR..=today.year())
            .contains(&year)
            .then_some(Self(year))
    }

    /// The number.
    pub fn number(self) -> i32 {
        self.0
    }

    /// 1 January.
    pub fn first_day(self) -> Date {
        Date::from_calendar_date(self.0, Month::January, 1).unwrap_or(Date::MIN)
    }

    /// 31 December, or `today` while the year is not over.
    pub fn last_day(self, today: Date) -> Date {
        Date::from_calendar_date(self.0, Month::December, 31)
            .unwrap_or(Date::MAX)
            .min(today)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::Year;

    #[test]
    fn is_bounded_by_the_record_and_by_the_present() {
        let today = date!(2026 - 03 - 01);
        assert_eq!(Year::new(2009, today), None);
        assert_eq!(Year::new(2027, today), None);
        assert!(Year::new(2010, today).is_some());
        assert!(Year::new(2026, today).is_some());
    }

    #[test]
    fn ends_today_while_it_is_not_over() {
        let year = Year::new(2026, date!(2026 - 03 - 01)).expect("a year");
        assert_eq!(year.last_day(date!(2026 - 03 - 01)), date!(2026 - 03 - 01));
        assert_eq!(year.last_day(date!(2027 - 03 - 01)), date!(2026 - 12 - 31));
    }
}
