//! Days and moments as the databases and the messages write them.
//!
//! # Design notes
//! Written anew and not taken from the platform, so that a mistake there is not repeated here. The
//! offset of Stockholm follows the rule that the European Union has had since 1996: an event is
//! told of on the day on which it happened there, and none is older than the platform.

use std::fmt;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROSECONDS: i64 = 1_000_000;
const SECONDS_OF_HOUR: i64 = 3_600;
const SECONDS_OF_DAY: i64 = 86_400;

/// A calendar day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Day(i32);

impl Day {
    /// The day of a year, a month from 1 and a day from 1; `None` when there is no such day.
    #[must_use]
    pub(crate) fn new(year: i32, month: i32, day: i32) -> Option<Self> {
        let fits = (1..=12).contains(&month) && day >= 1 && day <= days_of(year, month);
        fits.then(|| Self(number(year, month, day)))
    }

    /// The last day that a date can mean of which only the year, or the year and the month, may be
    /// known; 0 says that it is not.
    #[must_use]
    pub(crate) fn latest(year: i32, month: i32, day: i32) -> Option<Self> {
        let month = if month == 0 { 12 } else { month };
        let last = (1..=12).contains(&month).then(|| days_of(year, month))?;
        Self::new(year, month, if day == 0 { last } else { day })
    }

    /// Reads `2026-03-01`.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-').map(str::parse);
        let mut next = || parts.next()?.ok();
        Self::new(next()?, next()?, next()?)
    }

    /// Year, month and day.
    #[must_use]
    pub(crate) fn parts(self) -> (i32, i32, i32) {
        // Howard Hinnant's `civil_from_days`.
        let shifted = i64::from(self.0) + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year + era * 400 + i64::from(month <= 2);
        (narrow(year), narrow(month), narrow(day))
    }
}

/// The day's number by Howard Hinnant's `days_from_civil`.
fn number(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn days_of(year: i32, month: i32) -> i32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// What is known to fit: parts of a date.
fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or_default()
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A moment, in microseconds since 1970-01-01 UTC, as PostgreSQL keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// PostgreSQL's `-infinity`.
    pub(crate) const NEVER: Self = Self(i64::MIN);
    /// PostgreSQL's `infinity`.
    pub(crate) const FOR_EVER: Self = Self(i64::MAX);

    /// Reads RFC 3339, as messages have it and `row_to_json` writes it, and the infinities.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "infinity" => return Some(Self::FOR_EVER),
            "-infinity" => return Some(Self::NEVER),
            _ => {}
        }
        let (day, rest) = text.split_at_checked(10)?;
        let rest = rest.strip_prefix(['T', ' '])?;
        let zone = rest.find(['Z', 'z', '+', '-'])?;
        let (clock, zone) = rest.split_at_checked(zone)?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let seconds = i64::from(Day::parse(day)?.0) * SECONDS_OF_DAY + sexagesimal(clock)?;
        let seconds = seconds - offset(zone)?;
        seconds
            .checked_mul(MICROSECONDS)?
            .checked_add(microseconds(fraction)?)
            .map(Self)
    }

    /// The moment so many microseconds later; negative for earlier.
    #[must_use]
    pub(crate) fn plus(self, microseconds: i64) -> Self {
        Self(self.0.saturating_add(microseconds))
    }

    /// The day in Stockholm.
    #[must_use]
    pub(crate) fn in_stockholm(self) -> Day {
        let seconds = self.0.div_euclid(MICROSECONDS);
        let local = seconds + stockholm_offset(seconds);
        Day(narrow(local.div_euclid(SECONDS_OF_DAY)))
    }
}

/// `12:30` or `12:30:01`, in seconds.
fn sexagesimal(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let mut next = |needed: bool| match parts.next() {
        Some(part) if part.len() == 2 => part.parse::<i64>().ok(),
        None if !needed => Some(0),
        _ => None,
    };
    Some(next(true)? * SECONDS_OF_HOUR + next(false)? * 60 + next(false)?)
}

