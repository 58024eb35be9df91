//! The door that every call passes: trace, message, place, time, who, how often, may he.
//!
//! # Design notes
//! The order is by price: a full process refuses by the headers alone, before it makes a span or
//! reads a message ([`super::shed`]); a caller whose token was verified before is counted before his
//! message is read, and any other one only after it, since a signature is dear. Nothing is held for
//! a message that is not there yet ([`super::receiving`]). What needs the request's fields (the
//! `own` grants) is finished in [`crate::rpc`], which the request reaches with [`Admitted`] in its
//! extensions.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::Instrument as _;

use crate::auth::Principal;
use crate::auth::refusal::invalid;
use crate::auth::rules::{OwnGrant, Rules};
use crate::auth::token::Verifier;
use crate::config::LimitsConfig;
use crate::database::Pace;
use crate::error::{ErrorCode, Fault};
use crate::rpc::{Admitted, refuse, tally};
use crate::server::limiter::Limiter;
use crate::server::peer::PeerInfo;
use crate::server::places::Places;
use crate::server::receiving::{Receiving, Unfinished};
use crate::server::shed::Shed;
use crate::server::unexplained;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::propagation;

/// How much earlier than the client's deadline we answer: tonic's own timer would answer CANCELLED
/// at the deadline.
const DEADLINE_MARGIN_MOST: Duration = Duration::from_millis(50);
/// What answers without being a method of ours.
const INFRASTRUCTURE: [&str; 2] = ["/grpc.health.v1.Health/", "/grpc.reflection."];

/// What the door needs to know.
#[derive(Debug)]
pub(crate) struct DoorSettings {
    pub(crate) rules: Rules,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) public_reads: bool,
    pub(crate) limits: LimitsConfig,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    pub(crate) pace: Pace,
}

/// The layer in front of all gRPC services.
#[derive(Clone, Debug)]
pub(crate) struct Door(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    settings: DoorSettings,
    limiter: Limiter,
    receiving: Receiving,
    places: Places,
    shed: Shed,
    streams: Arc<Semaphore>,
}

impl Door {
    pub(crate) fn new(settings: DoorSettings) -> anyhow::Result<Self> {
        Ok(Self(Arc::new(Inside {
            limiter: Limiter::new(&settings.limits)?,
            receiving: Receiving::new(),
            places: Places::new(settings.limits.max_calls, settings.pace.clone()),
            shed: Shed::new()?,
            streams: Arc::new(Semaphore::new(settings.limits.max_streams)),
            settings,
        })))
    }

    /// What is counted here.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.settings.metrics
    }

    /// Forgets callers that have not called for a while.
    pub(crate) fn forget_the_quiet(&self) {
        self.0.limiter.forget_the_quiet();
    }
}

impl<S> Layer<S> for Door {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            inner,
            door: self.clone(),
        }
    }
}

/// The gRPC services behind the door.
#[derive(Clone, Debug)]
pub(crate) struct Guarded<S> {
    inner: S,
    door: Door,
}

impl<S> Service<Request<Body>> for Guarded<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if let Some(refusal) = self.door.0.turn_away(&request) {
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        // The clone has not been asked whether it is ready; the one that was goes with the call.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let inside = Arc::clone(&self.door.0);
        Box::pin(pass(inside, inner, request))
    }
}

async fn pass<S>(
    inside: Arc<Inside>,
    mut inner: S,
    request: Request<Body>,
) -> Result<Response<Body>, Infallible>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    if let Some(peer) = request.extensions().get::<PeerInfo>() {
        peer.calls();
    }
    let path = request.uri().path();
    if INFRASTRUCTURE.iter().any(|prefix| path.starts_with(prefix)) {
        return inner.call(request).await;
    }
    let Some((method, _)) = inside.settings.rules.of(path) else {
        // Nothing is reachable that has no rule, even if somebody routes it.
        return Ok(unexplained::unknown_method().into_http());
    };
    let span = tracing::info_span!(
        "rpc",
        otel.name = method,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.method = method,
    );
    let trace_id = propagation::enter(&span, request.headers());
    let began = Instant::now();
    let response = async {
        match inside.admit(request, method, &trace_id).await {
            Ok(request) => inner.call(request).await,
            Err(Refusal::Full) => Ok(inside.shed(method, &trace_id)),
            Err(Refusal::Fault(fault)) => Ok(refuse(*fault, method, &trace_id).into_http()),
        }
    }
    .instrument(span)
    .await
    .map(unexplained::explain);
    if let Ok(response) = &response {
        inside
            .settings
            .metrics
            .call(method, status_of(response.headers()), began.elapsed());
    }
    response
}

/// Why a call does not come in.
enum Refusal {
    /// There is no room, for anybody.
    Full,
    /// The call itself, or its caller.
    Fault(Box<Fault>),
}

impl From<Box<Fault>> for Refusal {
    fn from(fault: Box<Fault>) -> Self {
        Self::Fault(fault)
    }
}

impl Inside {
    /// The answer to a call that there is no place for, by its headers alone.
    fn turn_away(&self, request: &Request<Body>) -> Option<Response<Body>> {
        if self.places.are_free() {
            return None;
        }
        // What is no method of ours takes no place.
        let (method, _) = self.settings.rules.of(request.uri().path())?;
        if let Some(peer) = request.extensions().get::<PeerInfo>() {
            peer.calls();
        }
        let refusal = self.shed(method, &propagation::trace_id(request.headers()));
        let code = tonic::Code::ResourceExhausted;
        self.settings.metrics.call(method, code, Duration::ZERO);
        Some(refusal)
    }

