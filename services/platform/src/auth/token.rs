//! Reads who calls from a signed token.
//!
//! # Design notes
//! Only RS256, ES256 and EdDSA are read: with `none` anybody signs, and with HMAC whoever holds the
//! public key does. The algorithm must also be the key's own. A token that demands an extension is
//! refused, since we understand none (RFC 7515, 4.1.11) and the library passes them over. Expiry is
//! compared with the platform's clock and not by the library, so that there is one clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonwebtoken::Validation;
use serde::{Deserialize, Serialize};

use crate::auth::Principal;
use crate::auth::keys::{ALGORITHMS, Keys};
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
        }
    }

    /// Who holds this token.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_WRONG_ISSUER` or `TOKEN_WRONG_AUDIENCE`;
    /// `KEYS_UNAVAILABLE` when the identity provider's keys were never read.
    pub async fn verify(&self, token: &str) -> Result<Principal, Box<Fault>> {
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
        let key = self.keys.find(header.kid.as_deref(), header.alg).await?;
        let mut validation = Validation::new(header.alg);
        // The signature is the library's business, the claims are ours: see the design notes.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
            .map_err(|_| invalid("the token's signature or claims are wrong"))?
            .claims;
        self.check(&claims)?;
        Ok(principal(claims))
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
        if claims.exp.saturating_add(LEEWAY_SECONDS) <= now {
            return Err(refused("TOKEN_EXPIRED", "the token has expired"));
        }
        if claims
            .nbf
            .is_some_and(|from| from.saturating_sub(LEEWAY_SECONDS) > now)
        {
            return Err(invalid("the token does not hold yet"));
        }
        if claims.sub.is_empty() || claims.sub == crate::auth::ANONYMOUS {
            return Err(invalid("the token names nobody"));
        }
        Ok(())
    }
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
