//! One request, one answer.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use handslag_proto::RequestFields;
use prost::Message;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::error::{BoxError, ErrorCode, Fault};
use crate::rpc::{Admitted, CALL_TIME_MOST, Call, Failure, MESSAGE_BYTES_MOST, enter, refuse};

/// An async function that answers one request: `async fn name(service: &S, call: Call<Req>) ->
/// Result<Res, E>`.
pub trait Handler<'a, S, Req, Res>: Send + Sync + 'static {
    /// Answers.
    fn answer(&self, service: &'a S, call: Call<Req>) -> BoxFuture<'a, Result<Res, Failure>>;
}

impl<'a, S, Req, Res, E, F, Fut> Handler<'a, S, Req, Res> for F
where
    S: 'a,
    F: Fn(&'a S, Call<Req>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Res, E>> + Send + 'a,
    E: Into<Failure>,
{
    fn answer(&self, service: &'a S, call: Call<Req>) -> BoxFuture<'a, Result<Res, Failure>> {
        self(service, call)
            .map(|result| result.map_err(Into::into))
            .boxed()
    }
}

/// Answers one call: finishes its authorisation, bounds its time, runs the handler as a task that a
/// cancelled call cannot drop half way, answers a remembered request, turns errors into statuses
/// and logs each once.
///
/// # Errors
/// The status that the client gets.
pub async fn unary<S, Req, Res, H>(
    service: &Arc<S>,
    request: Request<Req>,
    handler: H,
) -> Result<Response<Res>, Status>
where
    S: Send + Sync + 'static,
    Req: RequestFields + Send + 'static,
    Res: Message + Default + Send + 'static,
    H: for<'a> Handler<'a, S, Req, Res>,
{
    // Kept beside, since a request that never came through the door has neither.
    let (method, trace_id) = request
        .extensions()
        .get::<Admitted>()
        .map_or(("", String::new()), |admitted| {
            (admitted.method, admitted.trace_id.clone())
        });
    run(Arc::clone(service), request, handler)
        .await
        .map(Response::new)
        .map_err(|fault| refuse(*fault, method, &trace_id))
}

async fn run<S, Req, Res, H>(
    service: Arc<S>,
    request: Request<Req>,
    handler: H,
) -> Result<Res, Box<Fault>>
where
    S: Send + Sync + 'static,
    Req: RequestFields + Send + 'static,
    Res: Message + Default + Send + 'static,
    H: for<'a> Handler<'a, S, Req, Res>,
{
    let (mut call, admitted) = enter(request)?;
    let latest = Instant::now() + CALL_TIME_MOST;
    let deadline = call.deadline.map_or(latest, |asked| asked.min(latest));
    call.deadline = Some(deadline);
    let Admitted {
        place, shutdown, ..
    } = admitted;
    let work = async move {
        let result = handler.answer(&service, call).await;
        drop(place);
        result
    };
    let task = shutdown.spawn(work.in_current_span());
    let result = tokio::select! {
        result = task => result,
        () = tokio::time::sleep_until(deadline) => return Err(Box::new(deadline_exceeded())),
        () = shutdown.aborted() => return Err(Box::new(going_down())),
    };
    let response = match result {
        Ok(Ok(response)) => response,
        Ok(Err(Failure::Answered(bytes))) => {
            Res::decode(bytes.as_slice()).map_err(|error| Box::new(Fault::internal(error)))?
        }
        Ok(Err(Failure::Fault(fault))) => return Err(fault),
        Ok(Err(Failure::Closed)) => return Err(Box::new(going_down())),
        Err(panicked) => return Err(Box::new(Fault::internal(BoxError::from(panicked)))),
    };
    bounded(&response)?;
    Ok(response)
}

/// Refuses to send what a client may refuse to read.
pub(super) fn bounded(message: &impl Message) -> Result<(), Box<Fault>> {
    let bytes = message.encoded_len();
    if bytes > MESSAGE_BYTES_MOST {
        return Err(Box::new(Fault::new(
            ErrorCode::ResourceExhausted,
            "RESPONSE_TOO_LARGE",
            format!("the answer has {bytes} bytes and may have {MESSAGE_BYTES_MOST}; ask for less"),
            "Svaret är för stort. Begär färre uppgifter åt gången.",
        )));
    }
    Ok(())
}

pub(crate) fn deadline_exceeded() -> Fault {
    Fault::new(
        ErrorCode::Unavailable,
        crate::error::DEADLINE_EXCEEDED,
        "the time for this call ran out; a command may still take effect: repeat its request_id",
        "Det tog för lång tid. Ändringen kan ändå ha gått igenom; försök igen.",
    )
}

pub(super) fn going_down() -> Fault {
    Fault::new(
        ErrorCode::Unavailable,
        "SHUTTING_DOWN",
        "this replica is going down; try again",
        "Tjänsten startas om. Försök igen om en stund.",
    )
}
