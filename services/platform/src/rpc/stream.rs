//! One request, many answers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use handslag_proto::RequestFields;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use crate::error::{BoxError, ErrorCode, Fault};
use crate::rpc::tally::LOAD_SHED;
use crate::rpc::unary::{bounded, going_down};
use crate::rpc::{Admitted, Call, Failure, enter, refuse};
use crate::shutdown::Shutdown;

/// Items that wait for a slow client: enough to keep the connection busy, little enough to bound
/// memory (16 items of at most 1 MiB as reports send them).
const ITEMS_WAITING_MOST: usize = 16;

/// How long a stream's handler may take to send its resume token and end after the process began to
/// stop.
const STREAM_END_TIME_MOST: Duration = Duration::from_secs(5);

/// What a streaming method answers with.
pub type ItemStream<Item> =
    Pin<Box<dyn futures_util::Stream<Item = Result<Item, Status>> + Send + 'static>>;

/// The client went away, or the server is out of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client went away")]
pub struct Closed;

/// Where a handler puts its items.
#[derive(Debug)]
pub struct StreamSink<Item> {
    items: mpsc::Sender<Result<Item, Status>>,
    shutdown: Shutdown,
}

impl<Item: Message> StreamSink<Item> {
    /// Sends one item; waits while the client is slow.
    ///
    /// # Errors
    /// [`Closed`] when the client went away or the server is out of time.
    pub async fn send(&self, item: Item) -> Result<(), Closed> {
        tokio::select! {
            sent = self.items.send(Ok(item)) => sent.map_err(|_| Closed),
            () = self.shutdown.aborted() => Err(Closed),
        }
    }

    /// Resolves when the server is shutting down: the handler sends its resume token and ends.
    pub async fn stopping(&self) {
        self.shutdown.stopping().await;
    }

    /// Resolves when the client went away.
    pub async fn closed(&self) {
        self.items.closed().await;
    }
}

/// An async function that answers with a stream:
/// `async fn name(service: Arc<S>, call: Call<Req>, sink: StreamSink<Item>) -> Result<(), E>`.
pub trait StreamHandler<S, Req, Item>: Send + Sync + 'static {
    /// Answers.
    fn answer(
        &self,
        service: Arc<S>,
        call: Call<Req>,
        sink: StreamSink<Item>,
    ) -> BoxFuture<'static, Result<(), Failure>>;
}

impl<S, Req, Item, E, F, Fut> StreamHandler<S, Req, Item> for F
where
    F: Fn(Arc<S>, Call<Req>, StreamSink<Item>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Failure>,
{
    fn answer(
        &self,
        service: Arc<S>,
        call: Call<Req>,
        sink: StreamSink<Item>,
    ) -> BoxFuture<'static, Result<(), Failure>> {
        self(service, call, sink)
            .map(|result| result.map_err(Into::into))
            .boxed()
    }
}

/// Answers one call with a stream. The handler's error ends the stream as its status; so does the
/// client's deadline.
///
/// # Errors
/// The status that the client gets instead of a stream.
pub async fn server_stream<S, Req, Item, H>(
    service: &Arc<S>,
    request: Request<Req>,
    handler: H,
) -> Result<Response<ItemStream<Item>>, Status>
where
    S: Send + Sync + 'static,
    Req: RequestFields + Send + 'static,
    Item: Message + 'static,
    H: StreamHandler<S, Req, Item>,
{
    let (method, trace_id) = request
        .extensions()
        .get::<Admitted>()
        .map_or(("", String::new()), |admitted| {
            (admitted.method, admitted.trace_id.clone())
        });
    open(Arc::clone(service), request, &handler)
        .map(Response::new)
        .map_err(|fault| refuse(*fault, method, &trace_id))
}

fn open<S, Req, Item, H>(
    service: Arc<S>,
    request: Request<Req>,
    handler: &H,
) -> Result<ItemStream<Item>, Box<Fault>>
where
    S: Send + Sync + 'static,
    Req: RequestFields + Send + 'static,
    Item: Message + 'static,
    H: StreamHandler<S, Req, Item>,
{
    let (call, admitted) = enter(request)?;
    let Admitted {
        deadline,
        streams,
        shutdown,
        method,
        trace_id,
        ..
    } = admitted;
    // A stream may stay for hours: it gives the call's place back and takes one of the streams'
    // instead.
    let place = streams
        .try_acquire_owned()
        .map_err(|_| Box::new(too_many_streams()))?;
    let (items, receiver) = mpsc::channel(ITEMS_WAITING_MOST);
    let sink = StreamSink {
        items: items.clone(),
        shutdown: shutdown.clone(),
    };
    let work = shutdown.spawn(handler.answer(service, call, sink).in_current_span());
    let watcher = async move {
        let time_is_up = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        let abort = work.abort_handle();
        let end = tokio::select! {
            result = work => end_of(result),
            () = time_is_up => Some(super::unary::deadline_exceeded()),
            () = out_of_patience(&shutdown) => Some(going_down()),
        };
        if let Some(fault) = end {
            let status = refuse(fault, method, &trace_id);
            // A client that does not read does not get to know; the place is given back all the
            // same.
            let patience = Duration::from_secs(1);
            let _unread = tokio::time::timeout(patience, items.send(Err(status))).await;
        }
        // A stream's handler only reads, so that it may be dropped where it stands once nobody
        // listens.
        abort.abort();
        drop(place);
    };
    tokio::spawn(watcher.in_current_span());
    let items = ReceiverStream::new(receiver).map(|item: Result<Item, Status>| {
        let item = item?;
        bounded(&item).map_err(|fault| refuse(*fault, method, ""))?;
        Ok(item)
    });
    Ok(Box::pin(items))
}

/// Resolves when a stream that should have ended by itself is cut.
async fn out_of_patience(shutdown: &Shutdown) {
    shutdown.stopping().await;
    tokio::select! {
        () = tokio::time::sleep(STREAM_END_TIME_MOST) => {}
        () = shutdown.aborted() => {}
    }
}

fn end_of(result: Result<Result<(), Failure>, tokio::task::JoinError>) -> Option<Fault> {
    match result {
        Ok(Ok(()) | Err(Failure::Closed)) => None,
        Ok(Err(Failure::Fault(fault))) => Some(*fault),
        Ok(Err(Failure::Answered(_))) => Some(Fault::internal(
            "a stream's handler answered a remembered request",
        )),
        Err(panicked) => Some(Fault::internal(BoxError::from(panicked))),
    }
}

fn too_many_streams() -> Fault {
    Fault::new(
        ErrorCode::ResourceExhausted,
        LOAD_SHED,
        "too many streams are open; try again later or poll",
        "För många lyssnar just nu. Försök igen om en stund.",
    )
    .with_retry_after(Duration::from_secs(5))
}
