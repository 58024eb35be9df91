//! Collects every violation of a request, so that a person corrects a form once and not field by
//! field.

use crate::error::{ErrorCode, Fault, Violation};

/// What a newtype's parser says of a value that it refuses; the edge knows the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The rule, in `UPPER_SNAKE`.
    pub reason: &'static str,
    /// For developers, in English.
    pub message: String,
    /// For people, in Swedish.
    pub swedish: String,
}

impl FieldError {
    /// A refusal in both languages.
    pub fn new(
        reason: &'static str,
        message: impl Into<String>,
        swedish: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            message: message.into(),
            swedish: swedish.into(),
        }
    }

    /// The value is missing (`FIELD_REQUIRED`).
    #[must_use]
    pub fn required() -> Self {
        Self::new("FIELD_REQUIRED", "is required", "Måste anges.")
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FieldError {}

/// The violations of one request.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a violation.
    pub fn add(
        &mut self,
        field: impl Into<String>,
        reason: &'static str,
        message: impl Into<String>,
        swedish: impl Into<String>,
    ) {
        self.0.push(Violation {
            field: field.into(),
            reason,
            message: message.into(),
            swedish: swedish.into(),
        });
    }

    /// The value, or `None` with the violation noted.
    pub fn take<T>(&mut self, field: &str, parsed: Result<T, FieldError>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error.reason, error.message, error.swedish);
                None
            }
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything noted, as one answer.
    ///
    /// # Errors
    /// `INVALID_REQUEST` with every violation, when there is one.
    pub fn finish(self) -> Result<(), Fault> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(self.into_fault())
    }

    /// The fault even when nothing was noted: for the branch where a value turned out missing
    /// although nothing refused it, which no path through [`take`](Self::take) reaches.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        let mut swedish = String::from("Begäran innehåller fel.");
        for violation in &self.0 {
            swedish.push(' ');
            swedish.push_str(&violation.field);
            swedish.push_str(": ");
            swedish.push_str(&violation.swedish);
        }
        let mut fault = Fault::new(
            ErrorCode::InvalidArgument,
            "INVALID_REQUEST",
            format!(
                "the request breaks {} rules; see the field violations",
                self.0.len()
            ),
            swedish,
        );
        fault.violations = self.0;
        fault
    }
}

impl From<(&str, FieldError)> for Fault {
    /// One field's refusal as the whole answer.
    fn from((field, error): (&str, FieldError)) -> Self {
        let mut violations = Violations::new();
        violations.add(field, error.reason, error.message, error.swedish);
        violations.into_fault()
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldError, Violations};

    #[test]
    fn answers_every_violation_at_once() {
        let mut violations = Violations::new();
        assert_eq!(violations.take("name", Ok(7)), Some(7));
        assert_eq!(
            violations.take::<u8>("number", Err(FieldError::required())),
            None
        );
        violations.add("dates[1]", "DATE_INVALID", "is no date", "Är inget datum.");
        let fault = violations.finish().expect_err("two violations");
        let fields: Vec<&str> = fault
            .violations
            .iter()
            .map(|one| one.field.as_str())
            .collect();
        assert_eq!(fields, ["number", "dates[1]"]);
        assert_eq!(fault.reason, "INVALID_REQUEST");
    }

    #[test]
    fn a_request_without_violations_passes() {
        assert!(Violations::new().finish().is_ok());
    }
}
