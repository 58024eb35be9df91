//! Signed, opaque tokens: pages, resume points, cursors.
//!
//! # Design notes
//! A page token holds the sort values of the last row (a keyset) and a hash of the request without
//! its paging fields and of the request's type, so that a token is of use only with the list and the
//! filter that it came from: without a filter the requests of all lists are the same bytes, none. It
//! is signed with a key that all replicas share and not encrypted: it holds nothing that the page
//! did not show.
//!
//! A key is exchanged in two steps: the new one is put before the former, whose tokens are still
//! read, and the former is taken away when nobody turns pages of it any more. Replicas learn of it
//! one after the other; who meets one that does not know the new key yet is told to begin again.

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::error::Fault;
use crate::violations::{FieldError, Violations};

/// Rows in a page when the client does not say.
pub const PAGE_SIZE_DEFAULT: i64 = 50;
/// Most rows in a page: about 500 kB of the largest resource, well below the message limit.
pub const PAGE_SIZE_MOST: i64 = 500;
/// Longest token read, in bytes: bounds the work on a forged one.
const TOKEN_BYTES_MOST: usize = 4_096;
/// Bytes of the signature: all of HMAC-SHA-256.
const SIGNATURE_BYTES: usize = 32;
/// Bytes kept of the hash that binds a token to its filter: 128 bits suffice against accidents, and
/// the signature keeps forgers out.
const BOUND_BYTES: usize = 16;
/// Shortest key, in bytes, as RFC 2104 recommends for SHA-256.
pub const KEY_BYTES_LEAST: usize = 32;

const PAGE: &str = "page";

/// Makes and reads tokens. Clones share their keys.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<RwLock<Keys>>,
}

#[derive(Clone)]
struct Keys {
    signing: Hmac<Sha256>,
    /// Keys whose tokens are still read.
    former: Vec<Hmac<Sha256>>,
}

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many rows.
    pub size: i64,
    /// The sort values of the row before the page; `None` for the first page.
    pub after: Option<Vec<String>>,
}

impl Tokens {
    /// With the key that all replicas share.
    ///
    /// # Errors
    /// When the key is shorter than [`KEY_BYTES_LEAST`].
    pub fn new(key: &[u8]) -> anyhow::Result<Self> {
        Ok(Self::with(Keys {
            signing: mac(key)?,
            former: Vec::new(),
        }))
    }

    /// With a key in each line: the first signs, and all are read.
    ///
    /// # Errors
    /// When there is none, or one is shorter than [`KEY_BYTES_LEAST`].
    pub fn of_lines(text: &str) -> anyhow::Result<Self> {
        Ok(Self::with(keys(text)?))
    }

    /// Takes other keys, for all clones.
    ///
    /// # Errors
    /// As [`of_lines`](Self::of_lines); the former ones stay then.
    pub fn exchange(&self, text: &str) -> anyhow::Result<()> {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys(text)?;
        Ok(())
    }

    fn with(keys: Keys) -> Self {
        Self {
            keys: Arc::new(RwLock::new(keys)),
        }
    }

    fn keys(&self) -> Keys {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the paging fields of a request. `bound_to` is the request with both of them cleared.
    ///
    /// # Errors
    /// `INVALID_REQUEST` with `PAGE_SIZE_NEGATIVE` or `PAGE_TOKEN_INVALID`.
    pub fn decode(
        &self,
        page_size: i32,
        page_token: &str,
        bound_to: &impl prost::Message,
    ) -> Result<Page, Fault> {
        let mut violations = Violations::new();
        let size = violations.take("page_size", page_length(page_size));
        let after = violations.take("page_token", self.keyset(page_token, bound_to));
        match (size, after) {
            (Some(size), Some(after)) => Ok(Page { size, after }),
            _ => Err(violations.into_fault()),
        }
    }

    /// The token of the page after the row with these sort values.
    #[must_use]
    pub fn encode(&self, keyset: &[String], bound_to: &impl prost::Message) -> String {
        let mut value = bound(bound_to).to_vec();
        for part in keyset {
            // A part is a column's text; none is near 4 GiB.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            value.extend_from_slice(&length.to_be_bytes());
            value.extend_from_slice(part.as_bytes());
        }
        self.seal(PAGE, &value)
    }

    /// Signs a value for one purpose; a token of another purpose does not open it.
    #[must_use]
    pub fn seal(&self, purpose: &'static str, value: &[u8]) -> String {
        let mut token = self.signature(purpose, value).to_vec();
        token.extend_from_slice(value);
        BASE64URL_NOPAD.encode(&token)
    }

    /// The value of a token, if it was sealed with a key of ours for this purpose.
    #[must_use]
    pub fn open(&self, purpose: &'static str, token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_BYTES_MOST {
            return None;
        }
        let token = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (signature, value) = token.split_at_checked(SIGNATURE_BYTES)?;
        let keys = self.keys();
        std::iter::once(keys.signing)
            .chain(keys.former)
            .any(|mut mac| {
                feed(&mut mac, purpose, value);
                mac.verify_slice(signature).is_ok()
            })
            .then(|| value.to_vec())
    }

