//! The development issuer of a local city, and whom the import speaks for.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use handslag_platform::{
    auth::{Principal, Role, token},
    clock::Clock,
    dev_issuer::{AUDIENCE, DevIssuer, ISSUER, JWKS_FILE, KEY_FILE},
};
use time::Duration;

use crate::import::Callers;

/// Folder of the keys in a city's data directory.
const FOLDER: &str = "issuer";

/// How long an import's token holds; a new one is signed for each step.
const STEP_LIFETIME: Duration = Duration::minutes(5);

/// What a token is to say. Everything but the roles has a default.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Whom it is about.
    pub subject: String,
    /// Names of roles, also such as do not exist: the services decide.
    pub roles: Vec<String>,
    /// Code of the party.
    pub party: Option<String>,
    /// Code of the board.
    pub board: Option<String>,
    /// Code of the district board.
    pub district: Option<String>,
    /// Id of the organisation.
    pub organisation: Option<String>,
    /// The `iss`.
    pub issuer: String,
    /// The `aud`.
    pub audience: String,
    /// Seconds until it expires; negative when it has.
    pub expires_in_seconds: i64,
}

impl Claims {
    /// Of somebody without a role, for an hour.
    pub fn of(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            roles: Vec::new(),
            party: None,
            board: None,
            district: None,
            organisation: None,
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            expires_in_seconds: 3_600,
        }
    }
}

/// Signs tokens that the city of a data directory trusts.
#[derive(Debug)]
pub struct Issuer {
    inner: DevIssuer,
    jwks_file: PathBuf,
    clock: Clock,
}

impl Issuer {
    /// With the keys in the city's data directory, made when there are none.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        Self::in_folder(&directory.join(FOLDER))
    }

    /// With the keys in a folder, made when there are none.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        let inner = DevIssuer::in_folder(folder).with_context(|| {
            format!(
                "the issuer's keys in {} cannot be used or made",
                folder.display()
            )
        })?;
        Ok(Self {
            inner,
            jwks_file: folder.join(JWKS_FILE),
            clock: Clock::system(),
        })
    }

    /// With the keys that `up` made, and none when it never ran.
    ///
    /// # Errors
    /// When no city was started in the directory.
    pub fn existing(directory: &Path) -> anyhow::Result<Self> {
        if !directory.join(FOLDER).join(JWKS_FILE).exists() {
            bail!(
                "no city was started in {}: start one with `cargo dev up`",
                directory.display()
            );
        }
        Self::open(directory)
    }

    /// With the keys that `handslag issuer` made in a folder.
    ///
    /// # Errors
    /// When there are none, since services that trust other keys would refuse the token.
    pub fn made_in(folder: &Path) -> anyhow::Result<Self> {
        if !folder.join(KEY_FILE).exists() {
            bail!(
                "there is no issuer in {0}: make one with `handslag issuer --folder {0}`",
                folder.display()
            );
        }
        Self::in_folder(folder)
    }

    /// The public keys, as services read them.
    pub fn jwks_file(&self) -> &Path {
        &self.jwks_file
    }

    /// Signs a token.
    ///
    /// # Errors
    /// When the claims cannot be encoded.
    pub fn token(&self, claims: &Claims) -> anyhow::Result<String> {
        let now = self.clock.now().unix_timestamp();
        self.inner.sign(&token::Claims {
            sub: claims.subject.clone(),
            iss: claims.issuer.clone(),
            aud: token::Audience::One(claims.audience.clone()),
            exp: now + claims.expires_in_seconds,
            nbf: None,
            iat: now,
            roles: claims.roles.clone(),
            party: claims.party.clone(),
            board: claims.board.clone(),
            district: claims.district.clone(),
            organisation: claims.organisation.clone(),
        })
    }
}

/// The callers of a script, by tokens of the development issuer.
#[derive(Debug)]
pub struct LocalCallers {
    issuer: Issuer,
}

impl LocalCallers {
    /// Signed by this issuer.
    pub fn new(issuer: Issuer) -> Self {
        Self { issuer }
    }

    /// The issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }
}

impl Callers for LocalCallers {
    fn token(&self, caller: &str) -> anyhow::Result<String> {
        let subject = Principal::of(format!("import-{}", caller.replace(':', "-")));
        let principal = match caller.split_once(':') {
            Some(("district", code)) => subject.with_role(Role::DistrictBoard).with_district(code),
            None if caller == "operator" => subject.with_role(Role::Operator),
            None if caller == "city" => subject.with_role(Role::CityOfficer).with_party("city"),
            None if caller == "sector" => subject
                .with_role(Role::SectorRepresentative)
                .with_party("sector"),
            _ => {
                bail!("a step's caller is operator, city, sector or district:<code>, not {caller}")
            }
        };
        self.issuer
            .inner
            .token(&principal, self.issuer.clock.now(), STEP_LIFETIME)
    }
}
