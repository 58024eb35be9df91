//! Figures that a source reports. Three numbers differ (took part, signed at the ceremony, decided
//! to join), and sources contradict each other: a figure is kept with its date and source, and
//! never mixed with what is counted.

use handslag_platform::{date::PartialDate, etag::Version, violations::FieldError};

use super::{
    name::{AgreementId, FigureId},
    text::Source,
    word::words,
};

words! {
    /// What a figure counts.
    pub enum Measure {
        /// Took part in the dialogue.
        TookPart = "took_part",
        /// Took part in the signing ceremony.
        SignedAtCeremony = "signed_at_ceremony",
        /// Has decided to join.
        DecidedToJoin = "decided_to_join",
    }
}

/// Highest figure: a hundred times the organisations of the largest source.
pub const FIGURE_MOST: i32 = 100_000;

/// A figure that a source reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What identifies it.
    pub id: FigureId,
    /// The agreement.
    pub agreement: AgreementId,
    /// What it counts.
    pub measure: Measure,
    /// The number.
    pub value: Count,
    /// Whether the source says about.
    pub approximate: bool,
    /// When it was reported.
    pub reported_on: PartialDate,
    /// Where it stands.
    pub source: Source,
    /// How often it has changed.
    pub version: Version,
}

/// A number of organisations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(i32);

impl Count {
    /// Checks a number.
    ///
    /// # Errors
    /// `VALUE_OUT_OF_RANGE`.
    pub fn parse(value: i32) -> Result<Self, FieldError> {
        if (0..=FIGURE_MOST).contains(&value) {
            return Ok(Self(value));
        }
        Err(FieldError::new(
            "VALUE_OUT_OF_RANGE",
            format!("must be 0 to {FIGURE_MOST}"),
            format!("Måste vara 0 till {FIGURE_MOST}."),
        ))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, FIGURE_MOST};

    #[test]
    fn counts_from_none_to_the_bound() {
        for value in [0, 60, 72, 100, FIGURE_MOST] {
            assert_eq!(Count::parse(value).expect("fine").value(), value);
        }
        for value in [-1, FIGURE_MOST + 1, i32::MIN] {
            assert_eq!(
                Count::parse(value).expect_err("refused").reason,
                "VALUE_OUT_OF_RANGE"
            );
        }
    }
}
