//! What is known here of an agreement of the registry: enough to judge what refers to it.

use time::Date;

use super::names::{AgreementId, AreaCode, PartyCode, PrincipleCode};

/// An agreement as the registry's events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// Which.
    pub id: AgreementId,
    /// Who entered it, as equals.
    pub parties: Vec<PartyCode>,
    /// The principles of the version in force, or of the draft.
    pub principles: Vec<PrincipleCode>,
    /// Its areas.
    pub areas: Vec<AreaCode>,
    /// Last day of the term before any extension. It closes nothing here: what was promised is
    /// followed to its end, and whether the agreement is extended is the registry's matter (mission
    /// rule 10).
    pub term_ends_on: Option<Date>,
}

impl Agreement {
    /// Whether `party` entered it.
    #[must_use]
    pub fn has_party(&self, party: &PartyCode) -> bool {
        self.parties.contains(party)
    }

    /// Whether it states `principle`.
    #[must_use]
    pub fn has_principle(&self, principle: &PrincipleCode) -> bool {
        self.principles.contains(principle)
    }

    /// Whether it covers `area`.
    #[must_use]
    pub fn has_area(&self, area: &AreaCode) -> bool {
        self.areas.contains(area)
    }
}
