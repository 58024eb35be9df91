//! Every reason that an error may have, by service and code: what clients program against.

use tonic::Code;

/// Of all services.
const SHARED: [(Code, &[&str]); 7] = [
    (
        Code::InvalidArgument,
        &["INVALID_REQUEST", "MESSAGE_MALFORMED", "MESSAGE_TOO_LARGE"],
    ),
    (
        Code::Unauthenticated,
        &[
            "TOKEN_MISSING",
            "TOKEN_INVALID",
            "TOKEN_EXPIRED",
            "TOKEN_WRONG_ISSUER",
            "TOKEN_WRONG_AUDIENCE",
        ],
    ),
    (
        Code::PermissionDenied,
        &["ROLE_NOT_ALLOWED", "NOT_YOUR_OWN"],
    ),
    (
        Code::ResourceExhausted,
        &["RATE_LIMITED", "LOAD_SHED", "RESPONSE_TOO_LARGE"],
    ),
    (Code::NotFound, &["RESOURCE_NOT_FOUND"]),
    (Code::FailedPrecondition, &["REQUEST_ID_REUSED"]),
    (Code::Aborted, &["STALE_ETAG", "CONCURRENT_CHANGE"]),
];

const REGISTRY: [(Code, &[&str]); 2] = [
    (
        Code::AlreadyExists,
        &["CODE_TAKEN", "ORGANISATION_NUMBER_TAKEN"],
    ),
    (
        Code::FailedPrecondition,
        &[
            "ORGANISATION_NUMBER_UNCHANGED",
            "ORGANISATION_NUMBER_OUT_OF_ORDER",
            "DISTRICT_BOARD_ALREADY_SUCCEEDED",
            "DISTRICT_BOARD_NOT_BEGUN",
            "SUCCESSOR_DOES_NOT_EXIST",
            "EDITION_OUT_OF_ORDER",
            "AGREEMENT_TERM_OVER",
            "AGREEMENT_NOT_IN_FORCE",
            "SIGNATORY_STEP_REFUSED",
            "SIGNATORY_NOT_DECIDED",
            "SIGNATORY_STEP_OUT_OF_ORDER",
            "NOT_A_STATEMENT",
            "STATEMENT_ALREADY_ANSWERED",
            "PROPOSAL_ALREADY_RESOLVED",
        ],
    ),
];

const COMMITMENTS: [(Code, &[&str]); 2] = [
    (
        Code::AlreadyExists,
        &["FOLLOW_UP_EXISTS", "DELIBERATION_EXISTS"],
    ),
    (
        Code::FailedPrecondition,
        &[
            "NOT_A_BEARER",
            "ALREADY_SETTLED",
            "ALREADY_ANSWERED",
            "NOT_A_PARTY",
            "ALREADY_APPROVED",
            "PLAN_WITHOUT_ACTIONS",
            "PLAN_ADOPTED",
            "COMMITMENT_NOT_BINDING",
            "NOT_THE_OWNER",
            "ACTION_CLOSED",
            "ALREADY_SUBMITTED",
            "ALREADY_PUBLISHED",
            "NOTHING_TO_PUBLISH",
        ],
    ),
];

const NOTIFICATIONS: [(Code, &[&str]); 2] = [
    (Code::AlreadyExists, &["SUBSCRIBER_EXISTS"]),
    (
        Code::FailedPrecondition,
        &["SUBSCRIPTION_ENDED", "TOO_MANY_SUBSCRIPTIONS"],
    ),
];

const REPORTING: [(Code, &[&str]); 2] = [
    (Code::FailedPrecondition, &["REPORT_NOT_READY"]),
    (Code::ResourceExhausted, &["REPORTS_BUSY"]),
];

/// Whether a service may answer with this code and reason.
pub(super) fn is_documented(service: &str, code: Code, reason: &str) -> bool {
    let own: &[(Code, &[&str])] = match service {
        "registry" => &REGISTRY,
        "commitments" => &COMMITMENTS,
        "notifications" => &NOTIFICATIONS,
        "reporting" => &REPORTING,
        _ => &[],
    };
    let mut rows = SHARED.iter().chain(own);
    rows.any(|(of, reasons)| *of == code && reasons.contains(&reason))
}
