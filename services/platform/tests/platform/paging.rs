//! Page tokens, by property.

use handslag_platform::paging::{Page, Tokens};
use handslag_proto::registry::v1::{
    ListAreasRequest, ListOrganisationsRequest, ListPartiesRequest,
};
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

fn tokens() -> Tokens {
    Tokens::new(&[7; 32]).unwrap()
}

fn request(view: i32) -> ListOrganisationsRequest {
    ListOrganisationsRequest {
        page_size: view,
        ..Default::default()
    }
}

fn keysets() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("\\PC{0,20}", 0..5)
}

proptest! {
    #[test]
    fn a_token_gives_back_its_keyset(keyset in keysets(), size in 1..=500_i32) {
        let token = tokens().encode(&keyset, &request(0));
        let page = tokens().decode(size, &token, &request(0)).unwrap();
        prop_assert_eq!(page, Page { size: i64::from(size), after: Some(keyset) });
    }

    #[test]
    fn a_changed_token_is_refused(
        keyset in keysets(),
        position in any::<prop::Index>(),
        by in 1..64_u8,
    ) {
        let token = tokens().encode(&keyset, &request(0));
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut bytes = token.into_bytes();
        let index = position.index(bytes.len());
        let old = alphabet.iter().position(|one| *one == bytes[index]).unwrap();
        bytes[index] = alphabet[(old + usize::from(by)) % 64];
        let token = String::from_utf8(bytes).unwrap();
        let fault = tokens().decode(1, &token, &request(0)).unwrap_err();
        prop_assert_eq!(fault.violations[0].reason, "PAGE_TOKEN_INVALID");
        prop_assert_eq!(&fault.violations[0].field, "page_token");
    }

    #[test]
    fn any_text_is_refused_without_harm(text in "\\PC{1,300}") {
        prop_assert!(tokens().decode(1, &text, &request(0)).is_err());
        prop_assert!(tokens().open("resume", &text).is_none());
    }

    #[test]
    fn a_sealed_value_opens_for_its_purpose_only(
        value in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let token = tokens().seal("resume", &value);
        prop_assert_eq!(tokens().open("resume", &token), Some(value));
        prop_assert!(tokens().open("cursor", &token).is_none());
        prop_assert!(Tokens::new(&[8; 32]).unwrap().open("resume", &token).is_none());
    }
}

mod prop {
    pub(super) use proptest::sample::Index;
}

#[test]
fn a_token_belongs_to_its_filter() {
    let token = tokens().encode(&["a".to_owned()], &request(1));
    assert!(tokens().decode(1, &token, &request(2)).is_err());
}

#[test]
fn a_token_belongs_to_its_list() {
    let keyset = ["a".to_owned()];
    let token = tokens().encode(&keyset, &ListAreasRequest::default());
    assert!(
        tokens()
            .decode(1, &token, &ListAreasRequest::default())
            .is_ok()
    );
    let fault = tokens()
        .decode(1, &token, &ListPartiesRequest::default())
        .unwrap_err();
    assert_eq!(fault.violations[0].reason, "PAGE_TOKEN_INVALID");
}

#[test]
fn sizes_have_a_default_a_bound_and_no_sign() {
    let size = |asked| {
        tokens()
            .decode(asked, "", &request(0))
            .map(|page| page.size)
    };
    assert_eq!(size(0).unwrap(), 50);
    assert_eq!(size(501).unwrap(), 500);
    assert_eq!(
        size(-1).unwrap_err().violations[0].reason,
        "PAGE_SIZE_NEGATIVE"
    );
}

#[test]
fn a_short_key_is_refused() {
    assert!(Tokens::new(&[7; 31]).is_err());
}
