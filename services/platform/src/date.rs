//! Dates of which only the year or the month may be known.
//!
//! # Design notes
//! The record reaches back to documents that name a year and nothing more. Inventing 1 January
//! would be a lie that spreads into terms and reminders, so the precision is kept and comparisons
//! ask for the earliest or latest day.

use std::fmt;

use time::{Date, Month};

use crate::violations::FieldError;

/// First year that a date may have.
pub const YEAR_LEAST: i32 = 1900;
/// Last year that a date may have.
pub const YEAR_MOST: i32 = 2199;

/// How much of a date is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// The year only.
    Year,
    /// Year and month.
    Month,
    /// The whole date.
    Day,
}

/// A date of which the day, or the month and the day, may be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartialDate {
    year: i32,
    month: Option<Month>,
    day: Option<u8>,
}

impl PartialDate {
    /// Checks a date as it comes over the wire: 0 means unknown.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` when all are 0, else `DATE_INVALID`.
    pub fn parse(year: i32, month: i32, day: i32) -> Result<Self, FieldError> {
        if (year, month, day) == (0, 0, 0) {
            return Err(FieldError::required());
        }
        if !(YEAR_LEAST..=YEAR_MOST).contains(&year) {
            return Err(invalid(format!(
                "the year must be {YEAR_LEAST} to {YEAR_MOST}"
            )));
        }
        if month == 0 {
            return if day == 0 {
                Ok(Self {
                    year,
                    month: None,
                    day: None,
                })
            } else {
                Err(invalid("a day needs a month".to_owned()))
            };
        }
        let month = u8::try_from(month)
            .ok()
            .and_then(|month| Month::try_from(month).ok())
            .ok_or_else(|| invalid("the month must be 1 to 12".to_owned()))?;
        if day == 0 {
            return Ok(Self {
                year,
                month: Some(month),
                day: None,
            });
        }
        let date = u8::try_from(day)
            .ok()
            .and_then(|day| Date::from_calendar_date(year, month, day).ok())
            .ok_or_else(|| invalid("the month has no such day".to_owned()))?;
        Ok(Self::from(date))
    }

    /// How much is known.
    #[must_use]
    pub const fn precision(&self) -> Precision {
        match (self.month, self.day) {
            (None, _) => Precision::Year,
            (Some(_), None) => Precision::Month,
            (Some(_), Some(_)) => Precision::Day,
        }
    }

    /// The first day that it can be.
    #[must_use]
    pub fn earliest(&self) -> Date {
        let month = self.month.unwrap_or(Month::January);
        calendar(self.year, month, self.day.unwrap_or(1))
    }

    /// The last day that it can be.
    #[must_use]
    pub fn latest(&self) -> Date {
        let month = self.month.unwrap_or(Month::December);
        calendar(
            self.year,
            month,
            self.day.unwrap_or_else(|| month.length(self.year)),
        )
    }

    /// The year.
    #[must_use]
    pub const fn year(&self) -> i32 {
        self.year
    }

    /// The month, or 0 when unknown: as it goes over the wire and into the database.
    #[must_use]
    pub fn month_or_zero(&self) -> u8 {
        self.month.map_or(0, u8::from)
    }

    /// The day, or 0 when unknown.
    #[must_use]
    pub fn day_or_zero(&self) -> u8 {
        self.day.unwrap_or(0)
    }
}

impl From<Date> for PartialDate {
    fn from(date: Date) -> Self {
        Self {
            year: date.year(),
            month: Some(date.month()),
            day: Some(date.day()),
        }
    }
}

impl fmt::Display for PartialDate {
    /// `2026`, `2026-03` or `2026-03-01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{:02}", u8::from(month))?;
        }
        if let Some(day) = self.day {
            write!(f, "-{day:02}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for PartialDate {
    type Err = FieldError;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let mut parts = text.split('-');
        let mut next = |width: usize| match parts.next() {
            None => Ok(0),
            Some(part) if part.len() == width && part.bytes().all(|one| one.is_ascii_digit()) => {
                match part.parse::<i32>() {
                    Ok(0) | Err(_) => Err(invalid("is no date".to_owned())),
                    Ok(number) => Ok(number),
                }
            }
            Some(_) => Err(invalid("is no date".to_owned())),
        };
        let (year, month, day) = (next(4)?, next(2)?, next(2)?);
        if parts.next().is_some() {
            return Err(invalid("is no date".to_owned()));
        }
        Self::parse(year, month, day)
    }
}

/// A whole date as it comes over the wire.
///
/// # Errors
/// `FIELD_REQUIRED` when all are 0, else `DATE_INVALID`.
pub fn whole_date(year: i32, month: i32, day: i32) -> Result<Date, FieldError> {
    let date = PartialDate::parse(year, month, day)?;
    match date.precision() {
        Precision::Day => Ok(date.earliest()),
        Precision::Year | Precision::Month => Err(invalid("must be a whole date".to_owned())),
    }
}

/// Builds a date whose parts were checked when the partial date was made.
fn calendar(year: i32, month: Month, day: u8) -> Date {
    Date::from_calendar_date(year, month, day.min(month.length(year))).unwrap_or(Date::MIN)
}

fn invalid(message: String) -> FieldError {
    FieldError::new("DATE_INVALID", message, "Är inget giltigt datum.")
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::{PartialDate, Precision, whole_date};

    #[test]
    fn knows_only_what_it_was_told() {
        let year = PartialDate::parse(2014, 0, 0).expect("fine");
        assert_eq!(year.precision(), Precision::Year);
        assert_eq!(
            (year.earliest(), year.latest()),
            (date!(2014 - 01 - 01), date!(2014 - 12 - 31))
        );
        let month = PartialDate::parse(2024, 2, 0).expect("fine");
        assert_eq!(
            (month.earliest(), month.latest()),
            (date!(2024 - 02 - 01), date!(2024 - 02 - 29))
        );
        assert_eq!(
            PartialDate::parse(2012, 5, 30).expect("fine").earliest(),
            date!(2012 - 05 - 30)
        );
    }

    #[test]
    fn refuses_dates_that_do_not_exist() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1899, 1, 1),
            (2200, 1, 1),
            (2020, 13, 1),
            (2020, 0, 1),
            (2020, -1, 0),
            (0, 1, 1),
        ] {
            let refused = PartialDate::parse(year, month, day).expect_err("refused");
            assert_eq!(refused.reason, "DATE_INVALID", "{year}-{month}-{day}");
        }
        assert_eq!(
            PartialDate::parse(0, 0, 0).expect_err("missing").reason,
            "FIELD_REQUIRED"
        );
        assert!(whole_date(2020, 5, 0).is_err());
    }

    #[test]
    fn reads_what_it_writes() {
        for text in ["2014", "2014-09", "2014-09-03"] {
            assert_eq!(text.parse::<PartialDate>().expect("fine").to_string(), text);
        }
        for text in [
            "",
            "14",
            "2014-9",
            "2014-00",
            "2014-09-03-01",
            "2014-09-31",
            "+014",
        ] {
            assert!(text.parse::<PartialDate>().is_err(), "{text}");
        }
    }
}
