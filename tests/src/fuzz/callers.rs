//! Who calls: every role, nobody, and tokens that must not be believed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use handslag_runner::issuer::{Claims, Issuer};
use http::HeaderValue;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};

use super::chance::Chance;
use super::known::Known;

/// Every role of the contracts.
const ROLES: [&str; 8] = [
    "city-officer",
    "sector-representative",
    "working-group",
    "district-board",
    "organisation",
    "system-reader",
    "auditor",
    "operator",
];

/// A token above the longest that is read, in bytes.
const LONG_TOKEN_BYTES: usize = 9_000;

/// Longest claim that is signed, in bytes: four of them in base64 stay below the longest token.
const CLAIM_BYTES_MOST: usize = 500;

/// How long a token holds: above the longest run.
const LIFETIME_SECONDS: i64 = 7 * 24 * 3_600;

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    /// Without a token.
    Nobody,
    /// In a role, and what it speaks for.
    Member {
        /// The role's name.
        role: &'static str,
        /// The code or id of its party, board, district and organisation.
        own: String,
    },
    /// With something that is no token of ours.
    Faulty(Flaw),
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flaw {
    Expired,
    ForOthers,
    OfOthers,
    ByStranger,
    Unsigned,
    Cut,
    Garbage,
    TooLong,
    NotBearer,
    NoText,
}

const FLAWS: [Flaw; 10] = [
    Flaw::Expired,
    Flaw::ForOthers,
    Flaw::OfOthers,
    Flaw::ByStranger,
    Flaw::Unsigned,
    Flaw::Cut,
    Flaw::Garbage,
    Flaw::TooLong,
    Flaw::NotBearer,
    Flaw::NoText,
];

/// Whether a caller is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is.
    Free,
    /// As far as the contract says; whose a resource is stands in the database.
    IfItsOwn,
    /// It is told to say who it is.
    Unknown,
    /// It is told that it may not.
    Forbidden,
}

/// Who may call a method, as the contract says.
#[derive(Clone, Debug)]
pub(super) struct Access {
    public: bool,
    grants: Vec<Grant>,
}

#[derive(Clone, Debug)]
struct Grant {
    role: &'static str,
    /// The request's field that must name what the caller speaks for.
    own: Option<String>,
}

impl Access {
    /// Reads the option beside the method.
    pub(super) fn of(method: &MethodDescriptor) -> Self {
        let access = handslag_proto::pool()
            .get_extension_by_name("handslag.common.v1.access")
            .expect("the option");
        let options = method.options();
        let value = options.get_extension(&access);
        let rule = value.as_message().expect("a message");
        let grants = rule.get_field_by_name("grants").expect("grants");
        let public = rule.get_field_by_name("public").expect("public");
        Self {
            public: public.as_bool().expect("a bool"),
            grants: grants
                .as_list()
                .expect("a list")
                .iter()
                .map(grant)
                .collect(),
        }
    }

    /// Whether a caller is let in with a request; none when its bytes are no request.
    pub(super) fn entry(&self, caller: &Caller, request: Option<&DynamicMessage>) -> Entry {
        let (role, own) = match caller {
            Caller::Faulty(_) => return Entry::Unknown,
            _ if self.public => return Entry::Free,
            Caller::Nobody => return Entry::Unknown,
            Caller::Member { role, own } => (*role, own),
        };
        let granted = self.grants.iter().filter(|grant| grant.role == role);
        let mut fields = Vec::new();
        for grant in granted {
            match &grant.own {
                // Whose inbox a name means is not in the request.
                None if role == "district-board" => return Entry::IfItsOwn,
                None => return Entry::Free,
                Some(field) => fields.push(field),
            }
        }
        if fields.is_empty() {
            return Entry::Forbidden;
        }
        let Some(request) = request else {
            return Entry::IfItsOwn;
        };
        // Who speaks for nobody owns nothing, not even what names nobody.
        let is_own = |field: &String| !own.is_empty() && last_part(request, field) == *own;
        if fields.into_iter().any(is_own) {
            Entry::Free
        } else {
            Entry::Forbidden
        }
    }

