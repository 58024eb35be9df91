//! The one place between a gRPC method and its handler.
//!
//! # Design notes
//! A handler's future is dropped by tonic when the client cancels or its connection breaks, and a
//! transaction dropped half way can poison a pooled connection. Therefore the handler runs as a
//! task of its own that the process tracks: a cancelled call loses the answer, never the half-done
//! work. A call whose time is up is answered at once and its task goes on to its end, which the
//! statement timeout of the database bounds.

mod failure;
mod stream;
pub(crate) mod tally;
mod unary;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::auth::Principal;
use crate::auth::rules::OwnGrant;
use crate::error::{Chain, ErrorCode, Fault};
use crate::shutdown::Shutdown;

pub use failure::Failure;
pub use stream::{Closed, ItemStream, StreamHandler, StreamSink, server_stream};
pub(crate) use unary::deadline_exceeded;
pub use unary::{Handler, unary};

/// Longest time for a unary call, whatever the client asks: three statement timeouts would already
/// be a defect.
pub const CALL_TIME_MOST: Duration = Duration::from_secs(10);

/// Largest message in either direction, in bytes: tonic's default for what is read, here for what
/// is sent too.
pub const MESSAGE_BYTES_MOST: usize = 4 * 1024 * 1024;

/// One call: the request with who makes it.
#[derive(Debug)]
pub struct Call<T> {
    /// The request.
    pub request: T,
    /// Who calls.
    pub principal: Principal,
    /// The full path of the method: `/handslag.registry.v1.RegistryService/GetAgreement`.
    pub method: &'static str,
    /// The trace that the call belongs to, in hexadecimal.
    pub trace_id: String,
    /// When the client stops waiting; for a unary call no later than [`CALL_TIME_MOST`] after it
    /// came.
    pub deadline: Option<Instant>,
}

impl<T> Deref for Call<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.request
    }
}

/// What the server's door found out about a call; travels in the request's extensions.
#[derive(Clone, Debug)]
pub struct Admitted {
    pub(crate) principal: Principal,
    pub(crate) method: &'static str,
    pub(crate) trace_id: String,
    pub(crate) deadline: Option<Instant>,
    /// Empty when the method is allowed as such, else one of these must fit the request.
    pub(crate) own: Vec<OwnGrant>,
    /// One of the process's places for calls; given back when the handler is done.
    pub(crate) place: Arc<OwnedSemaphorePermit>,
    pub(crate) streams: Arc<tokio::sync::Semaphore>,
    pub(crate) shutdown: Shutdown,
}

/// Takes the request apart and finishes the authorisation that needs its fields.
fn enter<T: handslag_proto::RequestFields>(
    request: tonic::Request<T>,
) -> Result<(Call<T>, Admitted), Fault> {
    let (_, mut extensions, message) = request.into_parts();
    let admitted = extensions
        .remove::<Admitted>()
        .ok_or_else(|| Fault::internal("the call did not come through the server's door"))?;
    let principal = admitted.principal.clone();
    if !admitted.own.is_empty()
        && !admitted
            .own
            .iter()
            .any(|own| own.fits(&principal, &message))
    {
        return Err(Fault::new(
            ErrorCode::PermissionDenied,
            "NOT_YOUR_OWN",
            "each party writes only its own part, and this one is another's",
            "Du kan bara ändra det som hör till din egen part.",
        ));
    }
    let call = Call {
        request: message,
        principal,
        method: admitted.method,
        trace_id: admitted.trace_id.clone(),
        deadline: admitted.deadline,
    };
    Ok((call, admitted))
}

/// Turns a fault into what the client sees, and logs it: the one place where a failed call is
/// logged, or counted where there are too many of its kind.
pub(crate) fn refuse(fault: Fault, method: &str, trace_id: &str) -> tonic::Status {
    let source = fault
        .source
        .as_deref()
        .map(|source| Chain(source).to_string());
    if fault.code == ErrorCode::Internal {
        tracing::error!(
            method,
            trace_id,
            reason = fault.reason,
            source = source.as_deref(),
            "a call failed through a defect of ours"
        );
    } else if tally::sums(fault.reason) {
        tally::count(fault.reason, method, trace_id);
    } else {
        tracing::info!(
            method,
            trace_id,
            code = ?fault.code,
            reason = fault.reason,
            source = source.as_deref(),
            "a call was refused"
        );
    }
    fault.with_metadata("trace_id", trace_id).into_status()
}
