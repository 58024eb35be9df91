//! Collects every violation of a request, so that a person corrects a form once and not field by
//! field.
//!
//! # Design notes
//! A status travels in HTTP headers, and clients bound those: the C core of gRPC (Python, C++, PHP)
//! at 8 KiB, tonic at 16 KiB. A list of hundreds of wrong items would be answered with what no
//! client can read. So the answer counts all violations and shows as many as fit, the first ones;
//! what is left shows itself when those are mended.

use crate::error::{ErrorCode, Fault, Violation};

/// Room for violations in an answer, in bytes: in base64 they take a third more, and the rest of
/// the status needs 1 KiB of the 8 KiB that every client reads.
const SHOWN_BYTES_MOST: usize = 4_800;
/// What a violation takes beside its texts, in bytes: tags, lengths, the language.
const VIOLATION_FRAME_BYTES: usize = 24;

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
    /// `INVALID_REQUEST` with the number of violations and as many of them as fit, when there is
    /// one.
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
        let count = self.0.len();
        let shown = shown(self.0);
        let mut swedish = String::from("Begäran innehåller fel.");
        for violation in &shown {
            swedish.push(' ');
            swedish.push_str(&violation.field);
            swedish.push_str(": ");
            swedish.push_str(&violation.swedish);
        }
        let mut message = format!("the request breaks {count} rules; see the field violations");
        if shown.len() < count {
            message.push_str(&format!(", which are the first {}", shown.len()));
            swedish.push_str(&format!(" Ytterligare {} fel.", count - shown.len()));
        }
        let mut fault = Fault::new(
            ErrorCode::InvalidArgument,
            "INVALID_REQUEST",
            message,
            swedish,
        );
        fault.violations = shown;
        fault
    }
}

/// The first violations, as many as an answer has room for. Field and Swedish text are said twice:
/// beside the field, and in the sentence for people.
fn shown(mut violations: Vec<Violation>) -> Vec<Violation> {
    let mut room = SHOWN_BYTES_MOST;
    let mut fits = |one: &Violation| {
        let texts = 2 * (one.field.len() + one.swedish.len());
        let bytes = texts + one.message.len() + one.reason.len() + VIOLATION_FRAME_BYTES;
        room = room.checked_sub(bytes)?;
        Some(())
    };
    let count = violations
        .iter()
        .take_while(|one| fits(one).is_some())
        .count();
    // Which field it was is said in any case.
    violations.truncate(count.max(1));
    violations
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
    fn an_answer_with_many_violations_is_one_that_every_client_reads() {
        let mut violations = Violations::new();
        for index in 0..500 {
            violations.add(
                format!("numbers[{index}]"),
                "ORGANISATION_NUMBER_INVALID",
                "is no Swedish organisation number: ten digits with an optional hyphen",
                "Är inget svenskt organisationsnummer: tio siffror, eventuellt med bindestreck.",
            );
        }
        let fault = violations.into_fault();
        assert_eq!(fault.violations[0].field, "numbers[0]");
        assert!(fault.violations.len() > 10);
        assert!(fault.message.contains("500 rules"), "{}", fault.message);
        assert!(fault.swedish.ends_with("fel."), "{}", fault.swedish);
        let mut headers = http::HeaderMap::new();
        let status = fault
            .with_metadata("trace_id", "0".repeat(32))
            .into_status();
        status.add_header(&mut headers).expect("headers");
        let bytes: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 32)
            .sum();
        assert!(bytes < 8_192, "{bytes}");
    }

    #[test]
    fn a_request_without_violations_passes() {
        assert!(Violations::new().finish().is_ok());
    }
}
