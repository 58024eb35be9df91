//! Ids in their forms, and maps that are keyed by them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// A map keyed by ids.
pub(crate) type IdMap<V> = HashMap<Uuid, V, BuildHasherDefault<QuickHasher>>;

/// Characters of an id in a resource name: 128 bits in groups of five.
const ENCODED_LENGTH: usize = 26;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Hashes by folding the bytes. Most of what is hashed here are ids, which are random already, and
/// nobody who could choose what collides gains anything by slowing the judge down.
#[derive(Debug, Default)]
pub(crate) struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_ne_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        // The multiplier of `SplitMix64`; the high bits, which tables use as tags, depend on all.
        let mixed = (self.0.rotate_left(29) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn write_usize(&mut self, word: usize) {
        // The length that a slice of bytes writes before itself: the same for all ids.
        let _ = word;
    }
}

/// The id as it stands in a resource name: lower-case base32 without padding.
#[must_use]
pub(crate) fn encode(id: Uuid) -> String {
    let bits = id.as_u128();
    // 26 groups of five are 130 bits: the last group has three bits and two zeros.
    let group = |index: usize| {
        let last = index == ENCODED_LENGTH - 1;
        let value = if last {
            bits << 2
        } else {
            bits >> (123 - 5 * index)
        };
        ALPHABET[usize::try_from(value & 31).unwrap_or_default()]
    };
    (0..ENCODED_LENGTH)
        .map(|index| char::from(group(index)))
        .collect()
}

/// The id that a segment of a resource name shows, if it is one. One id has exactly one form.
#[must_use]
pub(crate) fn decode(text: &str) -> Option<Uuid> {
    if text.len() != ENCODED_LENGTH {
        return None;
    }
    let mut bits: u128 = 0;
    for (index, byte) in text.bytes().enumerate() {
        let value = match byte {
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        if index < ENCODED_LENGTH - 1 {
            bits = bits << 5 | u128::from(value);
        } else if value & 3 == 0 {
            bits = bits << 3 | u128::from(value >> 2);
        } else {
            return None;
        }
    }
    Some(Uuid::from_u128(bits))
}

/// Bytes as PostgreSQL's JSON shows them, `\x0a0b`, appended to `bytes`.
#[must_use]
pub(crate) fn read_bytea(text: &str, bytes: &mut Vec<u8>) -> Option<()> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    bytes.reserve(digits.len() / 2);
    let (pairs, rest) = digits.as_chunks::<2>();
    for &[high, low] in pairs {
        bytes.push(nibble(high)? << 4 | nibble(low)?);
    }
    rest.is_empty().then_some(())
}

/// A SHA-256 in lower-case hex.
#[must_use]
pub(crate) fn read_hash(text: &str) -> Option<Hash> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut hash = Hash::default();
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (byte, &[high, low]) in hash.iter_mut().zip(pairs) {
        *byte = nibble(high)? << 4 | nibble(low)?;
    }
    Some(hash)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Bytes as lower-case hex.
#[must_use]
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// The SHA-256 of bytes.
#[must_use]
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};
    use uuid::Uuid;

    use super::{decode, encode, hex, read_bytea, read_hash, sha256};

    proptest! {
        #[test]
        fn an_id_survives_its_name(bits in any::<u128>()) {
            let id = Uuid::from_u128(bits);
            prop_assert_eq!(decode(&encode(id)), Some(id));
        }

        #[test]
        fn bytes_survive_their_text(bytes in any::<Vec<u8>>()) {
            let mut read = Vec::new();
            let text = format!("\\x{}", hex(&bytes));
            prop_assert_eq!(read_bytea(&text, &mut read), Some(()));
            prop_assert_eq!(read, bytes);
        }
    }

    #[test]
    fn an_id_has_the_form_that_the_platform_gives_it() {
        // 16 zero bytes, and the example of RFC 4648 padded with zero bytes.
        assert_eq!(encode(Uuid::nil()), "a".repeat(26));
        let id = Uuid::from_slice(b"foobar\0\0\0\0\0\0\0\0\0\0").expect("16 bytes");
        assert_eq!(encode(id), "mzxw6ytboiaaaaaaaaaaaaaaaa");
    }

    #[test]
    fn refuses_other_forms() {
        for text in [
            "",
            "aaaaaaaaaaaaaaaaaaaaaaaaab",
            "Aaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0aaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
        for text in ["", "0a", "\\x0", "\\xzz"] {
            assert_eq!(read_bytea(text, &mut Vec::new()), None, "{text}");
        }
        let hash = sha256(b"");
        assert_eq!(read_hash(&hex(&hash)), Some(hash));
        assert_eq!(read_hash("e3b0"), None);
    }
}