    fn shed(&self, method: &'static str, trace_id: &str) -> Response<Body> {
        tally::count(tally::LOAD_SHED, method, trace_id);
        self.shed.response(trace_id)
    }

    /// The request with its whole message and with what was found out about it.
    async fn admit(
        &self,
        request: Request<Body>,
        method: &'static str,
        trace_id: &str,
    ) -> Result<Request<Body>, Refusal> {
        let caller = Caller::of(&request);
        let known = self.recognise(&caller.token);
        if let Some(principal) = &known {
            self.limiter.check(&rate_of(principal, caller.address))?;
        }
        let (mut head, body) = request.into_parts();
        let body = self.receiving.whole(body).await.map_err(incomplete)?;
        let place = self.places.take().ok_or(Refusal::Full)?;
        let principal = match known {
            Some(principal) => principal,
            None => {
                let principal = self.identify(caller.token).await?;
                self.limiter.check(&rate_of(&principal, caller.address))?;
                principal
            }
        };
        let own = self.authorise(method, &principal)?;
        head.extensions.insert(Admitted {
            principal: Principal::clone(&principal),
            method,
            trace_id: trace_id.to_owned(),
            deadline: caller.deadline,
            own,
            place: Arc::new(place),
            streams: Arc::clone(&self.streams),
            shutdown: self.settings.shutdown.clone(),
        });
        Ok(Request::from_parts(head, body))
    }

    /// Who calls, if that can be said without a signature.
    fn recognise(&self, token: &Token) -> Option<Arc<Principal>> {
        match (token, &self.settings.verifier) {
            (Token::Missing, _) => Some(Arc::new(Principal::anonymous())),
            (Token::Bearer(token), Some(verifier)) => verifier.known(token),
            (Token::Bearer(_), None) | (Token::Unreadable, _) => None,
        }
    }

    async fn identify(&self, token: Token) -> Result<Arc<Principal>, Box<Fault>> {
        match (token, &self.settings.verifier) {
            (Token::Missing, _) => Ok(Arc::new(Principal::anonymous())),
            (Token::Bearer(token), Some(verifier)) => verifier.verify(&token).await,
            (Token::Bearer(_), None) => Err(invalid("this process reads no tokens")),
            (Token::Unreadable, _) => Err(invalid("the header must be `Bearer` and a token")),
        }
    }

    fn authorise(
        &self,
        method: &'static str,
        principal: &Principal,
    ) -> Result<Vec<OwnGrant>, Box<Fault>> {
        let rule = self
            .settings
            .rules
            .of(method)
            .map(|(_, rule)| rule.clone())
            .unwrap_or_default();
        rule.admit(principal, self.settings.public_reads)
    }
}

/// What the headers and the connection say of the caller. Taken out at once: a request with its
/// body cannot be shared between threads.
struct Caller {
    token: Token,
    address: Option<IpAddr>,
    deadline: Option<Instant>,
}

enum Token {
    Missing,
    Unreadable,
    Bearer(String),
}

impl Caller {
    fn of(request: &Request<Body>) -> Self {
        let peer = request.extensions().get::<PeerInfo>();
        Self {
            token: Token::of(request.headers()),
            address: peer.map(|peer| peer.address),
            deadline: deadline(request.headers()),
        }
    }
}

impl Token {
    fn of(headers: &HeaderMap) -> Self {
        let Some(value) = headers.get(http::header::AUTHORIZATION) else {
            return Self::Missing;
        };
        let bearer = value.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| token.trim().to_owned())
        });
        bearer.map_or(Self::Unreadable, Self::Bearer)
    }
}

/// Whose rate a call counts against. Those without a token share one by address.
fn rate_of(principal: &Principal, address: Option<IpAddr>) -> String {
    match address {
        Some(address) if principal.is_anonymous() => format!("address {address}"),
        _ => format!("subject {}", principal.subject),
    }
}

/// When the client stops waiting, a little earlier.
fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    // The specification allows eight digits.
    let number: u64 = (number.len() <= 8).then(|| number.parse().ok())??;
    let time = match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Instant::now().checked_add(time - (time / 10).min(DEADLINE_MARGIN_MOST))
}

/// The status as far as the headers tell; the one of a finished unary answer stands in its trailers
/// and is OK.
fn status_of(headers: &HeaderMap) -> tonic::Code {
    headers
        .get("grpc-status")
        .map_or(tonic::Code::Ok, |status| {
            tonic::Code::from_bytes(status.as_bytes())
        })
}

fn incomplete(unfinished: Unfinished) -> Refusal {
    match unfinished {
        Unfinished::Crowded => Refusal::Full,
        // Who has reset his stream hears nothing of it either way.
        Unfinished::Late | Unfinished::Broken => Refusal::Fault(Box::new(Fault::new(
            ErrorCode::Unavailable,
            crate::error::DEADLINE_EXCEEDED,
            "the request did not arrive in time; send it again",
            "Anropet kom inte fram i tid. Försök igen.",
        ))),
    }
}
