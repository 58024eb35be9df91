//! New identifiers, and how they look in resource names.
//!
//! # Design notes
//! An id is a UUIDv7: sortable by birth, so that inserts touch the end of an index. In names it is
//! shown as 26 lower-case base32 characters: shorter than the hyphenated form, free of case, and
//! opaque.

use data_encoding::BASE32_NOPAD;
use uuid::Uuid;

/// Characters of an encoded id: 128 bits in groups of five.
pub const ENCODED_LENGTH: usize = 26;

/// A new id.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
pub fn new() -> Uuid {
    Uuid::now_v7()
}

/// Random bytes of the machine, for keys and nonces.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws random numbers"
)]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    use rand::Rng as _;
    let mut bytes = [0_u8; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// A random number in `0.0..1.0`, for jitter.
#[must_use]
pub fn random_fraction() -> f64 {
    f64::from(u32::from_le_bytes(random_bytes())) / (f64::from(u32::MAX) + 1.0)
}

/// The id as it stands in a resource name.
#[must_use]
pub fn encode(id: Uuid) -> String {
    BASE32_NOPAD.encode(id.as_bytes()).to_ascii_lowercase()
}

/// The id that a resource name's segment shows, if it is one. One id has exactly one form.
#[must_use]
pub fn decode(text: &str) -> Option<Uuid> {
    if text.len() != ENCODED_LENGTH || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let bytes = BASE32_NOPAD
        .decode(text.to_ascii_uppercase().as_bytes())
        .ok()?;
    Uuid::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, new, random_fraction};

    #[test]
    fn an_id_survives_its_name() {
        let id = new();
        let name = encode(id);
        assert_eq!(name.len(), super::ENCODED_LENGTH);
        assert_eq!(decode(&name), Some(id));
    }

    #[test]
    fn refuses_other_forms_of_the_same_id() {
        let name = encode(new());
        assert_eq!(decode(&name.to_uppercase()), None);
        assert_eq!(decode(&format!("{name}=")), None);
        assert_eq!(decode("0000000000000000000000000!"), None);
        // The last character carries three bits; the two others must be zero.
        assert_eq!(decode("aaaaaaaaaaaaaaaaaaaaaaaaab"), None);
    }

    #[test]
    fn jitter_stays_below_one() {
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&random_fraction())));
    }
}
