//! What a request refers to, checked against what is known here of the registry.
//!
//! # Design notes
//! The registry's events arrive a moment after the registry has answered. A client that creates an
//! agreement there and a commitment here at once is not wrong, only early: what is unknown
//! altogether is refused with `RetryInfo`, what is known and does not belong without.

use std::time::Duration;

use handslag_platform::violations::Violations;
use sqlx::PgConnection;

use crate::domain::agreement::Agreement;
use crate::domain::commitment::Commitment;
use crate::domain::deliberation::DistrictBoard;
use crate::domain::names::{
    AgreementId, AreaCode, CommitmentId, DistrictBoardCode, PartyCode, PrincipleCode,
};
use crate::error::Error;
use crate::store;

/// An event is here within a second when nothing is wrong; twice that spares a useless attempt.
const ARRIVES_WITHIN: Duration = Duration::from_secs(2);

/// The agreement that a request refers to in its field `agreement`.
///
/// # Errors
/// `UNKNOWN_AGREEMENT`.
pub async fn agreement(conn: &mut PgConnection, id: AgreementId) -> Result<Agreement, Error> {
    if let Some(agreement) = store::agreements::find(conn, id).await? {
        return Ok(agreement);
    }
    let mut references = References::default();
    references.not_arrived("agreement", "UNKNOWN_AGREEMENT", &id.to_string());
    Err(references.into_error())
}

/// The district board that a request refers to in its field `district_board`.
///
/// # Errors
/// `UNKNOWN_DISTRICT_BOARD`.
pub async fn district_board(
    conn: &mut PgConnection,
    code: &DistrictBoardCode,
) -> Result<DistrictBoard, Error> {
    if let Some(board) = store::district_boards::find(conn, code).await? {
        return Ok(board);
    }
    let mut references = References::default();
    references.not_arrived(
        "district_board",
        "UNKNOWN_DISTRICT_BOARD",
        &code.to_string(),
    );
    Err(references.into_error())
}

/// The commitments that an action of `agreement` would be rooted in, in the order given.
///
/// # Errors
/// `UNKNOWN_COMMITMENT` and `COMMITMENT_OF_OTHER_AGREEMENT`, each with the index.
pub async fn roots(
    conn: &mut PgConnection,
    agreement: AgreementId,
    ids: &[CommitmentId],
) -> Result<Vec<Commitment>, Error> {
    let found = store::commitments::find(conn, ids).await?;
    let mut references = References::default();
    for (index, id) in ids.iter().enumerate() {
        let field = format!("commitments[{index}]");
        let (reason, english, swedish) = match found.iter().find(|one| one.id == *id) {
            None => (
                "UNKNOWN_COMMITMENT",
                "does not exist",
                "Åtagandet finns inte.",
            ),
            Some(root) if root.content.agreement != agreement => (
                "COMMITMENT_OF_OTHER_AGREEMENT",
                "belongs to another agreement than the plan",
                "Åtagandet hör till en annan överenskommelse än planen.",
            ),
            Some(_) => continue,
        };
        references
            .violations
            .add(field, reason, format!("{id} {english}"), swedish);
    }
    references.finish()?;
    Ok(found)
}

/// The references of one request; notes all that fail.
#[derive(Debug, Default)]
pub struct References {
    violations: Violations,
    may_arrive: bool,
}

impl References {
    /// A party that must be one of the agreement's.
    ///
    /// # Errors
    /// The database's; an unknown party is noted.
    pub async fn party(
        &mut self,
        conn: &mut PgConnection,
        agreement: &Agreement,
        field: &str,
        party: &PartyCode,
    ) -> Result<(), Error> {
        if agreement.has_party(party) {
            return Ok(());
        }
        let title = store::parties::title(conn, party).await?;
        self.unknown(field, "UNKNOWN_PARTY", &party.to_string(), title.as_deref());
        Ok(())
    }

    /// An area that must be one of the agreement's.
    ///
    /// # Errors
    /// The database's; an unknown area is noted.
    pub async fn area(
        &mut self,
        conn: &mut PgConnection,
        agreement: &Agreement,
        field: &str,
        area: &AreaCode,
    ) -> Result<(), Error> {
        if agreement.has_area(area) {
            return Ok(());
        }
        let title = store::areas::title(conn, area).await?;
        self.unknown(field, "UNKNOWN_AREA", &area.to_string(), title.as_deref());
        Ok(())
    }

    /// Principles that must be the agreement's; they have no life outside of it.
    pub fn principles(&mut self, agreement: &Agreement, principles: &[PrincipleCode]) {
        for (index, principle) in principles.iter().enumerate() {
            if !agreement.has_principle(principle) {
                self.violations.add(
                    format!("principles[{index}]"),
                    "UNKNOWN_PRINCIPLE",
                    format!("{principle} is no principle of this agreement"),
                    format!("{principle} är ingen av överenskommelsens principer."),
                );
            }
        }
    }

    /// Passes when nothing was noted.
    ///
    /// # Errors
    /// Everything noted, with `RetryInfo` when it may arrive.
    pub fn finish(self) -> Result<(), Error> {
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(self.into_error())
        }
    }

    fn unknown(&mut self, field: &str, reason: &'static str, name: &str, title: Option<&str>) {
        match title {
            None => self.not_arrived(field, reason, name),
            Some(title) => self.violations.add(
                field,
                reason,
                format!("{name} does not belong to this agreement"),
                format!("{title} hör inte till överenskommelsen."),
            ),
        }
    }

    fn not_arrived(&mut self, field: &str, reason: &'static str, name: &str) {
        self.may_arrive = true;
        self.violations.add(
            field,
            reason,
            format!("{name} is unknown here; what was created a moment ago arrives within seconds"),
            format!(
                "{name} är inte känd här. Det som nyss har skapats kommer inom några sekunder."
            ),
        );
    }

    fn into_error(self) -> Error {
        let fault = self.violations.into_fault();
        let fault = if self.may_arrive {
            fault.with_retry_after(ARRIVES_WITHIN)
        } else {
            fault
        };
        fault.into()
    }
}
