//! What can go wrong beyond a malformed request, as a caller would act on it.

use handslag_platform::{
    error::{ErrorCode, Fault},
    rpc::{Closed, Failure},
};

use crate::domain::subscription::AlreadyEnded;

/// Why an RPC is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such subscriber; its name.
    #[error("no subscriber {0}")]
    SubscriberNotFound(String),
    /// No such subscription; its name.
    #[error("no subscription {0}")]
    SubscriptionNotFound(String),
    /// The district board has a subscriber; the board's name.
    #[error("{0} is a subscriber already")]
    SubscriberExists(String),
    /// The subscription is not in force any more.
    #[error(transparent)]
    SubscriptionEnded(#[from] AlreadyEnded),
    /// The subscriber has as many subscriptions in force as it may.
    #[error("at most {0} subscriptions may be in force")]
    TooManySubscriptions(i64),
    /// A district board may touch its own only.
    #[error("a district board may touch its own inbox and subscriptions only")]
    NotYourOwn,
    /// The service stops and ends its streams.
    #[error("the service stops; call again with the last resume token")]
    Stopping,
    /// Everything that all services have in common.
    #[error(transparent)]
    Platform(#[from] Failure),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Platform(fault.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Platform(error.into())
    }
}

impl From<Closed> for Error {
    fn from(closed: Closed) -> Self {
        Self::Platform(closed.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let fault = match error {
            Error::Platform(failure) => return failure,
            Error::SubscriberNotFound(name) => Fault::not_found("subscriber", name),
            Error::SubscriptionNotFound(name) => Fault::not_found("subscription", name),
            Error::SubscriberExists(board) => Fault::new(
                ErrorCode::AlreadyExists,
                "SUBSCRIBER_EXISTS",
                message,
                "Stadsdelsnämnden är redan prenumerant.",
            )
            .with_resource("district board", board),
            Error::SubscriptionEnded(_) => Fault::new(
                ErrorCode::FailedPrecondition,
                "SUBSCRIPTION_ENDED",
                message,
                "Prenumerationen är redan avslutad.",
            ),
            Error::TooManySubscriptions(most) => Fault::new(
                ErrorCode::FailedPrecondition,
                "TOO_MANY_SUBSCRIPTIONS",
                message,
                format!("Högst {most} prenumerationer kan gälla samtidigt. Avsluta någon först."),
            ),
            Error::NotYourOwn => Fault::new(
                ErrorCode::PermissionDenied,
                "NOT_YOUR_OWN",
                message,
                "En stadsdelsnämnd når bara sin egen inkorg och sina egna prenumerationer.",
            ),
            Error::Stopping => Fault::new(
                ErrorCode::Unavailable,
                "SHUTTING_DOWN",
                message,
                "Tjänsten startar om. Anslut igen från den senaste platsen.",
            ),
        };
        fault.into()
    }
}