    /// Mostly somebody who may make this request, now and then anybody.
    pub(super) fn caller(
        &self,
        request: &DynamicMessage,
        known: &Known,
        chance: &mut Chance,
    ) -> Caller {
        if chance.percent(4) {
            return Caller::Faulty(*chance.pick(&FLAWS));
        }
        if chance.percent(if self.public { 20 } else { 3 }) {
            return Caller::Nobody;
        }
        if self.grants.is_empty() || chance.percent(15) {
            let role = *chance.pick(&ROLES);
            let own = spoken_for(role, known, chance);
            return Caller::Member { role, own };
        }
        self.entitled(request, known, chance)
    }

    /// Somebody who may make this request.
    pub(super) fn entitled(
        &self,
        request: &DynamicMessage,
        known: &Known,
        chance: &mut Chance,
    ) -> Caller {
        if self.grants.is_empty() {
            return Caller::Nobody;
        }
        let grant = chance.pick(&self.grants);
        let own = match &grant.own {
            Some(field) => last_part(request, field),
            None => spoken_for(grant.role, known, chance),
        };
        let is_short = own.len() <= CLAIM_BYTES_MOST;
        Caller::Member {
            role: grant.role,
            own: if is_short { own } else { "city".to_owned() },
        }
    }
}

fn grant(value: &Value) -> Grant {
    let text = |field: &str| {
        let grant = value.as_message().expect("a grant");
        let value = grant.get_field_by_name(field).expect("a field");
        value.as_str().expect("text").to_owned()
    };
    let (role, own, field) = (text("role"), text("own"), text("field"));
    let role = ROLES.iter().find(|known| **known == role);
    let compared = if field.is_empty() { own } else { field };
    Grant {
        role: role.expect("a role of the contracts"),
        own: (!compared.is_empty()).then_some(compared),
    }
}

