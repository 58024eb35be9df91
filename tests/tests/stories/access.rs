//! Every method, every role, every fault of a token: who gets in and who does not.

use handslag_proto::pool;
use handslag_runner::issuer::Claims;
use handslag_tests::{Town, message};
use prost_reflect::{MethodDescriptor, Value as Reflected};
use serde_json::json;
use tonic::{Code, Status};

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

/// Who may call a method, read from the contract.
struct Rule {
    public: bool,
    grants: Vec<(String, String, String)>,
}

fn rule(method: &MethodDescriptor) -> Rule {
    let access = pool()
        .get_extension_by_name("handslag.common.v1.access")
        .expect("the option");
    let options = method.options();
    let value = options.get_extension(&access);
    let message = value.as_message().expect("a message");
    let text = |grant: &Reflected, field: &str| {
        let value = grant
            .as_message()
            .expect("a grant")
            .get_field_by_name(field)
            .expect("a field");
        value.as_str().expect("text").to_owned()
    };
    let grants = message.get_field_by_name("grants").expect("grants");
    Rule {
        public: message
            .get_field_by_name("public")
            .expect("public")
            .as_bool()
            .expect("a bool"),
        grants: grants
            .as_list()
            .expect("a list")
            .iter()
            .map(|grant| {
                (
                    text(grant, "role"),
                    text(grant, "own"),
                    text(grant, "field"),
                )
            })
            .collect(),
    }
}

fn methods() -> impl Iterator<Item = MethodDescriptor> {
    pool()
        .services()
        .filter(|service| service.package_name().starts_with("handslag."))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
}

fn kept_out(outcome: &Result<(), Box<Status>>) -> bool {
    matches!(outcome, Err(status) if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied))
}

/// An empty request: what comes after the door refuses it, so nothing is written.
async fn knock(
    town: &Town,
    method: &MethodDescriptor,
    token: &str,
    field: Option<(&str, &str)>,
) -> Result<(), Box<Status>> {
    let service = method
        .parent_service()
        .package_name()
        .split('.')
        .nth(1)
        .expect("a service")
        .to_owned();
    let mut request = json!({});
    if let Some((name, value)) = field {
        let name = method
            .input()
            .get_field_by_name(name)
            .expect("a field")
            .json_name()
            .to_owned();
        request[name] = json!(value);
    }
    let endpoints = town.city().endpoints().expect("addresses");
    let call = format!("{service}.{}", method.name());
    let outcome = if method.is_server_streaming() {
        handslag_runner::import::open(&endpoints, &call, request, token).await
    } else {
        handslag_runner::import::invoke(&endpoints, &call, request, token)
            .await
            .map(drop)
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(handslag_runner::import::Refusal::Status(status)) => Err(status),
        Err(handslag_runner::import::Refusal::Malformed(error)) => panic!("{call}: {error:#}"),
    }
}

fn claims(role: &str) -> Claims {
    Claims {
        roles: vec![role.to_owned()],
        party: Some("own".to_owned()),
        board: Some("own".to_owned()),
        district: Some("own".to_owned()),
        organisation: Some("own".to_owned()),
        ..Claims::of("somebody")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_gets_in_where_the_contract_says_and_nowhere_else() {
    let town = Town::start().await;
    for method in methods() {
        let rule = rule(&method);
        for role in ROLES {
            let token = town.issuer().token(&claims(role)).expect("a token");
            let granted: Vec<_> = rule
                .grants
                .iter()
                .filter(|(name, ..)| name == role)
                .collect();
            if rule.public || granted.iter().any(|(_, own, _)| own.is_empty()) {
                let outcome = knock(&town, &method, &token, None).await;
                assert!(
                    !kept_out(&outcome),
                    "{role} is kept out of {}",
                    method.full_name()
                );
                continue;
            }
            let Some((_, own, field)) = granted.first() else {
                let outcome = knock(&town, &method, &token, None).await;
                assert!(
                    kept_out(&outcome),
                    "{role} gets into {}",
                    method.full_name()
                );
                continue;
            };
            let field = if field.is_empty() { own } else { field };
            let mine = knock(&town, &method, &token, Some((field, "things/own"))).await;
            assert!(
                !kept_out(&mine),
                "{role} is kept out of its own in {}",
                method.full_name()
            );
            let other = knock(&town, &method, &token, Some((field, "things/other"))).await;
            assert!(
                kept_out(&other),
                "{role} gets at another's in {}",
                method.full_name()
            );
        }
    }
    town.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_faulty_token_gets_in_anywhere() {
    let town = Town::start().await;
    let good = claims("operator");
    let issuer = town.issuer();
    let stranger = tempfile::tempdir().expect("a directory");
    let stranger = handslag_runner::issuer::Issuer::open(stranger.path()).expect("another issuer");
    let unsigned = {
        let token = issuer.token(&good).expect("a token");
        let payload = token.split('.').nth(1).expect("a payload").to_owned();
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.")
    };
    let faulty = [
        ("none", String::new()),
        ("garbage", "abc.def.ghi".to_owned()),
        (
            "expired",
            issuer
                .token(&Claims {
                    expires_in_seconds: -3_600,
                    ..good.clone()
                })
                .expect("a token"),
        ),
        (
            "wrong audience",
            issuer
                .token(&Claims {
                    audience: "another".to_owned(),
                    ..good.clone()
                })
                .expect("a token"),
        ),
        (
            "wrong issuer",
            issuer
                .token(&Claims {
                    issuer: "https://x.example".to_owned(),
                    ..good.clone()
                })
                .expect("a token"),
        ),
        ("another's key", stranger.token(&good).expect("a token")),
        ("unsigned", unsigned),
    ];
    for method in methods() {
        let public = rule(&method).public;
        for (fault, token) in &faulty {
            let outcome = knock(&town, &method, token, None).await;
            if public && *fault == "none" {
                assert!(!kept_out(&outcome), "{} is public", method.full_name());
                continue;
            }
            let status = outcome.expect_err("nobody gets in");
            assert_eq!(
                status.code(),
                Code::Unauthenticated,
                "{fault} at {}: {}",
                method.full_name(),
                message(&status)
            );
        }
    }
    town.end().await;
}
