//! Organisations of the non-profit sector.
//!
//! # Design notes
//! The number is never the key: an association need not have one, and gets another when it
//! registers as a faith community. Numbers form a history of days; the days before the first
//! recorded one belong to it as well, since the record does not say since when an organisation has
//! had its number.

use handslag_platform::{etag::Version, text::ShortText};
use time::Date;

use super::{
    name::{AreaCode, OrganisationId},
    organisation_number::OrganisationNumber,
    text::{Prose, Source},
    word::words,
};

words! {
    /// Legal forms.
    pub enum OrganisationKind {
        /// Ideell förening.
        Association = "association",
        /// Stiftelse.
        Foundation = "foundation",
        /// Ekonomisk förening, kooperativ.
        Cooperative = "cooperative",
        /// Registrerat trossamfund.
        FaithCommunity = "faith_community",
        /// Arbetsintegrerande eller annat socialt företag.
        SocialEnterprise = "social_enterprise",
        /// Another, or the source does not say.
        Other = "other",
    }
}

words! {
    /// Which unit of an organisation.
    pub enum OrganisationLevel {
        /// Riksorganisation.
        National = "national",
        /// Distrikt.
        District = "district",
        /// Lokalförening.
        Local = "local",
        /// The source does not say.
        Unknown = "unknown",
    }
}

words! {
    /// Roles that an organisation may have.
    pub enum Role {
        /// Röstbärare.
        VoiceBearer = "voice_bearer",
        /// Utförare.
        Provider = "provider",
    }
}

/// Something that a source says of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordNote {
    /// What.
    pub text: Prose,
    /// Where it stands.
    pub source: Source,
}

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// What identifies it.
    pub id: OrganisationId,
    /// Its name.
    pub display_name: ShortText,
    /// Its legal form.
    pub kind: OrganisationKind,
    /// Which unit it is.
    pub level: OrganisationLevel,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Areas that it works in.
    pub areas: Vec<AreaCode>,
    /// What the sources say of it.
    pub notes: Vec<RecordNote>,
    /// Whether it is example data.
    pub example: bool,
    /// How often it has changed.
    pub version: Version,
}

/// What a correction changes; `None` keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// Its name.
    pub display_name: Option<ShortText>,
    /// Its legal form.
    pub kind: Option<OrganisationKind>,
    /// Which unit it is.
    pub level: Option<OrganisationLevel>,
    /// Its roles.
    pub roles: Option<Vec<Role>>,
    /// Areas that it works in.
    pub areas: Option<Vec<AreaCode>>,
}

impl Organisation {
    /// Corrects what is recorded.
    #[must_use]
    pub fn corrected(self, correction: Correction) -> Self {
        Self {
            display_name: correction.display_name.unwrap_or(self.display_name),
            kind: correction.kind.unwrap_or(self.kind),
            level: correction.level.unwrap_or(self.level),
            roles: correction.roles.unwrap_or(self.roles),
            areas: correction.areas.unwrap_or(self.areas),
            version: self.version.next(),
            ..self
        }
    }

    /// The same organisation after a change of its numbers.
    #[must_use]
    pub fn touched(self) -> Self {
        Self {
            version: self.version.next(),
            ..self
        }
    }
}

/// A number and the days that it holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPeriod {
    /// The number.
    pub number: OrganisationNumber,
    /// First day; `None` when older than the record.
    pub from: Option<Date>,
    /// First day that it holds no more; `None` while it does.
    pub until: Option<Date>,
}

/// What a change of numbers does to the last period and whether it begins another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberChange {
    /// The first day of what comes after; the open period, if any, ends on it.
    pub on: Date,
    /// Whether a period is open and ends.
    pub ends_one: bool,
    /// The number from then on.
    pub number: Option<OrganisationNumber>,
}

/// Why a number cannot change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberChangeError {
    /// It has that number, or none, already.
    #[error("the organisation has that number already")]
    Unchanged,
    /// The day is not after the first of the last period.
    #[error("a number cannot change before or on the day of the change before it")]
    BeforeTheLast,
}

/// The change of numbers `history`, oldest first, to `number` from `on`.
///
/// # Errors
/// See [`NumberChangeError`].
pub fn change_number(
    history: &[NumberPeriod],
    number: Option<OrganisationNumber>,
    on: Date,
) -> Result<NumberChange, NumberChangeError> {
    let last = history.last();
    let open = last.filter(|period| period.until.is_none());
    if open.map(|period| &period.number) == number.as_ref() {
        return Err(NumberChangeError::Unchanged);
    }
    let too_early = last.is_some_and(|period| {
        period.from.is_some_and(|from| on <= from) || period.until.is_some_and(|until| on < until)
    });
    if too_early {
        return Err(NumberChangeError::BeforeTheLast);
    }
    Ok(NumberChange {
        on,
        ends_one: open.is_some(),
        number,
    })
}

#[cfg(test)]
mod tests {
    use time::{Date, macros::date};

    use super::{NumberChangeError, NumberPeriod, OrganisationNumber, change_number};

    fn number(text: &str) -> OrganisationNumber {
        OrganisationNumber::parse(text).expect("valid")
    }

    fn period(from: Option<Date>, until: Option<Date>) -> NumberPeriod {
        NumberPeriod {
            number: number("802411-8310"),
            from,
            until,
        }
    }

    const DAY: Date = date!(2013 - 01 - 01);

    #[test]
    fn an_association_that_becomes_a_faith_community_gets_another_number() {
        let changed = change_number(&[period(None, None)], Some(number("252000-0007")), DAY)
            .expect("changed");
        assert!(changed.ends_one);
        let first = change_number(&[], Some(number("252000-0007")), DAY).expect("the first");
        assert!(!first.ends_one);
    }

    #[test]
    fn refuses_a_change_that_changes_nothing() {
        let same = change_number(&[period(None, None)], Some(number("8024118310")), DAY);
        assert_eq!(same, Err(NumberChangeError::Unchanged));
        assert_eq!(
            change_number(&[], None, DAY),
            Err(NumberChangeError::Unchanged)
        );
    }

    #[test]
    fn refuses_a_change_into_the_past_of_the_last_one() {
        for history in [
            period(Some(DAY), None),
            period(None, Some(date!(2013 - 01 - 02))),
        ] {
            let refused = change_number(&[history], Some(number("252000-0007")), DAY);
            assert_eq!(refused, Err(NumberChangeError::BeforeTheLast));
        }
        let again = change_number(&[period(None, Some(DAY))], Some(number("802411-8310")), DAY);
        assert!(again.is_ok());
    }
}