fn last_part(request: &DynamicMessage, field: &str) -> String {
    let value = request.get_field_by_name(field).expect("a field");
    let name = value.as_str().expect("text");
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Whom somebody in a role speaks for.
fn spoken_for(role: &str, known: &Known, chance: &mut Chance) -> String {
    let pattern = match role {
        "district-board" => "districtBoards/*",
        "organisation" => "organisations/*",
        "city-officer" => return "city".to_owned(),
        _ => return "sector".to_owned(),
    };
    let names = known.names(pattern);
    if names.is_empty() {
        return "own".to_owned();
    }
    let name = chance.pick(names);
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Signs what callers show.
pub(super) struct Signer<'a> {
    issuer: &'a Issuer,
    stranger: Issuer,
    _strangers_directory: tempfile::TempDir,
    /// Signing costs more than most calls do.
    signed: Mutex<HashMap<Caller, HeaderValue>>,
}

impl<'a> Signer<'a> {
    /// With the issuer that the town trusts, and one that it does not.
    pub(super) fn new(issuer: &'a Issuer) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            issuer,
            stranger: Issuer::open(directory.path()).expect("another issuer"),
            _strangers_directory: directory,
            signed: Mutex::default(),
        }
    }

    /// What a caller puts into `authorization`.
    pub(super) fn authorization(&self, caller: &Caller) -> Option<HeaderValue> {
        if *caller == Caller::Nobody {
            return None;
        }
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(header) = signed.get(caller) {
            return Some(header.clone());
        }
        let header = self.header(caller);
        signed.insert(caller.clone(), header.clone());
        Some(header)
    }

    fn header(&self, caller: &Caller) -> HeaderValue {
        let text = match caller {
            Caller::Nobody => String::new(),
            Caller::Member { role, own } => {
                format!("Bearer {}", self.signed(self.issuer, &member(role, own)))
            }
            Caller::Faulty(Flaw::NoText) => {
                return HeaderValue::from_bytes(b"Bearer \xff\xfe").expect("a header");
            }
            Caller::Faulty(flaw) => self.flawed(*flaw),
        };
        HeaderValue::from_str(&text).expect("base64 and dots")
    }

    fn flawed(&self, flaw: Flaw) -> String {
        let good = member("operator", "city");
        let good_token = self.signed(self.issuer, &good);
        match flaw {
            Flaw::Expired => {
                let expires_in_seconds = -3_600;
                let expired = Claims {
                    expires_in_seconds,
                    ..good
                };
                format!("Bearer {}", self.signed(self.issuer, &expired))
            }
            Flaw::ForOthers => {
                let audience = "another".to_owned();
                let others = Claims { audience, ..good };
                format!("Bearer {}", self.signed(self.issuer, &others))
            }
            Flaw::OfOthers => {
                let issuer = "https://issuer.example".to_owned();
                let others = Claims { issuer, ..good };
                format!("Bearer {}", self.signed(self.issuer, &others))
            }
            Flaw::ByStranger => format!("Bearer {}", self.signed(&self.stranger, &good)),
            Flaw::Unsigned => {
                let claims = good_token.split('.').nth(1).unwrap_or_default();
                // {"alg":"none","typ":"JWT"}
                format!("Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
            }
            Flaw::Cut => format!("Bearer {}", &good_token[..good_token.len() - 1]),
            Flaw::Garbage => "Bearer abc.def.ghi".to_owned(),
            Flaw::TooLong => format!("Bearer {}", "a".repeat(LONG_TOKEN_BYTES)),
            Flaw::NotBearer | Flaw::NoText => format!("Basic {good_token}"),
        }
    }

    fn signed(&self, issuer: &Issuer, claims: &Claims) -> String {
        issuer.token(claims).expect("a token")
    }
}

fn member(role: &str, own: &str) -> Claims {
    Claims {
        roles: vec![role.to_owned()],
        party: Some(own.to_owned()),
        board: Some(own.to_owned()),
        district: Some(own.to_owned()),
        organisation: Some(own.to_owned()),
        expires_in_seconds: LIFETIME_SECONDS,
        ..Claims::of(&format!("fuzzed-{role}"))
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;
    use serde_json::json;

    use super::{Access, Caller, Entry, Flaw, Signer};
    use crate::fuzz::methods;

    fn entry(method: &str, caller: &Caller, request: serde_json::Value) -> Entry {
        let method = methods()
            .find(|one| one.name() == method)
            .expect("a method");
        let request = DynamicMessage::deserialize(method.input(), request).expect("a request");
        Access::of(&method).entry(caller, Some(&request))
    }

    fn member(role: &'static str, own: &str) -> Caller {
        let own = own.to_owned();
        Caller::Member { role, own }
    }

    #[test]
    fn the_contract_says_who_is_let_in() {
        let nobody = Caller::Nobody;
        assert_eq!(entry("ListAreas", &nobody, json!({})), Entry::Free);
        assert_eq!(entry("CreateArea", &nobody, json!({})), Entry::Unknown);
        let operator = member("operator", "city");
        assert_eq!(entry("CreateArea", &operator, json!({})), Entry::Free);
        let auditor = member("auditor", "city");
        assert_eq!(entry("CreateArea", &auditor, json!({})), Entry::Forbidden);
        let faulty = Caller::Faulty(Flaw::Garbage);
        assert_eq!(entry("ListAreas", &faulty, json!({})), Entry::Unknown);
    }

    #[test]
    fn what_is_ones_own_is_compared_with_the_request() {
        let own = member("organisation", "abc");
        let request = json!({"organisation": "organisations/abc"});
        assert_eq!(entry("SignAgreement", &own, request), Entry::Free);
        let request = json!({"organisation": "organisations/other"});
        assert_eq!(entry("SignAgreement", &own, request), Entry::Forbidden);
        let board = member("district-board", "farsta");
        assert_eq!(entry("ListSubscribers", &board, json!({})), Entry::IfItsOwn);
    }

    #[test]
    fn every_caller_can_say_who_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let issuer = handslag_runner::issuer::Issuer::open(directory.path()).expect("an issuer");
        let signer = Signer::new(&issuer);
        for flaw in super::FLAWS {
            assert!(signer.authorization(&Caller::Faulty(flaw)).is_some());
        }
        let odd = member("organisation", "å\0\u{301}");
        assert!(signer.authorization(&odd).is_some());
        assert_eq!(signer.authorization(&Caller::Nobody), None);
    }
}
