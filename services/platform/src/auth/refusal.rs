//! How a token is refused: one Swedish text for every reason, since its holder can only log in
//! anew.

use crate::error::{ErrorCode, Fault};

/// `TOKEN_INVALID`: what came is no token that we read.
pub(crate) fn invalid(message: &str) -> Box<Fault> {
    refused("TOKEN_INVALID", message)
}

/// Refuses a token for this reason.
pub(crate) fn refused(reason: &'static str, message: &str) -> Box<Fault> {
    Box::new(Fault::new(
        ErrorCode::Unauthenticated,
        reason,
        message,
        "Inloggningen gäller inte. Logga in på nytt.",
    ))
}
