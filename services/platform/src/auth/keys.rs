//! The identity provider's public keys, from an address or a file, kept and refreshed: a new key is
//! known half a minute after it is first met at the latest, a withdrawn one is forgotten within ten.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use anyhow::Context as _;
use jsonwebtoken::jwk::{JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::auth::refusal::invalid;
use crate::error::{ErrorCode, Fault};

/// Shortest time between two fetches: an unknown key id must not let a stranger drive our requests
/// to the provider.
const FETCH_PAUSE: Duration = Duration::from_secs(30);
/// Age at which known keys are fetched anew, so that a withdrawn key stops working.
const KEYS_AGE_MOST: Duration = Duration::from_secs(600);
/// A fetch that takes longer has failed.
const FETCH_TIME_MOST: Duration = Duration::from_secs(5);
/// Largest key set read, in bytes; a provider has a handful of keys of about 2 kB.
const KEY_SET_BYTES_MOST: usize = 256 * 1024;
/// The signatures that are read.
pub const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// Where the keys come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The provider's JWKS address.
    Address(String),
    /// A file with the same content.
    File(PathBuf),
}

/// The keys.
#[derive(Clone)]
pub struct Keys {
    source: Source,
    /// What the provider's certificate is checked with, instead of the system's.
    authorities: Option<PathBuf>,
    known: Arc<RwLock<Known>>,
    // Serialises fetches, and holds when the last one began.
    fetched: Arc<Mutex<Option<Instant>>>,
    pause: Duration,
}

type ByIdentity = HashMap<Option<String>, Vec<(Algorithm, Arc<DecodingKey>)>>;

#[derive(Default)]
struct Known {
    keys: ByIdentity,
    at: Option<Instant>,
    /// How often they were read: the number of this set.
    number: u64,
}

impl Known {
    fn is_fresh(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < KEYS_AGE_MOST)
    }
}

/// A key that was found, and the number of its set.
#[derive(Clone)]
pub struct Found {
    /// The key.
    pub key: Arc<DecodingKey>,
    /// The number of the set that it stands in.
    pub set: u64,
}

impl Keys {
    /// Keys that are fetched when they are first needed.
    ///
    /// # Errors
    /// When the HTTP client cannot be made, or the authorities' file cannot be read.
    pub fn new(source: Source, authorities: Option<&std::path::Path>) -> anyhow::Result<Self> {
        // Said at the start rather than at the first call.
        client(authorities)?;
        Ok(Self {
            source,
            authorities: authorities.map(Into::into),
            known: Arc::default(),
            fetched: Arc::default(),
            pause: FETCH_PAUSE,
        })
    }

    /// With another pause between fetches, for tests.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The key of this id for this algorithm. Without an id there must be exactly one that fits.
    ///
    /// # Errors
    /// `TOKEN_INVALID` when there is none, `KEYS_UNAVAILABLE` when no keys could ever be read.
    pub async fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Found, Box<Fault>> {
        if let (Some(found), true) = self.lookup(id, algorithm) {
            return Ok(found);
        }
        self.refresh().await;
        let (found, _) = self.lookup(id, algorithm);
        if self.read().at.is_none() {
            return Err(Box::new(keys_unavailable()));
        }
        // A failed refresh leaves the old keys known: an outage of the provider is none of ours.
        found.ok_or_else(|| invalid("the token is signed by an unknown key"))
    }

    /// The number of the set that holds now; `None` when it is too old to be taken without a look
    /// at the provider.
    #[must_use]
    pub fn set(&self) -> Option<u64> {
        let known = self.read();
        known.is_fresh().then_some(known.number)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lookup(&self, id: Option<&str>, algorithm: Algorithm) -> (Option<Found>, bool) {
        let known = self.read();
        let fits = |keys: &Vec<(Algorithm, Arc<DecodingKey>)>| {
            let mut fitting = keys.iter().filter(|(own, _)| *own == algorithm);
            let first = fitting.next().map(|(_, key)| Arc::clone(key));
            if id.is_none() && fitting.next().is_some() {
                None
            } else {
                first
            }
        };
        let found = match id {
            Some(id) => known.keys.get(&Some(id.to_owned())).and_then(fits),
            None => {
                let all: Vec<_> = known.keys.values().flatten().cloned().collect();
                fits(&all)
            }
        };
        let set = known.number;
        (found.map(|key| Found { key, set }), known.is_fresh())
    }

    /// Reads the keys, at most once in a pause; whoever comes while it is being done waits for it.
    async fn refresh(&self) {
        let mut fetched = self.fetched.lock().await;
        if fetched.is_some_and(|at| at.elapsed() < self.pause) {
            return;
        }
        *fetched = Some(Instant::now());
        match self.fetch().await.and_then(|text| parse(&text)) {
            Ok(keys) => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                known.keys = keys;
                known.at = Some(Instant::now());
                known.number += 1;
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the identity provider's keys were not read"
                );
            }
        }
    }

    async fn fetch(&self) -> anyhow::Result<Vec<u8>> {
        match &self.source {
            Source::File(path) => tokio::fs::read(path)
                .await
                .with_context(|| format!("{} cannot be read", path.display())),
            Source::Address(address) => {
                // Made anew each time, which is seldom: the authorities may have been exchanged.
                let client = client(self.authorities.as_deref())?;
                let mut answer = client.get(address).send().await?.error_for_status()?;
                let mut body = Vec::new();
                while let Some(chunk) = answer.chunk().await? {
                    body.extend_from_slice(&chunk);
                    anyhow::ensure!(body.len() <= KEY_SET_BYTES_MOST, "the key set is too large");
                }
                Ok(body)
            }
        }
    }
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found")
            .field("set", &self.set)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

fn parse(text: &[u8]) -> anyhow::Result<ByIdentity> {
    let set: JwkSet = serde_json::from_slice(text).context("the key set cannot be read")?;
    let mut keys = ByIdentity::new();
    for jwk in &set.keys {
        if matches!(&jwk.common.public_key_use, Some(other) if *other != PublicKeyUse::Signature) {
            continue;
        }
        let Some(algorithm) = algorithm_of(jwk) else {
            continue;
        };
        let Ok(key) = DecodingKey::from_jwk(jwk) else {
            continue;
        };
        keys.entry(jwk.common.key_id.clone())
            .or_default()
            .push((algorithm, Arc::new(key)));
    }
    anyhow::ensure!(
        !keys.is_empty(),
        "the key set holds no key for RS256, ES256 or EdDSA"
    );
    Ok(keys)
}

/// The one algorithm that a key is for, if we read it.
fn algorithm_of(jwk: &jsonwebtoken::jwk::Jwk) -> Option<Algorithm> {
    use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve};
    let natural = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        _ => return None,
    };
    match jwk.common.key_algorithm {
        Some(said) if said != KeyAlgorithm::from(natural) => None,
        _ => ALGORITHMS.contains(&natural).then_some(natural),
    }
}

fn client(authorities: Option<&std::path::Path>) -> anyhow::Result<reqwest::Client> {
    crate::authorities::http_client(authorities)?
        .timeout(FETCH_TIME_MOST)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("the HTTP client for the provider's keys cannot be made")
}

fn keys_unavailable() -> Fault {
    Fault::new(
        ErrorCode::Unavailable,
        "KEYS_UNAVAILABLE",
        "the identity provider's keys cannot be read now; try again",
        "Inloggningen kan inte kontrolleras just nu. Försök igen om en stund.",
    )
    .with_retry_after(FETCH_PAUSE)
}
