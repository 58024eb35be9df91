//! What is forged, damaged or absurd: tokens of callers, of pages and of streams, by property.

use std::path::PathBuf;
use std::sync::LazyLock;

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signer as _, SigningKey};
use handslag_platform::auth::keys::{Keys, Source};
use handslag_platform::auth::token::{LEEWAY_SECONDS, Verifier};
use handslag_platform::auth::{Principal, Role};
use handslag_platform::clock::Clock;
use handslag_platform::dev_issuer::{AUDIENCE, DevIssuer, ISSUER, JWKS_FILE};
use handslag_platform::id;
use handslag_platform::paging::Tokens;
use handslag_platform::testing::MORNING;
use handslag_proto::registry::v1::{ListOrganisationsRequest, OrganisationFilter};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use proptest::prelude::{
    Just, Strategy, any, prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof, proptest,
};
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Everything that a caller may be told of its token.
const REASONS: [&str; 4] = [
    "TOKEN_INVALID",
    "TOKEN_EXPIRED",
    "TOKEN_WRONG_ISSUER",
    "TOKEN_WRONG_AUDIENCE",
];

/// An issuer whose key the tests hold, and a verifier that trusts it.
struct Bench {
    key: SigningKey,
    kid: String,
    jwks: String,
    verifier: Verifier,
    runtime: tokio::runtime::Runtime,
}

static BENCH: LazyLock<Bench> = LazyLock::new(Bench::new);

impl Bench {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("handslag-fuzzed-{}", id::new()));
        let issuer = DevIssuer::in_folder(&folder).unwrap();
        let bench = Self {
            key: held_key(&folder),
            kid: kid(&issuer),
            jwks: issuer.jwks(),
            verifier: Verifier::new(
                Keys::new(Source::File(folder.join(JWKS_FILE)), None).unwrap(),
                ISSUER,
                AUDIENCE,
                Clock::fixed(MORNING),
            ),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .unwrap(),
        };
        // Read while the file is there; then kept.
        bench.verify(&bench.good()).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        bench
    }

    /// Who it is, or why not.
    fn verify(&self, token: &str) -> Result<Principal, &'static str> {
        let verified = self.runtime.block_on(self.verifier.verify(token));
        let verified = verified.map(std::sync::Arc::unwrap_or_clone);
        verified.map_err(|fault| fault.reason)
    }

    fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "JWT", "kid": self.kid})
    }

    /// A token of these texts with a right signature.
    fn signed(&self, header: &str, claims: &str) -> String {
        signed_by(&self.key, header, claims)
    }

    fn good(&self) -> String {
        let claims = Value::Object(claims()).to_string();
        self.signed(&self.header().to_string(), &claims)
    }
}

fn held_key(folder: &std::path::Path) -> SigningKey {
    let file: PathBuf = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|one| one == "hex"))
        .unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let bytes = data_encoding::HEXLOWER
        .decode(text.trim().as_bytes())
        .unwrap();
    SigningKey::from_bytes(&bytes.try_into().unwrap())
}

fn kid(issuer: &DevIssuer) -> String {
    let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
    jwks["keys"][0]["kid"].as_str().unwrap().to_owned()
}

fn signed_by(key: &SigningKey, header: &str, claims: &str) -> String {
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = key.sign(message.as_bytes()).to_bytes();
    format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
}

/// Claims that are right.
fn claims() -> Map<String, Value> {
    let now = MORNING.unix_timestamp();
    let claims = json!({
        "sub": "somebody", "iss": ISSUER, "aud": AUDIENCE, "exp": now + 600, "nbf": now - 600,
        "iat": now, "roles": ["auditor", "mayor"], "party": "city", "board": "a", "district": "b",
        "organisation": "c",
    });
    let Value::Object(claims) = claims else {
        unreachable!("made so");
    };
    claims
}

/// What a token is turned into by somebody who cannot sign.
#[derive(Clone, Debug)]
enum Edit {
    Replace(Index, char),
    Insert(Index, String),
    Delete(Index),
    Cut(Index),
    Repeat,
    Swap(Index, Index),
}

