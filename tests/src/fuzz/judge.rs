//! Says of an answer whether the contracts allow it.
//!
//! # Design notes
//! A list of codes per method would only repeat what the services do. What is allowed follows from
//! the contract instead: whether a method is a command, who may call it, whether what was sent can
//! be read at all. A complaint is a sentence, since a person reads it.

mod reasons;

use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::callers::Entry;
use super::is_command;
use super::texts::PERSONAL_NUMBERS;
use super::wire::Answer;

/// The domain of every `google.rpc.ErrorInfo`.
const DOMAIN: &str = "handslag";
/// The headers that tell an error, in bytes: clients built on gRPC's C core (Python, C++, PHP) take
/// no more than 8 KiB before they begin to drop answers.
const STATUS_BYTES_MOST: usize = 8 * 1024;
/// What only somebody inside would say; no text that is sent holds any of it.
const INSIDE: [&str; 20] = [
    "panicked",
    "unwrap",
    "sqlx",
    "postgres",
    "syntax error at",
    "relation \"",
    "constraint",
    "duplicate key",
    "violates",
    "byte sequence",
    "out of range for type",
    "null value in",
    "connection refused",
    "broken pipe",
    "amqp",
    "prost",
    "serde",
    "tonic",
    ".rs:",
    "/src/",
];

/// What was sent, as far as it decides about the answer.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) method: MethodDescriptor,
    pub(super) entry: Entry,
    pub(super) form: Form,
}

/// Whether it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A message of the method's type.
    Message,
    /// Such a message above the limit.
    TooLarge,
    /// Perhaps.
    Bytes,
    /// No message of any type.
    Unreadable,
    /// In an encoding that the services do not have.
    Encoded,
}

/// Everything that is wrong with an answer.
pub(super) fn complaints(question: &Question, answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Broken(how) => vec![how.clone()],
        Answer::Whole {
            status,
            messages,
            status_bytes,
        } => {
            let mut complaints = Vec::new();
            if status.code() == Code::Ok {
                complaints.extend(fulfilled(question, messages));
            } else {
                complaints.extend(refused(question, status, *status_bytes));
            }
            if !is_allowed(question, status) {
                complaints.push(format!(
                    "{:?} is not what the contract says of {:?} as {:?}",
                    status.code(),
                    question.form,
                    question.entry,
                ));
            }
            complaints
        }
    }
}

/// Whether a code is possible for what was asked.
fn is_allowed(question: &Question, status: &Status) -> bool {
    let code = status.code();
    let reason = info(status).0;
    // Whoever calls too much is told so whatever else is wrong.
    if ["RATE_LIMITED", "LOAD_SHED"].contains(&reason.as_str()) {
        return true;
    }
    match question.entry {
        Entry::Unknown => return code == Code::Unauthenticated,
        Entry::Forbidden => return code == Code::PermissionDenied,
        Entry::IfItsOwn if code == Code::PermissionDenied => return true,
        Entry::Free | Entry::IfItsOwn => {}
    }
    match question.form {
        Form::TooLarge => code == Code::InvalidArgument && reason == "MESSAGE_TOO_LARGE",
        Form::Unreadable => {
            code == Code::InvalidArgument
                && ["MESSAGE_MALFORMED", "MESSAGE_TOO_LARGE"].contains(&reason.as_str())
        }
        // The one case in which gRPC itself asks for the code (compression specification).
        Form::Encoded => code == Code::Unimplemented,
        Form::Message if reason.starts_with("MESSAGE_") => false,
        Form::Message | Form::Bytes => is_documented(&question.method, code),
    }
}

/// Whether a method may end so, by what it is.
fn is_documented(method: &MethodDescriptor, code: Code) -> bool {
    match code {
        Code::Ok | Code::InvalidArgument | Code::NotFound | Code::ResourceExhausted => true,
        Code::AlreadyExists | Code::Aborted => is_command(method),
        Code::FailedPrecondition => is_command(method) || method.name() == "DownloadReport",
        _ => false,
    }
}

