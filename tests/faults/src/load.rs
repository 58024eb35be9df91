//! Mixed commands from many clients, each written down before it is sent and when it is answered.
//!
//! # Design notes
//! A closed loop: a client sends its next command when it knows, or gives up to know, what became
//! of the last one. What nobody knows is asked again with the same `request_id`, as the contracts
//! tell clients to, until it is known or the patience ends; then it stays unknown, and the judge
//! accepts either.

pub(crate) mod commands;
mod known;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use handslag_checker::record::{Answer, ClientRecord, Invoke, Refusal, Resource, Unknown};
use handslag_runner::issuer::{Claims, Issuer};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::client::{self, Method, Outcome};
use crate::fleet;
use crate::history::History;
pub(crate) use known::Known;

/// How long a client asks what became of a command. Longer than any outage of a run, so that few
/// remain unknown.
const PATIENCE: Duration = Duration::from_secs(25);
/// Pause before a client asks again.
const ASK_AGAIN: Duration = Duration::from_millis(150);
/// The deadline of an ordinary call.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long tokens hold: longer than a run, and than the hour by which a clock is set wrong.
const TOKEN_SECONDS: i64 = 4 * 3_600;

/// How the clients behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How many there are.
    pub(crate) clients: u32,
    /// Longest pause of a client between two commands.
    pub(crate) pause_most: Duration,
    /// Share of the calls that the client cancels while they are under way.
    pub(crate) cancelled: f64,
    /// Share of the calls with a deadline shorter than a commit takes.
    pub(crate) hurried: f64,
    /// So many organisations are changed by everybody, and nothing else is done.
    pub(crate) crowded: Option<usize>,
}

impl Manner {
    /// Eight patient clients.
    pub(crate) const ORDINARY: Self = Self {
        clients: 8,
        pause_most: Duration::from_millis(20),
        cancelled: 0.0,
        hurried: 0.0,
        crowded: None,
    };
}

impl Default for Manner {
    fn default() -> Self {
        Self::ORDINARY
    }
}

/// How many commands came to which end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answered: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unknown: AtomicU64,
    /// Calls that were made again, since nobody knew what had become of them.
    pub(crate) again: AtomicU64,
    /// The longest time from a command's first call to its answer, in milliseconds.
    pub(crate) longest_ms: AtomicU64,
}

/// What all clients share.
pub(crate) struct World {
    pub(crate) history: History,
    pub(crate) tally: Tally,
    /// The addresses of each service's replicas, behind their proxies.
    channels: HashMap<&'static str, Vec<Channel>>,
    issuer: Arc<Issuer>,
    tokens: Mutex<HashMap<String, String>>,
    known: Mutex<Known>,
    manner: Mutex<Manner>,
}

/// A command before it has an identity.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// `registry.CreateArea`.
    pub(crate) call: &'static str,
    /// `operator`, `city`, `sector` or `district:<code>`.
    pub(crate) caller: String,
    pub(crate) request: Value,
}

