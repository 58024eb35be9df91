//! The audit chain's arithmetic.

use sha2::{Digest as _, Sha256};

use crate::ids::Hash;
use crate::log::OutboxRow;

/// What the chain has of an event: the SHA-256 of the length and the bytes of each field.
pub(crate) fn row_digest(row: &OutboxRow<'_>, payload: &[u8]) -> Hash {
    let mut digest = Sha256::new();
    let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
    let id = row.id.hyphenated().encode_lower(&mut id);
    let mut cause = [0; uuid::fmt::Hyphenated::LENGTH];
    let cause = match &row.request_id {
        Some(request) => &*request.hyphenated().encode_lower(&mut cause),
        None => "",
    };
    for field in [
        row.seq.to_string().as_bytes(),
        id.as_bytes(),
        row.aggregate.as_bytes(),
        row.aggregate_id.as_bytes(),
        row.version.to_string().as_bytes(),
        row.r#type.as_bytes(),
        row.district.as_bytes(),
        row.subject.as_bytes(),
        row.actor.as_bytes(),
        row.time.0.to_string().as_bytes(),
        cause.as_bytes(),
        payload,
    ] {
        digest.update((field.len() as u64).to_be_bytes());
        digest.update(field);
    }
    digest.finalize().into()
}

/// The seal after `previous` over events of these digests.
pub(crate) fn seal<'a>(previous: &Hash, events: impl IntoIterator<Item = &'a Hash>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(previous);
    for event in events {
        digest.update(event);
    }
    digest.finalize().into()
}