/// Up to nine decimals of a second, cut to microseconds.
fn microseconds(fraction: &str) -> Option<i64> {
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let six = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    Some(six.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// `Z`, `+01` or `-05:30`, in seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let seconds = sexagesimal(rest)?;
    Some(if sign == "-" { -seconds } else { seconds })
}

/// Two hours from the last Sunday of March to that of October, 01:00 UTC, else one.
fn stockholm_offset(seconds: i64) -> i64 {
    let (year, ..) = Day(narrow(seconds.div_euclid(SECONDS_OF_DAY))).parts();
    let change = |month| {
        let last = number(year, month, 31);
        // 1970-01-01 was a Thursday, so day 3 was the first Sunday.
        let sunday = last - (last - 3).rem_euclid(7);
        i64::from(sunday) * SECONDS_OF_DAY + SECONDS_OF_HOUR
    };
    if seconds >= change(3) && seconds < change(10) {
        2 * SECONDS_OF_HOUR
    } else {
        SECONDS_OF_HOUR
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NEVER => return f.write_str("-infinity"),
            Self::FOR_EVER => return f.write_str("infinity"),
            Self(_) => {}
        }
        let seconds = self.0.div_euclid(MICROSECONDS);
        let fraction = self.0.rem_euclid(MICROSECONDS);
        let day = Day(narrow(seconds.div_euclid(SECONDS_OF_DAY)));
        let clock = seconds.rem_euclid(SECONDS_OF_DAY);
        let (hour, minute, second) = (clock / SECONDS_OF_HOUR, clock / 60 % 60, clock % 60);
        write!(
            f,
            "{day}T{hour:02}:{minute:02}:{second:02}.{fraction:06}+00:00"
        )
    }
}

struct Text<T>(fn(&str) -> Option<T>, &'static str);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).ok_or_else(|| E::custom(format_args!("{text:?} is not {}", self.1)))
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text(Self::parse, "a day like 2026-03-01"))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(Text(Self::parse, "a moment like 2026-03-01T12:00:00+00:00"))
            .map_err(D::Error::custom)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Day, Moment};

    fn day(text: &str) -> Day {
        Day::parse(text).expect(text)
    }

    fn moment(text: &str) -> Moment {
        Moment::parse(text).expect(text)
    }

    proptest! {
        #[test]
        fn a_day_survives_its_text(number in -100_000_i32..100_000) {
            prop_assert_eq!(Day::parse(&Day(number).to_string()), Some(Day(number)));
        }

        #[test]
        fn a_moment_survives_its_text(milliseconds in -4_000_000_000_000_i64..4_000_000_000_000) {
            let at = Moment(milliseconds * 1_000 + 7);
            prop_assert_eq!(Moment::parse(&at.to_string()), Some(at));
        }
    }

    #[test]
    fn refuses_days_that_are_none() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-00-01",
            "2026-01",
            "",
            "x-1-1",
            "2026-01-32",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert_eq!(day("1970-01-01"), Day(0));
        assert_eq!(day("2024-02-29").parts(), (2024, 2, 29));
    }

    #[test]
    fn a_partial_date_means_its_last_day_at_the_latest() {
        assert_eq!(Day::latest(2012, 0, 0), Some(day("2012-12-31")));
        assert_eq!(Day::latest(2012, 2, 0), Some(day("2012-02-29")));
        assert_eq!(Day::latest(2012, 6, 18), Some(day("2012-06-18")));
        assert_eq!(Day::latest(2012, 13, 0), None);
    }

    #[test]
    fn reads_every_form_of_a_moment() {
        let whole = moment("2026-03-01T12:00:00Z");
        for same in [
            "2026-03-01T13:00:00+01:00",
            "2026-03-01 07:00:00-05",
            "2026-03-01T12:00:00.0+00:00",
        ] {
            assert_eq!(moment(same), whole, "{same}");
        }
        assert_eq!(moment("2026-03-01T12:00:00.12+00:00"), whole.plus(120_000));
        assert_eq!(
            moment("2026-03-01T12:00:00.123456789Z"),
            whole.plus(123_456)
        );
        assert_eq!(moment("-infinity"), Moment::NEVER);
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T12:00:00",
            "2026-03-01T1:00:00Z",
            "ö026-03-01T",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_begins_in_stockholm_before_it_does_in_greenwich() {
        for (at, there) in [
            ("2026-01-31T22:59:59Z", "2026-01-31"),
            ("2026-01-31T23:00:00Z", "2026-02-01"),
            ("2026-07-31T21:59:59Z", "2026-07-31"),
            ("2026-07-31T22:00:00Z", "2026-08-01"),
            // The clocks change on 29 March and 25 October 2026.
            ("2026-03-28T22:30:00Z", "2026-03-28"),
            ("2026-03-29T22:30:00Z", "2026-03-30"),
            ("2026-10-24T22:30:00Z", "2026-10-25"),
            ("2026-10-25T22:30:00Z", "2026-10-25"),
        ] {
            assert_eq!(moment(at).in_stockholm(), day(there), "{at}");
        }
    }
}
