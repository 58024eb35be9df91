//! Tokens that were verified before.
//!
//! # Design notes
//! A signature takes some hundred microseconds, and a caller sends the same token with each of
//! thousands of calls. What was verified holds as long as the key set that it was verified with and
//! no longer than the token says: a new key set empties the cache, whatever changed in it, and the
//! times are looked at in each call. Kept is the token's hash, so that no memory dump holds what
//! somebody could log in with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::auth::Principal;

/// Tokens kept at most. Some hundred systems and some thousand people call within an hour; one
/// takes about half a kilobyte, so that all of them take two megabytes.
const TOKENS_MOST: usize = 4_096;

/// The hash of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// Who holds a token, and from when to when, in seconds since 1970, leeway included.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) principal: Arc<Principal>,
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Holder {
    fn holds(&self, now: i64) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// The tokens verified with one key set.
#[derive(Default)]
pub(super) struct Known(Mutex<Tokens>);

#[derive(Default)]
struct Tokens {
    /// The number of the key set.
    keys: u64,
    holders: HashMap<Fingerprint, Holder>,
}

impl Known {
    /// Who holds this token now, if it was verified with the key set of this number.
    pub(super) fn find(&self, keys: u64, token: Fingerprint, now: i64) -> Option<Arc<Principal>> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.keys != keys {
            return None;
        }
        let holder = tokens.holders.get(&token)?;
        holder.holds(now).then(|| Arc::clone(&holder.principal))
    }

    /// Keeps what was verified with the key set of this number.
    pub(super) fn keep(&self, keys: u64, token: Fingerprint, holder: Holder, now: i64) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys < tokens.keys {
            // The key set was exchanged meanwhile.
            return;
        }
        if keys > tokens.keys {
            tokens.keys = keys;
            tokens.holders.clear();
        }
        if tokens.holders.len() >= TOKENS_MOST {
            tokens.holders.retain(|_, holder| holder.holds(now));
            // Emptied rather than searched for the oldest: it costs everybody one check, seldom.
            if tokens.holders.len() > TOKENS_MOST / 2 {
                tokens.holders.clear();
            }
        }
        tokens.holders.insert(token, holder);
    }
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, PoisonError};

    use super::{Fingerprint, Holder, Known, TOKENS_MOST};
    use crate::auth::Principal;

    fn holder(until: i64) -> Holder {
        Holder {
            principal: Arc::new(Principal::of("somebody")),
            from: 0,
            until,
        }
    }

    fn kept(known: &Known) -> usize {
        let tokens = known.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.holders.len()
    }

    #[test]
    fn a_token_is_known_within_its_time_and_under_its_keys_only() {
        let (known, token) = (Known::default(), Fingerprint::of("a token"));
        known.keep(1, token, holder(100), 50);
        assert!(known.find(1, token, 99).is_some());
        assert!(known.find(1, token, 100).is_none());
        assert!(known.find(1, token, -1).is_none());
        assert!(known.find(1, Fingerprint::of("another"), 99).is_none());
        assert!(known.find(2, token, 99).is_none());
    }

    #[test]
    fn what_was_verified_with_former_keys_comes_too_late() {
        let (known, token) = (Known::default(), Fingerprint::of("a token"));
        known.keep(2, Fingerprint::of("another"), holder(100), 50);
        known.keep(1, token, holder(100), 50);
        assert!(known.find(1, token, 50).is_none());
        assert!(known.find(2, token, 50).is_none());
        // New keys leave nothing of the former.
        known.keep(3, token, holder(100), 50);
        assert_eq!(kept(&known), 1);
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for_and_the_expired_go_first() {
        let known = Known::default();
        let keep = |number: usize, until: i64, now: i64| {
            known.keep(1, Fingerprint::of(&number.to_string()), holder(until), now);
            assert!(kept(&known) <= TOKENS_MOST);
        };
        (0..TOKENS_MOST).for_each(|number| keep(number, if number < 10 { 200 } else { 100 }, 50));
        assert_eq!(kept(&known), TOKENS_MOST);
        keep(TOKENS_MOST, 200, 150);
        assert_eq!(kept(&known), 11);
        (0..3 * TOKENS_MOST).for_each(|number| keep(number, 1_000, 150));
    }
}
