//! The yearly round: each party accounts for its own part.
//!
//! # Design notes
//! A missing account is a party without one, shown as such; there is no status that a deadline
//! flips. Lateness is computed from the last day as it stands now, so that a last day moved for
//! everyone undoes the mark of those who came after the old one (mission rules 12 and 14).

use handslag_platform::etag::Version;
use handslag_platform::text::LongText;
use time::{Date, OffsetDateTime};

use super::names::{AgreementId, FollowUpId, PartyCode};

/// First year that can be accounted for: dates of the record begin there.
pub const YEAR_LEAST: i32 = 1900;
/// Last year that can be accounted for.
pub const YEAR_MOST: i32 = 2199;

/// A round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// Which.
    pub id: FollowUpId,
    /// The agreement.
    pub agreement: AgreementId,
    /// The calendar year that is accounted for.
    pub year: i32,
    /// Last day for the accounts, the same for everyone.
    pub accounts_due_on: Date,
    /// One per party.
    pub accounts: Vec<Account>,
    /// When it was published.
    pub published_at: Option<OffsetDateTime>,
    /// Its version.
    pub version: Version,
}

/// One party's own account, or its place while that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub party: PartyCode,
    /// What was handed in; `None` while missing.
    pub submission: Option<Submission>,
}

/// What a party handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// What it writes of the year.
    pub summary: LongText,
    /// When.
    pub submitted_on: Date,
    /// Whether the round was published without it.
    pub after_publication: bool,
    /// Light reporting, for those with small grants.
    pub light: bool,
    /// Whether it is example data.
    pub example: bool,
}

/// Why a round cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No such year is in the record.
    #[error("the year must be {YEAR_LEAST} to {YEAR_MOST}")]
    YearOutOfRange,
    /// The accounts would be due before the year has begun.
    #[error("the accounts cannot be due before the year has begun")]
    DueBeforeYear,
}

/// Why a step is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FollowUpError {
    /// The party owes no account in this round.
    #[error("the round asks no account of this party")]
    NotAParty,
    /// It has handed its account in.
    #[error("this party has handed its account in")]
    AlreadySubmitted,
    /// The round is published.
    #[error("the round is published")]
    AlreadyPublished,
    /// No account at all: there is nothing to publish.
    #[error("no party has handed its account in")]
    NothingToPublish,
    /// The new last day is not later than the present one.
    #[error("the new last day must be later than the present one")]
    NotLater,
}

impl FollowUp {
    /// A round that waits for the account of every party of `parties`.
    ///
    /// # Errors
    /// `YearOutOfRange` or `DueBeforeYear`.
    pub fn open(
        id: FollowUpId,
        agreement: AgreementId,
        year: i32,
        accounts_due_on: Date,
        parties: Vec<PartyCode>,
    ) -> Result<Self, OpenError> {
        if !(YEAR_LEAST..=YEAR_MOST).contains(&year) {
            return Err(OpenError::YearOutOfRange);
        }
        if accounts_due_on.year() < year {
            return Err(OpenError::DueBeforeYear);
        }
        let accounts = parties.into_iter().map(|party| Account {
            party,
            submission: None,
        });
        Ok(Self {
            id,
            agreement,
            year,
            accounts_due_on,
            accounts: accounts.collect(),
            published_at: None,
            version: Version::FIRST,
        })
    }

    /// The parties whose account is missing.
    pub fn missing(&self) -> impl Iterator<Item = &PartyCode> {
        self.accounts
            .iter()
            .filter(|one| one.submission.is_none())
            .map(|one| &one.party)
    }

    /// Whether `submission` came late: after the last day as it stands now, or after publication.
    #[must_use]
    pub fn is_late(&self, submission: &Submission) -> bool {
        submission.after_publication || submission.submitted_on > self.accounts_due_on
    }

    /// `party` hands its own account in. Also late, and also after publication.
    ///
    /// # Errors
    /// `NotAParty` or `AlreadySubmitted`.
    pub fn submit(
        mut self,
        party: &PartyCode,
        summary: LongText,
        light: bool,
        example: bool,
        today: Date,
    ) -> Result<Self, FollowUpError> {
        self.expect_party(party)?;
        let after_publication = self.published_at.is_some();
        let submission = Submission {
            summary,
            submitted_on: today,
            after_publication,
            light,
            example,
        };
        let account = self
            .accounts
            .iter_mut()
            .find(|account| account.party == *party);
        let account = account.ok_or(FollowUpError::NotAParty)?;
        if account.submission.is_some() {
            return Err(FollowUpError::AlreadySubmitted);
        }
        account.submission = Some(submission);
        self.version = self.version.next();
        Ok(self)
    }

