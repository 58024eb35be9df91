//! What every kind of failure looks like to a client.

use std::fmt::Write as _;
use std::time::Duration;

use handslag_platform::error::{ErrorCode, Fault};
use handslag_platform::violations::{FieldError, Violations};
use tonic_types::StatusExt as _;

fn show(fault: Fault) -> String {
    let status = fault.into_status();
    let details = status.get_error_details();
    let mut text = format!("{:?}: {}\n", status.code(), status.message());
    if let Some(info) = details.error_info() {
        let mut metadata: Vec<_> = info.metadata.iter().collect();
        metadata.sort();
        let _ = writeln!(text, "  {} {} {metadata:?}", info.domain, info.reason);
    }
    if let Some(request) = details.bad_request() {
        for one in &request.field_violations {
            let swedish = one
                .localized_message
                .as_ref()
                .map(|words| words.message.as_str());
            let _ = writeln!(
                text,
                "  {} {} {} {swedish:?}",
                one.field, one.reason, one.description
            );
        }
    }
    if let Some(precondition) = details.precondition_failure() {
        for one in &precondition.violations {
            let _ = writeln!(
                text,
                "  {} {:?} {}",
                one.r#type, one.subject, one.description
            );
        }
    }
    if let Some(resource) = details.resource_info() {
        let _ = writeln!(
            text,
            "  {} {}",
            resource.resource_type, resource.resource_name
        );
    }
    if let Some(retry) = details.retry_info() {
        let _ = writeln!(text, "  after {:?}", retry.retry_delay);
    }
    if let Some(words) = details.localized_message() {
        let _ = writeln!(text, "  {} {}", words.locale, words.message);
    }
    text
}

#[test]
fn every_code_has_its_grpc_and_http_status() {
    let table: Vec<String> = ErrorCode::ALL
        .into_iter()
        .map(|code| format!("{code:?} {:?} {}", code.grpc(), code.http()))
        .collect();
    insta::assert_snapshot!(table.join("\n"), @r#"
    InvalidArgument InvalidArgument 400
    NotFound NotFound 404
    AlreadyExists AlreadyExists 409
    FailedPrecondition FailedPrecondition 409
    Aborted Aborted 409
    Unauthenticated Unauthenticated 401
    PermissionDenied PermissionDenied 403
    ResourceExhausted ResourceExhausted 429
    Unavailable Unavailable 503
    Internal Internal 500
    "#);
}

#[test]
fn every_code_is_shown_with_its_details() {
    let shown: Vec<String> = ErrorCode::ALL
        .into_iter()
        .map(|code| {
            let fault = Fault::new(code, "A_REASON", "in English", "På svenska.")
                .with_resource("agreement", "agreements/x")
                .with_metadata("key", "value")
                .with_retry_after(Duration::from_secs(2))
                .with_source("the secret inner text");
            show(fault)
        })
        .collect();
    assert!(shown.iter().all(|text| !text.contains("secret")));
    insta::assert_snapshot!(shown.concat(), @r#"
    InvalidArgument: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    NotFound: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    AlreadyExists: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    FailedPrecondition: in English
      handslag A_REASON [("key", "value")]
      A_REASON "agreements/x" in English
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    Aborted: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    Unauthenticated: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    PermissionDenied: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    ResourceExhausted: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    Unavailable: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    Internal: in English
      handslag A_REASON [("key", "value")]
      agreement agreements/x
      after Some(2s)
      sv På svenska.
    "#);
}

#[test]
fn the_platforms_own_faults_have_their_words() {
    let mut violations = Violations::new();
    violations.take::<u8>("organisation.number", Err(FieldError::required()));
    violations.add(
        "commitments[2]",
        "TEXT_TOO_LONG",
        "must be shorter",
        "Får vara kortare.",
    );
    insta::assert_snapshot!(show(violations.into_fault()), @r#"
    InvalidArgument: the request breaks 2 rules; see the field violations
      handslag INVALID_REQUEST []
      organisation.number FIELD_REQUIRED is required Some("Måste anges.")
      commitments[2] TEXT_TOO_LONG must be shorter Some("Får vara kortare.")
      sv Begäran innehåller fel. organisation.number: Måste anges. commitments[2]: Får vara kortare.
    "#);
    insta::assert_snapshot!(show(Fault::not_found("agreement", "agreements/x")), @r#"
    NotFound: agreement agreements/x does not exist
      handslag RESOURCE_NOT_FOUND []
      agreement agreements/x
      sv agreements/x finns inte.
    "#);
    insta::assert_snapshot!(show(Fault::internal("the secret inner text")), @r#"
    Internal: an internal error occurred; quote the trace id when you report it
      handslag INTERNAL []
      sv Ett internt fel har inträffat. Uppge spårningsnumret om du anmäler det.
    "#);
}
