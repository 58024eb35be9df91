//! The one place that asks the machine for the time.

use std::sync::{Arc, PoisonError, RwLock};

use time::{Date, OffsetDateTime};

/// Nanoseconds in a microsecond: PostgreSQL keeps microseconds, and an instant must survive the way
/// there and back.
const NANOSECONDS_PER_MICROSECOND: u32 = 1_000;

/// Where a service gets its time from: the machine's clock, or one that a test sets.
#[derive(Clone, Debug)]
pub struct Clock {
    fixed: Option<Arc<RwLock<OffsetDateTime>>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands at `at` until it is [`set`](Self::set); its clones stand with it.
    #[must_use]
    pub fn fixed(at: OffsetDateTime) -> Self {
        Self {
            fixed: Some(Arc::new(RwLock::new(at))),
        }
    }

    /// Now, in UTC, cut to microseconds.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        let now = match &self.fixed {
            Some(at) => *at.read().unwrap_or_else(PoisonError::into_inner),
            None => machine_time(),
        };
        let now = now.to_offset(time::UtcOffset::UTC);
        let whole = now.nanosecond() - now.nanosecond() % NANOSECONDS_PER_MICROSECOND;
        now.replace_nanosecond(whole).unwrap_or(now)
    }

    /// Today's date in Stockholm, which is what "today" means in the agreement.
    #[must_use]
    pub fn today(&self) -> Date {
        stockholm_date(self.now())
    }

    /// Moves a fixed clock, with all its clones. The system's clock does not move.
    pub fn set(&self, at: OffsetDateTime) {
        if let Some(fixed) = &self.fixed {
            *fixed.write().unwrap_or_else(PoisonError::into_inner) = at;
        }
    }
}

/// The date in Stockholm at an instant.
#[must_use]
pub fn stockholm_date(at: OffsetDateTime) -> Date {
    let local = jiff::Timestamp::from_second(at.unix_timestamp())
        .ok()
        .and_then(|instant| instant.in_tz("Europe/Stockholm").ok());
    // Both conversions hold for every instant of the years 1..=9999 and the bundled time zones.
    local
        .and_then(|local| {
            let month = time::Month::try_from(u8::try_from(local.month()).ok()?).ok()?;
            let day = u8::try_from(local.day()).ok()?;
            Date::from_calendar_date(i32::from(local.year()), month, day).ok()
        })
        .unwrap_or_else(|| at.date())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the machine for the time"
)]
fn machine_time() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::Clock;

    #[test]
    fn today_follows_stockholm_in_summer_and_winter() {
        assert_eq!(
            Clock::fixed(datetime!(2026-06-30 22:30 UTC)).today(),
            date!(2026 - 07 - 01)
        );
        assert_eq!(
            Clock::fixed(datetime!(2026-12-31 22:30 UTC)).today(),
            date!(2026 - 12 - 31)
        );
        assert_eq!(
            Clock::fixed(datetime!(2026-12-31 23:00 UTC)).today(),
            date!(2027 - 01 - 01)
        );
    }

    #[test]
    fn a_fixed_clock_moves_with_all_its_clones_and_is_cut_to_microseconds() {
        let clock = Clock::fixed(datetime!(2026-01-01 00:00 UTC));
        let clone = clock.clone();
        clone.set(datetime!(2026-01-02 00:00:00.123456789 UTC));
        assert_eq!(clock.now(), datetime!(2026-01-02 00:00:00.123456 UTC));
    }
}