fn fulfilled(question: &Question, messages: &[bytes::Bytes]) -> Vec<String> {
    let mut complaints = Vec::new();
    if !question.method.is_server_streaming() && messages.len() != 1 {
        complaints.push(format!("OK with {} messages", messages.len()));
    }
    for message in messages {
        if let Err(error) = DynamicMessage::decode(question.method.output(), message.as_ref()) {
            complaints.push(format!(
                "the answer is no {}: {error}",
                question.method.output().name()
            ));
        }
    }
    complaints
}

fn refused(question: &Question, status: &Status, status_bytes: usize) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |wrong: bool, text: String| {
        if wrong {
            complaints.push(text);
        }
    };
    let (reason, domain) = info(status);
    let details = status.get_error_details();
    let service = super::service_of(&question.method);
    complain(domain != DOMAIN, format!("the domain is {domain:?}"));
    complain(!is_reason(&reason), format!("the reason is {reason:?}"));
    complain(
        question.form != Form::Encoded && !reasons::is_documented(service, status.code(), &reason),
        format!("{reason} is no reason of {:?} in {service}", status.code()),
    );
    let swedish = details.localized_message();
    complain(
        swedish.is_none_or(|told| told.locale != "sv" || told.message.trim().is_empty()),
        "nothing is said in Swedish".to_owned(),
    );
    complain(
        status.message().is_empty(),
        "nothing is said in English".to_owned(),
    );
    complain(
        status_bytes > STATUS_BYTES_MOST,
        format!("the error takes {status_bytes} bytes of headers"),
    );
    complaints.extend(field_complaints(&reason, &details));
    complaints.extend(indiscretions(status, &details));
    complaints
}

/// `INVALID_REQUEST` says which fields; nothing else speaks of fields.
fn field_complaints(reason: &str, details: &ErrorDetails) -> Vec<String> {
    let violations = details
        .bad_request()
        .map_or(&[][..], |bad| bad.field_violations.as_slice());
    let mut complaints = Vec::new();
    if violations.is_empty() == (reason == "INVALID_REQUEST") {
        complaints.push(format!(
            "{reason} with {} fields at fault",
            violations.len()
        ));
    }
    for violation in violations {
        let swedish = violation.localized_message.as_ref();
        let is_told = swedish.is_some_and(|told| told.locale == "sv" && !told.message.is_empty());
        if !is_path(&violation.field) || !is_reason(&violation.reason) || !is_told {
            complaints.push(format!("a field's violation is {violation:?}"));
        }
    }
    complaints
}

/// What should not have been said: the inside of a service, or a personal identity number.
fn indiscretions(status: &Status, details: &ErrorDetails) -> Vec<String> {
    let said = format!("{} {details:?}", status.message()).to_lowercase();
    INSIDE
        .iter()
        .filter(|word| said.contains(**word))
        .map(|word| format!("it says {word:?}"))
        .chain(
            PERSONAL_NUMBERS
                .iter()
                .filter(|number| said.contains(**number))
                .map(|number| format!("it repeats the personal number {number}")),
        )
        .collect()
}

/// The reason and the domain; empty when there are none.
pub(super) fn info(status: &Status) -> (String, String) {
    status
        .get_details_error_info()
        .map(|info| (info.reason, info.domain))
        .unwrap_or_default()
}

/// `UPPER_SNAKE`.
fn is_reason(text: &str) -> bool {
    let fits = |one: u8| one.is_ascii_uppercase() || one.is_ascii_digit() || one == b'_';
    text.len() > 2 && text.bytes().all(fits)
}

/// `organisation.number`, `commitments[2]`.
fn is_path(text: &str) -> bool {
    let fits = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || b"_.[]".contains(&one);
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(fits)
}

#[cfg(test)]
mod tests;
