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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{row_digest, seal};
    use crate::calendar::Moment;
    use crate::ids::{Hash, hex};
    use crate::log::OutboxRow;

    fn row(seq: i64, id: u128, request_id: Option<Uuid>) -> OutboxRow<'static> {
        OutboxRow {
            seq,
            aggregate: "area".into(),
            aggregate_id: "social".into(),
            version: seq,
            id: Uuid::from_u128(id),
            r#type: "se.handslag.registry.area.created.v1".into(),
            district: "all".into(),
            subject: "areas/social".into(),
            actor: "a".into(),
            time: Moment(1_772_366_400_000_000),
            request_id,
            written_at: Moment(0),
            payload: "\\x010203".into(),
        }
    }

    #[test]
    fn a_chain_comes_out_as_the_definition_says() {
        // Computed with another implementation of SHA-256, in another language, from the
        // definition.
        let first = row_digest(&row(1, 7, None), &[1, 2, 3]);
        let second = row_digest(&row(2, 8, Some(Uuid::from_u128(9))), &[1, 2, 3]);
        assert_eq!(
            hex(&first),
            "2e5dd57486190cf06130ac26feac6da5795f1d31284f1fa94c03ac1645be30fd"
        );
        assert_eq!(
            hex(&seal(&Hash::default(), [&first, &second])),
            "c53ec3e64c2a117669e8edd6f2e2d47a00facf2eb65b97b1fc9e4544ac811097"
        );
    }
}
