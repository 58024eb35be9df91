//! What goes wrong, in the words of the interface.
//!
//! # Design notes
//! Ten codes with total maps, so that no failure is without a meaning for the client. The `reason`
//! is what clients program against; the messages are for people. The source of a fault is logged
//! and never sent.

use std::time::Duration;

use tonic::Code;
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, StatusExt as _};

/// Any error at all.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An error with its causes in one line, for the log, whose formatter prints only the outermost.
#[derive(Clone, Copy)]
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(inner) = cause {
            let text = inner.to_string();
            // Libraries often end their own text with that of the cause.
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = inner.source();
        }
        Ok(())
    }
}

impl std::fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The domain of every `google.rpc.ErrorInfo` that this system sends.
pub const DOMAIN: &str = "handslag";

/// The reason of a call whose time ran out. gRPC has a code of its own for it; over HTTP it is
/// [`ErrorCode::Unavailable`].
pub const DEADLINE_EXCEEDED: &str = "DEADLINE_EXCEEDED";

/// What kind of failure it is. A variant exists only if a client would act differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// The request can never succeed as it stands.
    InvalidArgument,
    /// The named resource does not exist, or the caller may not know that it does.
    NotFound,
    /// Something with this identity exists already.
    AlreadyExists,
    /// The request is well formed, but the state of the record forbids it.
    FailedPrecondition,
    /// Somebody else changed the record meanwhile: read again, then retry.
    Aborted,
    /// Who calls is unknown.
    Unauthenticated,
    /// Who calls is known and may not.
    PermissionDenied,
    /// Too much at once: retry later.
    ResourceExhausted,
    /// Nothing is wrong with the request: retry.
    Unavailable,
    /// A defect of this system; somebody must look at the log.
    Internal,
}

impl ErrorCode {
    /// Every code, for tests that must cover them all.
    pub const ALL: [Self; 10] = [
        Self::InvalidArgument,
        Self::NotFound,
        Self::AlreadyExists,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The gRPC code.
    #[must_use]
    pub const fn grpc(self) -> Code {
        match self {
            Self::InvalidArgument => Code::InvalidArgument,
            Self::NotFound => Code::NotFound,
            Self::AlreadyExists => Code::AlreadyExists,
            Self::FailedPrecondition => Code::FailedPrecondition,
            Self::Aborted => Code::Aborted,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::PermissionDenied => Code::PermissionDenied,
            Self::ResourceExhausted => Code::ResourceExhausted,
            Self::Unavailable => Code::Unavailable,
            Self::Internal => Code::Internal,
        }
    }

    /// The HTTP status of pages and open data.
    #[must_use]
    pub const fn http(self) -> u16 {
        match self {
            Self::InvalidArgument => 400,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::FailedPrecondition | Self::Aborted => 409,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::ResourceExhausted => 429,
            Self::Unavailable => 503,
            Self::Internal => 500,
        }
    }
}

/// One field of a request that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path of the field, as `organisation.number` or `commitments[2]`.
    pub field: String,
    /// The rule, in `UPPER_SNAKE`.
    pub reason: &'static str,
    /// For developers, in English.
    pub message: String,
    /// For people, in Swedish.
    pub swedish: String,
}

/// A failure as a client shall see it, with what the log shall see beside it.
#[derive(Debug)]
pub struct Fault {
    /// What kind of failure it is.
    pub code: ErrorCode,
    /// Which failure it is, in `UPPER_SNAKE`: what clients program against.
    pub reason: &'static str,
    /// For developers, in English.
    pub message: String,
    /// For people, in Swedish.
    pub swedish: String,
    /// The fields at fault.
    pub violations: Vec<Violation>,
    /// More facts for programs.
    pub metadata: Vec<(&'static str, String)>,
    /// The resource at fault: its type and its name.
    pub resource: Option<(&'static str, String)>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// What happened inside: logged, never sent.
    pub source: Option<BoxError>,
}

impl Fault {
    /// A fault with nothing but its words.
    pub fn new(
        code: ErrorCode,
        reason: &'static str,
        message: impl Into<String>,
        swedish: impl Into<String>,
    ) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            swedish: swedish.into(),
            violations: Vec::new(),
            metadata: Vec::new(),
            resource: None,
            retry_after: None,
            source: None,
        }
    }

    /// The resource of type `kind` and this name does not exist (`RESOURCE_NOT_FOUND`).
    pub fn not_found(kind: &'static str, name: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(
            ErrorCode::NotFound,
            "RESOURCE_NOT_FOUND",
            format!("{kind} {name} does not exist"),
            format!("{name} finns inte."),
        )
        .with_resource(kind, name)
    }

    /// A defect of ours. The source is logged; the client learns only that there is one.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::new(
            ErrorCode::Internal,
            "INTERNAL",
            "an internal error occurred; quote the trace id when you report it",
            "Ett internt fel har inträffat. Uppge spårningsnumret om du anmäler det.",
        )
        .with_source(source)
    }

    /// Names the resource at fault.
    #[must_use]
    pub fn with_resource(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.resource = Some((kind, name.into()));
        self
    }

    /// Adds a fact for programs.
    #[must_use]
    pub fn with_metadata(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Keeps what happened inside, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The gRPC code: that of [`ErrorCode`], but for a deadline.
    #[must_use]
    pub fn grpc(&self) -> Code {
        if self.reason == DEADLINE_EXCEEDED {
            Code::DeadlineExceeded
        } else {
            self.code.grpc()
        }
    }

    /// The fault on the wire, with the details of `google.rpc`.
    #[must_use]
    pub fn into_status(self) -> tonic::Status {
        let code = self.grpc();
        let mut details = ErrorDetails::new();
        let metadata: std::collections::HashMap<String, String> = self
            .metadata
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        details.set_error_info(self.reason, DOMAIN, metadata);
        if !self.violations.is_empty() {
            let fields: Vec<FieldViolation> = self.violations.iter().map(field_violation).collect();
            details.set_bad_request(fields);
        }
        if self.code == ErrorCode::FailedPrecondition {
            let subject = self.resource.as_ref().map_or("", |(_, name)| name.as_str());
            details.add_precondition_failure_violation(self.reason, subject, &self.message);
        }
        if let Some((kind, name)) = self.resource {
            details.set_resource_info(kind, name, "", "");
        }
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        details.set_localized_message("sv", self.swedish);
        tonic::Status::with_error_details(code, self.message, details)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// `google.rpc.BadRequest` with the rule and with words for people, which a form can show beside
/// the field.
fn field_violation(violation: &Violation) -> FieldViolation {
    FieldViolation {
        field: violation.field.clone(),
        description: violation.message.clone(),
        reason: violation.reason.to_owned(),
        localized_message: Some(LocalizedMessage::new("sv", violation.swedish.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::Chain;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layer(text: &'static str, source: Option<Layer>) -> Layer {
        let source = source.map(Box::new);
        Layer { text, source }
    }

    #[test]
    fn says_each_cause_once() {
        let cause = layer("connection refused", None);
        let middle = layer("IO error: connection refused", Some(cause));
        let whole = layer("the broker failed", Some(middle));
        assert_eq!(
            Chain(&whole).to_string(),
            "the broker failed: IO error: connection refused"
        );
    }
}