impl Edit {
    fn apply(&self, token: &str) -> String {
        let mut letters: Vec<char> = token.chars().collect();
        match self {
            Self::Replace(place, letter) => {
                let place = place.index(letters.len());
                letters[place] = *letter;
            }
            Self::Insert(place, text) => {
                let place = place.index(letters.len() + 1);
                letters.splice(place..place, text.chars());
            }
            Self::Delete(place) => {
                letters.remove(place.index(letters.len()));
            }
            Self::Cut(place) => letters.truncate(place.index(letters.len())),
            Self::Repeat => letters.extend(token.chars()),
            Self::Swap(one, other) => {
                let (one, other) = (one.index(letters.len()), other.index(letters.len()));
                letters.swap(one, other);
            }
        }
        letters.into_iter().collect()
    }
}

fn edits() -> impl Strategy<Value = Edit> {
    let letter = prop_oneof![
        proptest::char::range('A', 'z'),
        select(vec!['.', '=', '+', '/', ' ', '\0', 'å'])
    ];
    prop_oneof![
        (any::<Index>(), letter).prop_map(|(place, letter)| Edit::Replace(place, letter)),
        (any::<Index>(), "[A-Za-z0-9_.=-]{1,40}").prop_map(|(at, text)| Edit::Insert(at, text)),
        any::<Index>().prop_map(Edit::Delete),
        any::<Index>().prop_map(Edit::Cut),
        Just(Edit::Repeat),
        (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Edit::Swap(one, other)),
    ]
}

/// Values that no claim expects, and some that one does.
fn odd_values() -> impl Strategy<Value = Value> {
    let now = MORNING.unix_timestamp();
    let nested = (1..200_usize)
        .prop_map(|depth| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner])));
    prop_oneof![
        select(vec![
            Value::Null,
            json!(true),
            json!(""),
            json!("anonymous"),
            json!("operator"),
            json!(["operator"]),
            json!([1, null]),
            json!({"operator": true}),
            json!(1e300),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(AUDIENCE),
            json!([AUDIENCE, "other"]),
            json!([[AUDIENCE]]),
            json!(ISSUER),
            json!(format!("{ISSUER}/")),
        ]),
        (-4 * LEEWAY_SECONDS..4 * LEEWAY_SECONDS).prop_map(move |off| json!(now + off)),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,40}".prop_map(Value::String),
        nested,
    ]
}

/// Whether claims are right, read from RFC 7519 and this platform's own rules, and not from its
/// code.
fn is_right(claims: &Map<String, Value>) -> bool {
    let now = MORNING.unix_timestamp();
    let is_text = |name: &str| {
        claims
            .get(name)
            .is_none_or(|one| one.is_null() || one.is_string())
    };
    let subject = claims.get("sub").and_then(Value::as_str);
    let is_texts = |value: &Value| {
        let list = value.as_array();
        list.is_some_and(|list| list.iter().all(Value::is_string))
    };
    let for_us = claims.get("aud").is_some_and(|aud| {
        aud == AUDIENCE
            || is_texts(aud)
                && aud
                    .as_array()
                    .is_some_and(|list| list.contains(&json!(AUDIENCE)))
    });
    let holds = claims
        .get("exp")
        .and_then(Value::as_i64)
        .is_some_and(|exp| exp.saturating_add(LEEWAY_SECONDS) > now);
    let began = claims.get("nbf").is_none_or(|nbf| {
        nbf.is_null()
            || nbf
                .as_i64()
                .is_some_and(|nbf| nbf.saturating_sub(LEEWAY_SECONDS) <= now)
    });
    subject.is_some_and(|subject| !subject.is_empty() && subject != "anonymous")
        && claims.get("iss") == Some(&json!(ISSUER))
        && for_us
        && holds
        && began
        && claims.get("iat").is_none_or(|iat| iat.as_i64().is_some())
        && claims.get("roles").is_none_or(is_texts)
        && ["party", "board", "district", "organisation"]
            .into_iter()
            .all(is_text)
}

