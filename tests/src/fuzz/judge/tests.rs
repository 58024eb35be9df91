//! Each rule of the judge, shown an answer that breaks it and nothing else.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, LocalizedMessage, StatusExt as _};

use super::{Answer, Entry, Form, Question, complaints};
use crate::fuzz::methods;

fn asked(method: &str, entry: Entry, form: Form) -> Question {
    let method = methods().find(|one| one.name() == method);
    Question {
        method: method.expect("a method"),
        entry,
        form,
    }
}

fn details(reason: &str) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    details.set_error_info(
        reason,
        "handslag",
        [("trace_id".to_owned(), "0".to_owned())],
    );
    details.set_localized_message("sv", "Det går inte.");
    details
}

fn violation(field: &str, reason: &str) -> FieldViolation {
    FieldViolation {
        field: field.to_owned(),
        description: "is required".to_owned(),
        reason: reason.to_owned(),
        localized_message: Some(LocalizedMessage::new("sv", "Måste anges.")),
    }
}

fn status(code: Code, message: &str, details: ErrorDetails) -> Answer {
    Answer::Whole {
        status: Status::with_error_details(code, message, details),
        messages: Vec::new(),
        status_bytes: 500,
    }
}

fn refusal(code: Code, reason: &str) -> Answer {
    status(code, "no", details(reason))
}

