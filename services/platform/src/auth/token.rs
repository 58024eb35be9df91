//! Reads who calls from a signed token.
//!
//! # Design notes
//! Only RS256, ES256 and EdDSA are read: with `none` anybody signs, and with HMAC whoever holds the
//! public key does. The algorithm must also be the key's own. A token that demands an extension is
//! refused, since we understand none (RFC 7515, 4.1.11) and the library passes them over. Expiry is
//! compared with the platform's clock and not by the library, so that there is one clock. A token that
//! was verified before is not verified again ([`super::known`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonwebtoken::Validation;
use serde::{Deserialize, Serialize};

use crate::auth::Principal;
use crate::auth::keys::{ALGORITHMS, Keys};
use crate::auth::known::{Fingerprint, Holder, Known};
use crate::auth::refusal::{invalid, refused};
use crate::clock::Clock;
use crate::error::Fault;

/// How far the clocks of the identity provider and of this machine may be apart, in seconds.
pub const LEEWAY_SECONDS: i64 = 60;
/// Longest token read, in bytes: below the limit of the header list, and above any token seen in
/// practice.
const TOKEN_BYTES_MOST: usize = 8_192;

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    pub sub: String,
    /// Who says so.
    pub iss: String,
    /// For whom it is meant.
    pub aud: Audience,
    /// Until when it holds, in seconds since 1970.
    pub exp: i64,
    /// Since when it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// When it was made.
    #[serde(default)]
    pub iat: i64,
    /// The caller's roles; names outside our catalogue belong to other systems and are passed over.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The party.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<String>,
    /// The board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// The district board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// The organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// One audience or several, as RFC 7519 allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// Checks tokens.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Keys,
    issuer: Arc<str>,
    audience: Arc<str>,
    clock: Clock,
    known: Arc<Known>,
}

impl Verifier {
    /// Takes tokens of this issuer for this audience.
    #[must_use]
    pub fn new(keys: Keys, issuer: &str, audience: &str, clock: Clock) -> Self {
        Self {
            keys,
            issuer: issuer.into(),
            audience: audience.into(),
            clock,
            known: Arc::default(),
        }
    }

    /// Who holds this token, if it was verified before and still holds.
    #[must_use]
    pub fn known(&self, token: &str) -> Option<Arc<Principal>> {
        let set = self.keys.set()?;
        let now = self.clock.now().unix_timestamp();
        self.known.find(set, Fingerprint::of(token), now)
    }

    /// Who holds this token.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_WRONG_ISSUER` or `TOKEN_WRONG_AUDIENCE`;
    /// `KEYS_UNAVAILABLE` when the identity provider's keys were never read.
    pub async fn verify(&self, token: &str) -> Result<Arc<Principal>, Box<Fault>> {
        if let Some(principal) = self.known(token) {
            return Ok(principal);
        }
        if token.len() > TOKEN_BYTES_MOST {
            return Err(invalid("the token is too long"));
        }
        // `none` fails here already: it is no algorithm of the library.
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| invalid("the token's header cannot be read"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(invalid(
                "the token's signature must be RS256, ES256 or EdDSA",
            ));
        }
        if header.crit.is_some() {
            return Err(invalid("the token demands an extension that is not read"));
        }
        let found = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        // The signature is the library's business, the claims are ours: see the design notes.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(token, &found.key, &validation)
            .map_err(|_| invalid("the token's signature or claims are wrong"))?
            .claims;
        self.check(&claims)?;
        let holder = Holder {
            from: claims.nbf.map_or(i64::MIN, earliest),
            until: latest(claims.exp),
            principal: Arc::new(principal(claims)),
        };
        let principal = Arc::clone(&holder.principal);
        let now = self.clock.now().unix_timestamp();
        self.known
            .keep(found.set, Fingerprint::of(token), holder, now);
        Ok(principal)
    }

    fn check(&self, claims: &Claims) -> Result<(), Box<Fault>> {
        let now = self.clock.now().unix_timestamp();
        if *claims.iss != *self.issuer {
            return Err(refused(
                "TOKEN_WRONG_ISSUER",
                "the token is of another issuer",
            ));
        }
        if !claims.aud.names(&self.audience) {
            return Err(refused(
                "TOKEN_WRONG_AUDIENCE",
                "the token is meant for another system",
            ));
        }
        if latest(claims.exp) <= now {
            return Err(refused("TOKEN_EXPIRED", "the token has expired"));
        }
        if claims.nbf.is_some_and(|from| earliest(from) > now) {
            return Err(invalid("the token does not hold yet"));
        }
        if claims.sub.is_empty() || claims.sub == crate::auth::ANONYMOUS {
            return Err(invalid("the token names nobody"));
        }
        Ok(())
    }
}

/// Since when a token of this `nbf` holds here.
fn earliest(from: i64) -> i64 {
    from.saturating_sub(LEEWAY_SECONDS)
}

/// Until when a token of this `exp` holds here.
fn latest(until: i64) -> i64 {
    until.saturating_add(LEEWAY_SECONDS)
}

fn principal(claims: Claims) -> Principal {
    let roles: BTreeSet<_> = claims
        .roles
        .iter()
        .filter_map(|role| role.parse().ok())
        .collect();
    Principal {
        subject: claims.sub,
        roles,
        party: claims.party,
        board: claims.board,
        district: claims.district,
        organisation: claims.organisation,
    }
}