    fn keyset(
        &self,
        token: &str,
        bound_to: &impl prost::Message,
    ) -> Result<Option<Vec<String>>, FieldError> {
        if token.is_empty() {
            return Ok(None);
        }
        let value = self.open(PAGE, token).ok_or_else(invalid_token)?;
        let (bound_hash, mut rest) = value
            .split_at_checked(BOUND_BYTES)
            .ok_or_else(invalid_token)?;
        if bound_hash != bound(bound_to) {
            return Err(invalid_token());
        }
        let mut keyset = Vec::new();
        while !rest.is_empty() {
            let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(invalid_token)?;
            let length =
                usize::try_from(u32::from_be_bytes(*length)).map_err(|_| invalid_token())?;
            let (part, tail) = tail.split_at_checked(length).ok_or_else(invalid_token)?;
            keyset.push(String::from_utf8(part.to_vec()).map_err(|_| invalid_token())?);
            rest = tail;
        }
        Ok(Some(keyset))
    }

    fn signature(&self, purpose: &str, value: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut mac = self.keys().signing;
        feed(&mut mac, purpose, value);
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

fn keys(text: &str) -> anyhow::Result<Keys> {
    let mut all = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| mac(line.as_bytes()));
    Ok(Keys {
        signing: all.next().context("the token key is empty")??,
        former: all.collect::<anyhow::Result<_>>()?,
    })
}

fn mac(key: &[u8]) -> anyhow::Result<Hmac<Sha256>> {
    anyhow::ensure!(
        key.len() >= KEY_BYTES_LEAST,
        "the token key must have at least {KEY_BYTES_LEAST} bytes"
    );
    Ok(Hmac::new_from_slice(key)?)
}

/// The zero byte ends the purpose, so that no purpose and value read as another pair.
fn feed(mac: &mut Hmac<Sha256>, purpose: &str, value: &[u8]) {
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(value);
}

fn page_length(size: i32) -> Result<i64, FieldError> {
    match i64::from(size) {
        0 => Ok(PAGE_SIZE_DEFAULT),
        size if size < 0 => Err(FieldError::new(
            "PAGE_SIZE_NEGATIVE",
            "must not be negative",
            "Får inte vara negativ.",
        )),
        size => Ok(size.min(PAGE_SIZE_MOST)),
    }
}

/// The type is told by the compiler's name for it. Should another compiler name it otherwise, a
/// client that turns pages while replicas are replaced begins again, as it is told to.
fn bound<M: prost::Message>(request: &M) -> [u8; BOUND_BYTES] {
    let mut hash = Sha256::new();
    hash.update(std::any::type_name::<M>());
    hash.update([0]);
    hash.update(request.encode_to_vec());
    let hash = hash.finalize();
    let mut kept = [0_u8; BOUND_BYTES];
    kept.copy_from_slice(&hash[..BOUND_BYTES]);
    kept
}

/// What is said of a token that is not of the list (`PAGE_TOKEN_INVALID`); for a list, too, that
/// finds in a token of its own what another release has put there.
#[must_use]
pub fn invalid_token() -> FieldError {
    FieldError::new(
        "PAGE_TOKEN_INVALID",
        "is no token of this list and filter; start again without it",
        "Sidan hör inte till denna lista. Börja om från första sidan.",
    )
}

#[cfg(test)]
mod tests {
    use super::Tokens;

    const FORMER: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn tokens_of_the_former_key_are_read_until_it_is_taken_away() {
        let tokens = Tokens::of_lines(FORMER).expect("a key");
        let shared = tokens.clone();
        let old = tokens.seal("page", b"value");
        tokens
            .exchange(&format!("{NEW}\n{FORMER}\n"))
            .expect("keys");
        let new = shared.seal("page", b"value");
        assert_ne!(old, new, "the first line signs, for all clones");
        for token in [&old, &new] {
            assert_eq!(shared.open("page", token).as_deref(), Some(&b"value"[..]));
        }
        tokens.exchange(NEW).expect("a key");
        assert_eq!(shared.open("page", &old), None);
        assert!(shared.open("page", &new).is_some());
    }

    #[test]
    fn keys_that_are_too_short_or_missing_leave_the_former_ones() {
        let tokens = Tokens::of_lines(FORMER).expect("a key");
        let token = tokens.seal("page", b"value");
        for text in ["", "\n \n", "short", &format!("{NEW}\nshort")] {
            assert!(tokens.exchange(text).is_err(), "{text}");
            assert!(Tokens::of_lines(text).is_err(), "{text}");
        }
        assert!(tokens.open("page", &token).is_some());
    }
}
