//! Values of `handslag.common.v1` and `google.protobuf`, to and from ours.

use handslag_proto::common::v1 as proto;
use prost_types::Timestamp;
use time::{Date, OffsetDateTime};

use crate::date::{PartialDate, whole_date};
use crate::text::{Parse, parse_optional};
use crate::violations::FieldError;

/// A text in the languages of the city, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Localized<T> {
    /// Swedish.
    pub sv: T,
    /// English, when there is one.
    pub en: Option<T>,
}

/// A required whole date.
///
/// # Errors
/// `FIELD_REQUIRED` or `DATE_INVALID`.
pub fn date(value: Option<&proto::Date>) -> Result<Date, FieldError> {
    let value = value.ok_or_else(FieldError::required)?;
    whole_date(value.year, value.month, value.day)
}

/// A whole date that may be missing.
///
/// # Errors
/// `DATE_INVALID`.
pub fn optional_date(value: Option<&proto::Date>) -> Result<Option<Date>, FieldError> {
    value.map(|value| date(Some(value))).transpose()
}

/// A whole date on the wire.
#[must_use]
pub fn date_to_proto(date: Date) -> proto::Date {
    proto::Date {
        year: date.year(),
        month: i32::from(u8::from(date.month())),
        day: i32::from(date.day()),
    }
}

/// A required partial date.
///
/// # Errors
/// `FIELD_REQUIRED` or `DATE_INVALID`.
pub fn partial_date(value: Option<&proto::PartialDate>) -> Result<PartialDate, FieldError> {
    let value = value.ok_or_else(FieldError::required)?;
    PartialDate::parse(value.year, value.month, value.day)
}

/// A partial date that may be missing.
///
/// # Errors
/// `DATE_INVALID`.
pub fn optional_partial_date(
    value: Option<&proto::PartialDate>,
) -> Result<Option<PartialDate>, FieldError> {
    value.map(|value| partial_date(Some(value))).transpose()
}

/// A partial date on the wire.
#[must_use]
pub fn partial_date_to_proto(date: PartialDate) -> proto::PartialDate {
    proto::PartialDate {
        year: date.year(),
        month: i32::from(date.month_or_zero()),
        day: i32::from(date.day_or_zero()),
    }
}

/// A required instant, cut to the microseconds that the database keeps.
///
/// # Errors
/// `FIELD_REQUIRED` or `TIMESTAMP_INVALID`.
pub fn timestamp(value: Option<&Timestamp>) -> Result<OffsetDateTime, FieldError> {
    let value = value.ok_or_else(FieldError::required)?;
    let invalid = || {
        FieldError::new(
            "TIMESTAMP_INVALID",
            "is no valid instant",
            "Är ingen giltig tidpunkt.",
        )
    };
    let second = OffsetDateTime::from_unix_timestamp(value.seconds).map_err(|_| invalid())?;
    let nanosecond = u32::try_from(value.nanos).map_err(|_| invalid())?;
    second
        .replace_nanosecond(nanosecond - nanosecond % 1_000)
        .map_err(|_| invalid())
}

/// An instant that may be missing.
///
/// # Errors
/// `TIMESTAMP_INVALID`.
pub fn optional_timestamp(value: Option<&Timestamp>) -> Result<Option<OffsetDateTime>, FieldError> {
    value.map(|value| timestamp(Some(value))).transpose()
}

/// An instant on the wire.
#[must_use]
pub fn timestamp_to_proto(at: OffsetDateTime) -> Timestamp {
    // Nanoseconds are below 10^9 and always fit.
    Timestamp {
        seconds: at.unix_timestamp(),
        nanos: i32::try_from(at.nanosecond()).unwrap_or(0),
    }
}

/// A required text in the languages of the city: Swedish is required, English is not.
///
/// # Errors
/// The rule that either breaks.
pub fn localized<T: Parse>(
    value: Option<&proto::LocalizedText>,
) -> Result<Localized<T>, FieldError> {
    let value = value.ok_or_else(FieldError::required)?;
    Ok(Localized {
        sv: T::parse(&value.sv)?,
        en: parse_optional(&value.en)?,
    })
}

/// A text in the languages of the city that may be missing.
///
/// # Errors
/// The rule that either breaks.
pub fn optional_localized<T: Parse>(
    value: Option<&proto::LocalizedText>,
) -> Result<Option<Localized<T>>, FieldError> {
    value.map(|value| localized(Some(value))).transpose()
}

/// A text in the languages of the city on the wire.
#[must_use]
pub fn localized_to_proto<T: AsRef<str>>(text: &Localized<T>) -> proto::LocalizedText {
    proto::LocalizedText {
        sv: text.sv.as_ref().to_owned(),
        en: text
            .en
            .as_ref()
            .map_or_else(String::new, |en| en.as_ref().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;
    use time::macros::{date, datetime};

    use super::{date_to_proto, timestamp, timestamp_to_proto};

    #[test]
    fn instants_and_dates_survive_the_wire() {
        let at = datetime!(1969-12-31 23:59:59.999999 UTC);
        assert_eq!(timestamp(Some(&timestamp_to_proto(at))), Ok(at));
        let day = date!(2012 - 05 - 30);
        assert_eq!(super::date(Some(&date_to_proto(day))), Ok(day));
    }

    #[test]
    fn refuses_instants_that_do_not_exist() {
        for (seconds, nanos) in [(i64::MAX, 0), (0, -1), (0, 1_000_000_000)] {
            assert!(timestamp(Some(&Timestamp { seconds, nanos })).is_err());
        }
        assert_eq!(
            timestamp(None).expect_err("missing").reason,
            "FIELD_REQUIRED"
        );
    }
}