proptest! {
    #[test]
    fn no_damaged_token_of_a_caller_is_read(edits in proptest::collection::vec(edits(), 1..4)) {
        let good = BENCH.good();
        let damaged = edits.iter().fold(good.clone(), |token, edit| {
            if token.is_empty() { token } else { edit.apply(&token) }
        });
        if damaged == good {
            return Ok(());
        }
        prop_assert_eq!(BENCH.verify(&damaged), Err("TOKEN_INVALID"));
    }

    #[test]
    fn no_text_is_a_token_of_a_caller(
        text in prop_oneof!["\\PC{0,9000}", "([A-Za-z0-9_=-]{0,99}[.]){2}[A-Za-z0-9_=-]{0,99}"],
    ) {
        prop_assert_eq!(BENCH.verify(&text), Err("TOKEN_INVALID"));
    }

    #[test]
    fn a_caller_is_believed_when_every_claim_is_right_and_only_then(
        changes in proptest::collection::vec(
            (select(claims().into_iter().map(|(name, _)| name).collect::<Vec<_>>()),
                proptest::option::of(odd_values())),
            0..4,
        ),
        others in proptest::collection::vec(("[a-z_]{1,9}x", odd_values()), 0..3),
    ) {
        let mut claims = claims();
        claims.extend(others);
        for (name, value) in changes {
            match value {
                Some(value) => claims.insert(name, value),
                None => claims.remove(&name),
            };
        }
        let text = Value::Object(claims.clone()).to_string();
        let token = BENCH.signed(&BENCH.header().to_string(), &text);
        match BENCH.verify(&token) {
            Ok(principal) => {
                prop_assert!(is_right(&claims), "{text} was believed");
                prop_assert_eq!(Some(principal.subject.as_str()), claims["sub"].as_str());
                let roles = claims.get("roles").and_then(Value::as_array);
                for role in principal.roles {
                    prop_assert!(roles.is_some_and(|roles| roles.contains(&json!(role.as_str()))));
                }
            }
            Err(reason) => {
                prop_assert!(REASONS.contains(&reason), "{reason}");
                // What no header could hold or no parser should follow is refused whatever it says.
                let is_small = token.len() <= 8_192 && depth(&Value::Object(claims.clone())) < 100;
                prop_assert!(!is_right(&claims) || !is_small, "{text} was refused: {reason}");
            }
        }
    }

    #[test]
    fn no_damaged_page_or_resume_token_is_taken(
        keyset in proptest::collection::vec("\\PC{0,20}", 0..4),
        edits in proptest::collection::vec(edits(), 1..4),
    ) {
        let damage = |token: &str| edits.iter().fold(token.to_owned(), |token, edit| {
            if token.is_empty() { token } else { edit.apply(&token) }
        });
        let page = tokens().encode(&keyset, &question("a"));
        let damaged = damage(&page);
        // An empty one asks for the first page.
        if damaged != page && !damaged.is_empty() {
            let fault = tokens().decode(1, &damaged, &question("a")).unwrap_err();
            prop_assert_eq!(fault.violations[0].reason, "PAGE_TOKEN_INVALID");
        }
        let resume = tokens().seal("resume", keyset.concat().as_bytes());
        let damaged = damage(&resume);
        if damaged != resume {
            prop_assert_eq!(tokens().open("resume", &damaged), None);
        }
    }

    #[test]
    fn two_tokens_make_no_third(
        keysets in proptest::array::uniform2(proptest::collection::vec("\\PC{0,20}", 0..4)),
        cut in any::<Index>(),
    ) {
        let [one, other] = keysets.map(|keyset| tokens().encode(&keyset, &question("a")));
        let cut = cut.index(one.len().min(other.len()));
        let spliced = format!("{}{}", &one[..cut], &other[cut..]);
        if spliced != one && spliced != other {
            prop_assert!(tokens().decode(1, &spliced, &question("a")).is_err());
        }
    }

    #[test]
    fn a_page_token_is_of_use_with_its_own_filter_only(
        asked in "\\PC{0,30}",
        other in "\\PC{0,30}",
        size in 0..=500_i32,
    ) {
        let token = tokens().encode(&["a".to_owned()], &question(&asked));
        prop_assert!(tokens().decode(size, &token, &question(&asked)).is_ok());
        if asked != other {
            prop_assert!(tokens().decode(size, &token, &question(&other)).is_err());
        }
    }

    #[test]
    fn a_purpose_and_a_value_cannot_be_told_apart_otherwise(
        value in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let token = tokens().seal("page", &value);
        prop_assert_ne!(&token, &tokens().seal("pag", &[b"e", value.as_slice()].concat()));
        prop_assert_eq!(tokens().open("pag", &token), None);
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn tokens() -> Tokens {
    Tokens::new(&[7; 32]).unwrap()
}

fn question(query: &str) -> ListOrganisationsRequest {
    ListOrganisationsRequest {
        filter: Some(OrganisationFilter {
            query: query.to_owned(),
            ..OrganisationFilter::default()
        }),
        ..ListOrganisationsRequest::default()
    }
}

#[test]
fn a_header_that_asks_for_another_check_is_refused() {
    let good = Value::Object(claims()).to_string();
    let kid = &BENCH.kid;
    let stranger = SigningKey::from_bytes(&[9; 32]);
    let strangers_key = BASE64URL_NOPAD.encode(stranger.verifying_key().as_bytes());
    let embedded = json!({"alg": "EdDSA", "kid": kid,
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": strangers_key}});
    let fetched = json!({"alg": "EdDSA", "kid": kid, "jku": "https://stranger.example/jwks"});
    for header in [embedded, fetched] {
        let token = signed_by(&stranger, &header.to_string(), &good);
        assert_eq!(BENCH.verify(&token), Err("TOKEN_INVALID"), "{header}");
    }
    let headers = [
        r#"{"alg":"none"}"#.to_owned(),
        r#"{"alg":"None"}"#.to_owned(),
        r#"{"alg":""}"#.to_owned(),
        r#"{"alg":null}"#.to_owned(),
        r#"{"alg":["EdDSA"]}"#.to_owned(),
        r#"{"typ":"JWT"}"#.to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "\"EdDSA\"".to_owned(),
        String::new(),
        format!(r#"{{"alg":"EdDSA","alg":"none","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"HS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid} "}}"#),
        format!(r#"{{"alg":"EdDSA","kid":["{kid}"]}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{}"}}"#, "a".repeat(4_000)),
        r#"{"alg":"EdDSA","kid":"../../etc/passwd"}"#.to_owned(),
        // An extension that must be understood, and is not (RFC 7515, 4.1.11).
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","crit":["exp"],"exp":1}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","crit":["b64"],"b64":false}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}","crit":[]}}"#),
    ];
    for header in headers {
        let token = BENCH.signed(&header, &good);
        assert_eq!(BENCH.verify(&token), Err("TOKEN_INVALID"), "{header}");
    }
    let without_kid = BENCH.signed(r#"{"alg":"EdDSA"}"#, &good);
    assert!(
        BENCH.verify(&without_kid).is_ok(),
        "there is one key that it can be"
    );
}

#[test]
fn who_knows_the_public_key_cannot_sign_with_it() {
    let public = BENCH.key.verifying_key();
    let secrets: [&[u8]; 4] = [
        public.as_bytes(),
        BENCH.jwks.as_bytes(),
        BENCH.kid.as_bytes(),
        b"",
    ];
    for secret in secrets {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let mut header = Header::new(algorithm);
            header.kid = Some(BENCH.kid.clone());
            let key = EncodingKey::from_secret(secret);
            let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
            assert_eq!(BENCH.verify(&token), Err("TOKEN_INVALID"));
            // The same signature under the name of ours.
            let (message, signature) = token.rsplit_once('.').unwrap();
            let header = BASE64URL_NOPAD.encode(BENCH.header().to_string().as_bytes());
            let claims = message.split_once('.').unwrap().1;
            let renamed = format!("{header}.{claims}.{signature}");
            assert_eq!(BENCH.verify(&renamed), Err("TOKEN_INVALID"));
        }
    }
}

#[test]
fn a_claim_that_stands_twice_is_refused() {
    let good = Value::Object(claims()).to_string();
    let header = BENCH.header().to_string();
    let inside = good.trim_end_matches('}');
    for twice in [
        r#""sub":"another""#,
        r#""roles":["operator"]"#,
        r#""exp":99999999999"#,
        r#""aud":"handslag""#,
        r#""iss":"https://handslag.local""#,
    ] {
        let token = BENCH.signed(&header, &format!("{inside},{twice}}}"));
        assert_eq!(BENCH.verify(&token), Err("TOKEN_INVALID"), "{twice}");
    }
    let principal = BENCH.verify(&BENCH.good()).unwrap();
    assert_eq!(
        principal.roles.into_iter().collect::<Vec<_>>(),
        [Role::Auditor]
    );
}