fn ok(messages: &[&'static [u8]]) -> Answer {
    Answer::Whole {
        status: Status::new(Code::Ok, ""),
        messages: messages
            .iter()
            .map(|one| bytes::Bytes::from_static(one))
            .collect(),
        status_bytes: 0,
    }
}

fn judged(method: &str, entry: Entry, form: Form, answer: &Answer) -> String {
    complaints(&asked(method, entry, form), answer).join("; ")
}

fn of_a_command(answer: &Answer) -> String {
    judged("CreateArea", Entry::Free, Form::Message, answer)
}

#[test]
fn has_nothing_to_say_of_what_is_documented() {
    assert_eq!(of_a_command(&ok(&[b""])), "");
    assert_eq!(
        of_a_command(&refusal(Code::AlreadyExists, "CODE_TAKEN")),
        ""
    );
    let mut invalid = details("INVALID_REQUEST");
    invalid.set_bad_request(vec![violation("title.sv", "FIELD_REQUIRED")]);
    assert_eq!(
        of_a_command(&status(Code::InvalidArgument, "no", invalid)),
        ""
    );
    let too_large = refusal(Code::InvalidArgument, "MESSAGE_TOO_LARGE");
    assert_eq!(
        judged("CreateArea", Entry::Free, Form::TooLarge, &too_large),
        ""
    );
    let missing = refusal(Code::Unauthenticated, "TOKEN_MISSING");
    assert_eq!(
        judged("CreateArea", Entry::Unknown, Form::Bytes, &missing),
        ""
    );
    let not_own = refusal(Code::PermissionDenied, "NOT_YOUR_OWN");
    assert_eq!(
        judged("GetSubscriber", Entry::IfItsOwn, Form::Message, &not_own),
        ""
    );
}

#[test]
fn names_codes_that_are_never_right() {
    for code in [
        Code::Internal,
        Code::Unknown,
        Code::DataLoss,
        Code::Unimplemented,
        Code::Unavailable,
        Code::DeadlineExceeded,
        Code::Cancelled,
        Code::OutOfRange,
    ] {
        let said = of_a_command(&refusal(code, "INTERNAL"));
        assert!(
            said.contains("is not what the contract says"),
            "{code:?}: {said}"
        );
        assert!(said.contains("is no reason of"), "{code:?}: {said}");
    }
    let broken = Answer::Broken("the connection broke".to_owned());
    assert_eq!(of_a_command(&broken), "the connection broke");
}

#[test]
fn names_what_a_read_cannot_be_refused_with() {
    let answer = refusal(Code::Aborted, "STALE_ETAG");
    assert_eq!(of_a_command(&answer), "");
    let said = judged("GetAgreement", Entry::Free, Form::Message, &answer);
    assert!(said.starts_with("Aborted is not"), "{said}");
}

#[test]
fn names_whoever_gets_in_or_is_kept_out_wrongly() {
    let answered = ok(&[b""]);
    for entry in [Entry::Unknown, Entry::Forbidden] {
        let said = judged("CreateArea", entry, Form::Message, &answered);
        assert!(said.starts_with("Ok is not"), "{said}");
    }
    let kept_out = refusal(Code::PermissionDenied, "ROLE_NOT_ALLOWED");
    assert!(of_a_command(&kept_out).starts_with("PermissionDenied is not"));
    let unknown = refusal(Code::Unauthenticated, "TOKEN_INVALID");
    assert!(of_a_command(&unknown).starts_with("Unauthenticated is not"));
}

#[test]
fn names_what_is_read_wrongly() {
    let malformed = refusal(Code::InvalidArgument, "MESSAGE_MALFORMED");
    assert!(of_a_command(&malformed).starts_with("InvalidArgument is not"));
    for form in [Form::Unreadable, Form::TooLarge, Form::Encoded] {
        let said = judged("CreateArea", Entry::Free, form, &ok(&[b""]));
        assert!(said.starts_with("Ok is not"), "{form:?}: {said}");
    }
}

#[test]
fn names_answers_that_are_no_message_of_the_method() {
    assert_eq!(of_a_command(&ok(&[])), "OK with 0 messages");
    assert!(of_a_command(&ok(&[b"\xff"])).starts_with("the answer is no CreateAreaResponse"));
}

#[test]
fn names_what_an_error_leaves_out() {
    let code = Code::AlreadyExists;
    let mut other_domain = details("CODE_TAKEN");
    other_domain.set_error_info("CODE_TAKEN", "elsewhere", std::collections::HashMap::new());
    assert_eq!(
        of_a_command(&status(code, "no", other_domain)),
        "the domain is \"elsewhere\""
    );
    let mut english = details("CODE_TAKEN");
    english.set_localized_message("en", "No.");
    assert_eq!(
        of_a_command(&status(code, "no", english)),
        "nothing is said in Swedish"
    );
    let silent = status(code, "", details("CODE_TAKEN"));
    assert_eq!(of_a_command(&silent), "nothing is said in English");
    let said = of_a_command(&refusal(code, "Code taken"));
    assert!(said.starts_with("the reason is \"Code taken\""), "{said}");
    let said = of_a_command(&refusal(code, "SUBSCRIBER_EXISTS"));
    assert_eq!(
        said,
        "SUBSCRIBER_EXISTS is no reason of AlreadyExists in registry"
    );
}

#[test]
fn names_fields_that_nobody_can_find() {
    let with = |one: FieldViolation| {
        let mut details = details("INVALID_REQUEST");
        details.set_bad_request(vec![one]);
        of_a_command(&status(Code::InvalidArgument, "no", details))
    };
    for field in ["", "Title", "title sv", "[0]"] {
        let said = with(violation(field, "FIELD_REQUIRED"));
        assert!(
            said.starts_with("a field's violation is"),
            "{field}: {said}"
        );
    }
    assert!(with(violation("title", "required")).starts_with("a field's violation is"));
    let said = of_a_command(&refusal(Code::InvalidArgument, "INVALID_REQUEST"));
    assert_eq!(said, "INVALID_REQUEST with 0 fields at fault");
}

#[test]
fn names_what_should_not_be_said() {
    let inside = status(
        Code::NotFound,
        "relation \"area\" is not there",
        details("RESOURCE_NOT_FOUND"),
    );
    assert_eq!(of_a_command(&inside), "it says \"relation \\\"\"");
    let mut personal = details("RESOURCE_NOT_FOUND");
    personal.set_localized_message("sv", "19121212-1212 finns inte.");
    let said = of_a_command(&status(Code::NotFound, "no", personal));
    assert!(
        said.contains("it repeats the personal number 19121212-1212"),
        "{said}"
    );
}

#[test]
fn names_errors_that_other_clients_cannot_take() {
    let Answer::Whole {
        status, messages, ..
    } = refusal(Code::AlreadyExists, "CODE_TAKEN")
    else {
        unreachable!("made so");
    };
    let large = Answer::Whole {
        status,
        messages,
        status_bytes: 9_000,
    };
    assert_eq!(
        of_a_command(&large),
        "the error takes 9000 bytes of headers"
    );
}
