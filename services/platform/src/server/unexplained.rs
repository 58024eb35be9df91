//! Refusals that come before any handler: tonic gives them a code and a sentence; here they get what every other error
//! has, and a code that says whose fault it was.

use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::error::DOMAIN;

/// A method that is in no contract.
pub(super) fn unknown_method() -> Status {
    explained(
        Code::Unimplemented,
        "METHOD_UNKNOWN",
        "this method does not exist",
        "Anropet finns inte.",
    )
}

/// A message in an encoding that is not read.
fn unknown_encoding() -> Status {
    explained(
        Code::Unimplemented,
        "ENCODING_UNKNOWN",
        "messages are read uncompressed only",
        "Meddelandet är packat på ett sätt som inte kan läsas.",
    )
}

/// The response, with details where it is an error without.
pub(super) fn explain(response: Response<Body>) -> Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else {
        return response;
    };
    if !status.details().is_empty() {
        return response;
    }
    match status.code() {
        // What tonic answers to a message above the limit.
        Code::OutOfRange => explained(
            Code::InvalidArgument,
            "MESSAGE_TOO_LARGE",
            "a message may have at most 4 MiB",
            "Meddelandet är för stort; högst 4 MiB tas emot.",
        )
        .into_http(),
        // What tonic answers to bytes that are no message of the method's type. Handlers' own internal errors carry
        // details and never come here.
        Code::Internal => explained(
            Code::InvalidArgument,
            "MESSAGE_MALFORMED",
            "the bytes are no message of this method's type",
            "Meddelandet kan inte läsas.",
        )
        .into_http(),
        // tonic then says which encodings it would have read.
        Code::Unimplemented if response.headers().contains_key("grpc-accept-encoding") => {
            unknown_encoding().into_http()
        }
        Code::Unimplemented => unknown_method().into_http(),
        _ => response,
    }
}

fn explained(code: Code, reason: &str, message: &str, swedish: &str) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, std::collections::HashMap::new());
    details.set_localized_message("sv", swedish);
    Status::with_error_details(code, message, details)
}