    /// Moves the last day for everyone.
    ///
    /// # Errors
    /// `NotAParty`, `AlreadyPublished` or `NotLater`.
    pub fn move_deadline(mut self, party: &PartyCode, day: Date) -> Result<Self, FollowUpError> {
        self.expect_party(party)?;
        self.expect_unpublished()?;
        if day <= self.accounts_due_on {
            return Err(FollowUpError::NotLater);
        }
        self.accounts_due_on = day;
        self.version = self.version.next();
        Ok(self)
    }

    /// Publishes what there is; what is missing is shown as missing.
    ///
    /// # Errors
    /// `NotAParty`, `AlreadyPublished` or `NothingToPublish`.
    pub fn publish(mut self, party: &PartyCode, at: OffsetDateTime) -> Result<Self, FollowUpError> {
        self.expect_party(party)?;
        self.expect_unpublished()?;
        if self
            .accounts
            .iter()
            .all(|account| account.submission.is_none())
        {
            return Err(FollowUpError::NothingToPublish);
        }
        self.published_at = Some(at);
        self.version = self.version.next();
        Ok(self)
    }

    fn expect_party(&self, party: &PartyCode) -> Result<(), FollowUpError> {
        let known = self.accounts.iter().any(|account| account.party == *party);
        if known {
            Ok(())
        } else {
            Err(FollowUpError::NotAParty)
        }
    }

    const fn expect_unpublished(&self) -> Result<(), FollowUpError> {
        match self.published_at {
            None => Ok(()),
            Some(_) => Err(FollowUpError::AlreadyPublished),
        }
    }
}

#[cfg(test)]
mod tests {
    use handslag_platform::text::LongText;
    use time::macros::{date, datetime};
    use time::{Date, OffsetDateTime};
    use uuid::Uuid;

    use super::super::commitment::tests::party;
    use super::super::names::{AgreementId, FollowUpId};
    use super::{FollowUp, FollowUpError, OpenError};

    const DUE: Date = date!(2014 - 03 - 01);
    const LATER: Date = date!(2014 - 03 - 15);
    const NOON: OffsetDateTime = datetime!(2014-04-01 12:00 UTC);

    fn open(year: i32, due: Date) -> Result<FollowUp, OpenError> {
        let parties = vec![party("city"), party("sector")];
        FollowUp::open(
            FollowUpId(Uuid::from_u128(5)),
            AgreementId(Uuid::from_u128(1)),
            year,
            due,
            parties,
        )
    }

    fn submit(round: FollowUp, code: &str, on: Date) -> Result<FollowUp, FollowUpError> {
        let summary = LongText::parse("Ett gott år").unwrap();
        round.submit(&party(code), summary, false, true, on)
    }

    fn late(round: &FollowUp, index: usize) -> bool {
        round.is_late(round.accounts[index].submission.as_ref().unwrap())
    }

    #[test]
    fn publishing_with_one_half_missing_is_allowed_and_says_so() {
        let round = submit(open(2013, DUE).unwrap(), "city", DUE).unwrap();
        let round = round.publish(&party("city"), NOON).unwrap();
        assert_eq!(round.missing().collect::<Vec<_>>(), [&party("sector")]);
        let round = submit(round, "sector", DUE).unwrap();
        assert_eq!(
            round.missing().count(),
            0,
            "the late account undoes the mark"
        );
        assert!(late(&round, 1) && !late(&round, 0), "and is shown as late");
        assert_eq!(
            round.clone().publish(&party("city"), NOON),
            Err(FollowUpError::AlreadyPublished)
        );
        assert_eq!(
            round.move_deadline(&party("city"), LATER),
            Err(FollowUpError::AlreadyPublished)
        );
    }

    #[test]
    fn a_last_day_moved_for_everyone_undoes_lateness() {
        let round = submit(open(2013, DUE).unwrap(), "city", LATER).unwrap();
        assert!(late(&round, 0));
        let round = round.move_deadline(&party("sector"), LATER).unwrap();
        assert!(!late(&round, 0));
        assert_eq!(
            round.move_deadline(&party("sector"), DUE),
            Err(FollowUpError::NotLater)
        );
    }

    #[test]
    fn an_account_is_each_partys_own_and_handed_in_once() {
        let round = submit(open(2013, DUE).unwrap(), "city", DUE).unwrap();
        assert_eq!(
            submit(round.clone(), "city", DUE),
            Err(FollowUpError::AlreadySubmitted)
        );
        assert_eq!(submit(round, "region", DUE), Err(FollowUpError::NotAParty));
    }

    #[test]
    fn refuses_to_publish_nothing() {
        let refused = open(2013, DUE).unwrap().publish(&party("city"), NOON);
        assert_eq!(refused, Err(FollowUpError::NothingToPublish));
    }

    #[test]
    fn refuses_years_that_cannot_be_accounted_for() {
        assert_eq!(open(1899, DUE), Err(OpenError::YearOutOfRange));
        assert_eq!(open(2015, DUE), Err(OpenError::DueBeforeYear));
        assert!(
            open(2014, DUE).is_ok(),
            "within the year is early, not wrong"
        );
    }
}