impl World {
    pub(crate) fn new(
        history: History,
        issuer: Arc<Issuer>,
        addresses: &[(&'static str, SocketAddr)],
    ) -> Result<Self> {
        let mut channels: HashMap<_, Vec<Channel>> = HashMap::new();
        for (service, address) in addresses {
            let channel = client::channel(*address)?;
            channels.entry(*service).or_default().push(channel);
        }
        Ok(Self {
            history,
            tally: Tally::default(),
            channels,
            issuer,
            tokens: Mutex::default(),
            known: Mutex::default(),
            manner: Mutex::default(),
        })
    }

    /// What the clients know to exist.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the clients behave from now on.
    pub(crate) fn set_manner(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    fn manner(&self) -> Manner {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A channel to one of a service's replicas.
    pub(crate) fn channel(&self, service: &str, chance: &mut StdRng) -> Result<Channel> {
        match self.channels.get(service) {
            Some(replicas) => Ok(replicas[chance.random_range(0..replicas.len())].clone()),
            None => bail!("there is no service {service}"),
        }
    }

    /// A token for a caller.
    pub(crate) fn token(&self, caller: &str) -> Result<String> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(caller) {
            return Ok(token.clone());
        }
        let mut claims = Claims::of(&format!("load-{}", caller.replace(':', "-")));
        claims.expires_in_seconds = TOKEN_SECONDS;
        let (role, district) = match caller.split_once(':') {
            Some((_, district)) => ("district-board", Some(district.to_owned())),
            None if caller == "city" => ("city-officer", None),
            None if caller == "sector" => ("sector-representative", None),
            None => (caller, None),
        };
        claims.roles = vec![role.to_owned()];
        claims.district = district;
        claims.party = ["city", "sector"]
            .contains(&caller)
            .then(|| caller.to_owned());
        let token = self.issuer.token(&claims)?;
        tokens.insert(caller.to_owned(), token.clone());
        Ok(token)
    }

    /// Performs a command to its end; answers the response if there is one.
    pub(crate) async fn perform(
        &self,
        client: u32,
        command: &Command,
        chance: &mut StdRng,
        stop: &CancellationToken,
    ) -> Result<Option<Value>> {
        let request_id = fleet::request_id();
        let method = Method::find(command.call)?;
        let service = command.call.split('.').next().unwrap_or_default();
        let mut request = command.request.clone();
        request["requestId"] = request_id.to_string().into();
        let body = method.encode(request)?;
        let token = self.token(&command.caller)?;
        let began = Instant::now();
        let patience = began + PATIENCE;
        loop {
            self.note(&ClientRecord::Invoke(Invoke {
                at_ms: self.history.now_ms(),
                client,
                request_id,
                method: method.path().into(),
            }))?;
            let channel = self.channel(service, chance)?;
            let outcome = self.once(channel, &method, &body, &token, chance).await;
            match outcome {
                Outcome::Answered(response) => {
                    self.tally.answered.fetch_add(1, Ordering::Relaxed);
                    let took = u64::try_from(began.elapsed().as_millis())?;
                    self.tally.longest_ms.fetch_max(took, Ordering::Relaxed);
                    let value = method.decode(&response)?;
                    self.answered(request_id, &response, &value)?;
                    return Ok(Some(value));
                }
                Outcome::Refused { code, reason } => {
                    self.tally.refused.fetch_add(1, Ordering::Relaxed);
                    self.note(&ClientRecord::Refused(Refusal {
                        at_ms: self.history.now_ms(),
                        request_id,
                        code: code.into(),
                        reason: reason.into(),
                    }))?;
                    return Ok(None);
                }
                Outcome::Unknown(status) => {
                    tracing::debug!(%status, %request_id, "unknown, and asked again");
                    let at_ms = self.history.now_ms();
                    self.note(&ClientRecord::Unknown(Unknown { at_ms, request_id }))?;
                    if Instant::now() > patience || stop.is_cancelled() {
                        self.tally.unknown.fetch_add(1, Ordering::Relaxed);
                        return Ok(None);
                    }
                    self.tally.again.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(ASK_AGAIN.mul_f64(0.5 + chance.random::<f64>())).await;
                }
            }
        }
    }

    /// One call in the clients' manner.
    async fn once(
        &self,
        channel: Channel,
        method: &Method,
        body: &[u8],
        token: &str,
        chance: &mut StdRng,
    ) -> Outcome {
        let manner = self.manner();
        let told = if chance.random_bool(manner.hurried) {
            Duration::from_micros(chance.random_range(500..15_000))
        } else {
            DEADLINE
        };
        let call = client::call(channel, method, body.to_vec(), token, told);
        if !chance.random_bool(manner.cancelled) {
            return call.await;
        }
        // A dropped call resets its stream: the service sees a cancellation.
        let patience = Duration::from_micros(chance.random_range(200..20_000));
        match tokio::time::timeout(patience, call).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown(tonic::Status::cancelled("by the client")),
        }
    }

    fn answered(&self, request_id: Uuid, response: &[u8], value: &Value) -> Result<()> {
        let hash: String = Sha256::digest(response)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        self.note(&ClientRecord::Ok(Answer {
            at_ms: self.history.now_ms(),
            request_id,
            answer_hash: hash.into(),
            resource: resource(value),
        }))
    }

    fn note(&self, record: &ClientRecord<'_>) -> Result<()> {
        self.history.write(record)
    }
}

/// Resources that are called as their aggregates are. A subscription and a proceeding are not among
/// them: their etags count apart from an aggregate's version.
const NAMED_ALIKE: [&str; 12] = [
    "organisation",
    "agreement",
    "area",
    "party",
    "board",
    "proposal",
    "figure",
    "commitment",
    "action",
    "deliberation",
    "subscriber",
    "report",
];

/// The aggregate and version that an answer names.
fn resource(answer: &Value) -> Option<Resource<'static>> {
    let (kind, resource) = answer.as_object()?.iter().next()?;
    let name = resource.get("name")?.as_str()?;
    let etag = resource.get("etag")?.as_str()?;
    let version = etag.trim_matches('"').parse().ok()?;
    let segments: Vec<&str> = name.split('/').collect();
    let (aggregate, aggregate_id) = match (kind.as_str(), segments.as_slice()) {
        ("signatory", ["agreements", agreement, "signatories", organisation]) => {
            ("signatory", format!("{agreement}.{organisation}"))
        }
        ("actionPlan", [_, id]) => ("action_plan", (*id).to_owned()),
        ("followUp", [_, id]) => ("follow_up", (*id).to_owned()),
        ("districtBoard", [_, id]) => ("district_board", (*id).to_owned()),
        (kind, [_, id]) if NAMED_ALIKE.contains(&kind) => (kind, (*id).to_owned()),
        _ => return None,
    };
    Some(Resource {
        aggregate: aggregate.to_owned().into(),
        aggregate_id: aggregate_id.into(),
        version,
    })
}

/// Clients that work until they are stopped.
pub(crate) struct Load {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Load {
    /// Starts as many clients as `manner` says.
    pub(crate) fn start(world: &Arc<World>, manner: Manner, seed: u64) -> Self {
        world.set_manner(manner);
        let load = Self {
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        load.add(world, 0..manner.clients, seed);
        load
    }

    /// Adds clients with these numbers.
    pub(crate) fn add(&self, world: &Arc<World>, numbers: std::ops::Range<u32>, seed: u64) {
        for client in numbers {
            let (world, stop) = (Arc::clone(world), self.stop.clone());
            let chance = StdRng::seed_from_u64(seed ^ (u64::from(client) << 32));
            self.tasks.spawn(async move {
                if let Err(error) = work(&world, client, chance, &stop).await {
                    tracing::error!(client, error = format!("{error:#}"), "a client ended");
                }
            });
        }
    }

    /// Lets every client finish its last command.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn work(
    world: &World,
    client: u32,
    mut chance: StdRng,
    stop: &CancellationToken,
) -> Result<()> {
    while !stop.is_cancelled() {
        let manner = world.manner();
        let command = commands::choose(&world.known(), manner.crowded, &mut chance);
        let answer = world.perform(client, &command, &mut chance, stop).await?;
        world.known().learn(&command, answer.as_ref(), &mut chance);
        let pause = manner.pause_most.mul_f64(chance.random::<f64>());
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    Ok(())
}
