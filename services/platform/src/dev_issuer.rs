//! An identity provider for one machine and for tests: signs tokens with a key of its own.
//!
//! # Design notes
//! It is a stand-in with the same interface as the city's (a JWKS file and signed tokens), so that
//! nothing in a service knows the difference. A service trusts it only when its configuration names
//! the issuer's key file.

use std::path::Path;

use anyhow::{Context as _, ensure};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::auth::token::{Audience, Claims};
use crate::auth::{Principal, Role};
use crate::id;

/// The `iss` of its tokens: the default of the configuration.
pub const ISSUER: &str = "https://handslag.local";
/// The `aud` of its tokens: the default of the configuration.
pub const AUDIENCE: &str = "handslag";
/// Name of the key's file.
pub const KEY_FILE: &str = "issuer-key.hex";
/// Name of the file for services.
pub const JWKS_FILE: &str = "jwks.json";
/// An Ed25519 private key in PKCS #8 (RFC 8410) is this prefix and the 32 bytes of the key.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The issuer.
pub struct DevIssuer {
    key: SigningKey,
    kid: String,
}

impl DevIssuer {
    /// With a new key.
    #[must_use]
    pub fn ephemeral() -> Self {
        Self::with(id::random_bytes())
    }

    /// With the key in `folder`, made when there is none; writes [`JWKS_FILE`] beside it.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn in_folder(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join(KEY_FILE);
        let issuer = if path.exists() {
            let text = std::fs::read_to_string(&path)?;
            let bytes = HEXLOWER.decode(text.trim().as_bytes())?;
            let bytes: [u8; 32] = bytes
                .try_into()
                .ok()
                .context("the issuer's key is damaged")?;
            Self::with(bytes)
        } else {
            let issuer = Self::ephemeral();
            write_private(&path, &HEXLOWER.encode(issuer.key.as_bytes()))?;
            issuer
        };
        let (public, jwks) = (folder.join(JWKS_FILE), issuer.jwks());
        // Only what is missing: a folder that is mounted for reading will do to sign with.
        if std::fs::read_to_string(&public).ok().as_ref() != Some(&jwks) {
            std::fs::write(public, jwks)?;
        }
        Ok(issuer)
    }

    fn with(bytes: [u8; 32]) -> Self {
        let key = SigningKey::from_bytes(&bytes);
        let hash = Sha256::digest(key.verifying_key().as_bytes());
        Self {
            key,
            kid: HEXLOWER.encode(&hash[..8]),
        }
    }

    /// The public key, as services read it.
    #[must_use]
    pub fn jwks(&self) -> String {
        let x = BASE64URL_NOPAD.encode(self.key.verifying_key().as_bytes());
        serde_json::json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid, "x": x,
        }] })
        .to_string()
    }

    /// What a token for this caller says.
    ///
    /// # Errors
    /// When a role lacks its attribute: a district board without its district may do nothing and is
    /// a mistake.
    pub fn claims(
        &self,
        principal: &Principal,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> anyhow::Result<Claims> {
        let complete = |role: Role, attribute: &Option<String>| {
            let missing = principal.has(role) && attribute.is_none();
            ensure!(!missing, "the role {role} needs its attribute");
            Ok(())
        };
        complete(Role::DistrictBoard, &principal.district)?;
        complete(Role::Organisation, &principal.organisation)?;
        Ok(Claims {
            sub: principal.subject.clone(),
            iss: ISSUER.to_owned(),
            aud: Audience::One(AUDIENCE.to_owned()),
            exp: (now + lifetime).unix_timestamp(),
            nbf: None,
            iat: now.unix_timestamp(),
            roles: principal.roles.iter().map(ToString::to_string).collect(),
            party: principal.party.clone(),
            board: principal.board.clone(),
            district: principal.district.clone(),
            organisation: principal.organisation.clone(),
        })
    }

    /// Signs any claims.
    ///
    /// # Errors
    /// When they cannot be encoded.
    pub fn sign(&self, claims: &Claims) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        let mut der = PKCS8_PREFIX.to_vec();
        der.extend_from_slice(self.key.as_bytes());
        Ok(jsonwebtoken::encode(
            &header,
            claims,
            &EncodingKey::from_ed_der(&der),
        )?)
    }

    /// A token for this caller.
    ///
    /// # Errors
    /// As [`claims`](Self::claims) and [`sign`](Self::sign).
    pub fn token(
        &self,
        principal: &Principal,
        now: OffsetDateTime,
        lifetime: Duration,
    ) -> anyhow::Result<String> {
        self.sign(&self.claims(principal, now, lifetime)?)
    }
}

impl std::fmt::Debug for DevIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DevIssuer({})", self.kid)
    }
}

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::DevIssuer;

    #[test]
    fn keeps_its_key_in_a_file_that_others_cannot_read() {
        let folder = std::env::temp_dir().join(format!("handslag-issuer-{}", crate::id::new()));
        let first = DevIssuer::in_folder(&folder).expect("made");
        let second = DevIssuer::in_folder(&folder).expect("read");
        assert_eq!(first.jwks(), second.jwks());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.join(super::KEY_FILE)).expect("there");
            assert_eq!(mode.permissions().mode() & 0o077, 0);
        }
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
