//! Directions: which crate may know which, and which module of a service.

use super::source::Source;
use super::{Finding, Rule};

const SERVICES: [&str; 4] = ["registry", "commitments", "notifications", "reporting"];

/// Who may know whom. What stands in nobody's row may be known by nobody.
const CRATES: [(&str, &[&str]); 15] = [
    ("proto", &[]),
    ("local-infra", &[]),
    ("platform", &["proto", "local-infra", "platform"]),
    ("registry", &["proto", "platform"]),
    ("commitments", &["proto", "platform"]),
    ("notifications", &["proto", "platform"]),
    ("reporting", &["proto", "platform"]),
    ("web", &["proto", "platform"]),
    (
        "runner",
        &[
            "proto",
            "platform",
            "local-infra",
            "registry",
            "commitments",
            "notifications",
            "reporting",
            "web",
        ],
    ),
    (
        "tests",
        &[
            "proto",
            "platform",
            "local-infra",
            "registry",
            "commitments",
            "notifications",
            "reporting",
            "web",
            "runner",
        ],
    ),
    ("checker", &["proto"]),
    ("simulation", &["platform"]),
    (
        "faults",
        &[
            "proto",
            "platform",
            "local-infra",
            "registry",
            "commitments",
            "notifications",
            "reporting",
            "runner",
            "checker",
        ],
    ),
    (
        "bench",
        &[
            "proto",
            "platform",
            "local-infra",
            "registry",
            "commitments",
            "notifications",
            "reporting",
            "runner",
        ],
    ),
    ("dev", &["local-infra"]),
];

/// What a domain may not know: it is pure and synchronous, and time comes to it as an argument.
const IMPURE: [&str; 10] = [
    "sqlx",
    "tonic",
    "lapin",
    "tokio",
    "prost",
    "prost_types",
    "handslag_proto",
    "futures_util",
    "axum",
    "tracing",
];

/// What of the platform a domain may use: values with checked constructors, and nothing that
/// reaches out.
const PURE_PLATFORM: [&str; 8] = [
    "text",
    "date",
    "violations",
    "etag",
    "id",
    "FieldError",
    "PartialDate",
    "Version",
];

/// Checks the dependencies of one crate.
pub(crate) fn check_manifest(path: &str, text: &str) -> Vec<Finding> {
    let mut name = "";
    let mut section = "";
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            section = line;
        }
        let key = line.split(['=', '.', ' ']).next().unwrap_or_default();
        if section == "[package]" && key == "name" {
            name = line
                .split('"')
                .nth(1)
                .unwrap_or_default()
                .trim_start_matches("handslag-");
        }
        let Some(known) = key.strip_prefix("handslag-") else {
            continue;
        };
        if !section.contains("dependencies") || section == "[workspace.dependencies]" {
            continue;
        }
        let row = CRATES.iter().find(|(member, _)| *member == name);
        if !row.is_some_and(|(_, allowed)| allowed.contains(&known)) {
            let text = format!("{name} may not depend on {known}");
            findings.push(Finding::new(path, index + 1, Rule::Direction, text));
        }
    }
    findings
}

/// Checks the modules of the four services.
pub(crate) fn check_source(source: &Source<'_>) -> Vec<Finding> {
    let Some(floor) = floor(source.path) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (line, path) in source.paths() {
        if let Some(text) = forbidden(floor, &path) {
            let rule = if floor == "domain" {
                Rule::Purity
            } else {
                Rule::Direction
            };
            findings.push(Finding::new(source.path, line, rule, text));
        }
    }
    if floor == "domain" {
        for (index, line) in source.code.lines().enumerate() {
            if line.contains("async fn") || line.contains(".await") {
                let text = "a domain is synchronous";
                findings.push(Finding::new(source.path, index + 1, Rule::Purity, text));
            }
        }
    }
    findings
}

/// The floor of a service that a file stands on.
fn floor(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/');
    let (services, service, src) = (parts.next()?, parts.next()?, parts.next()?);
    if services != "services" || src != "src" || !SERVICES.contains(&service) {
        return None;
    }
    let module = parts.next()?.trim_end_matches(".rs");
    ["domain", "store", "convert"]
        .into_iter()
        .find(|floor| *floor == module)
}

/// Why a floor may not name a path; `None` when it may.
fn forbidden(floor: &str, path: &[String]) -> Option<String> {
    let first = path.first()?.as_str();
    let second = path.get(1).map_or("", String::as_str);
    let own = if first == "crate" {
        second
    } else if first == "super" {
        path.iter()
            .map(String::as_str)
            .find(|part| *part != "super")?
    } else {
        ""
    };
    let above: &[&str] = match floor {
        "domain" => &["rpc", "consumers", "store", "convert", "error"],
        "store" => &["rpc", "consumers", "convert"],
        _ => &["rpc", "consumers"],
    };
    // `super` leads out of the floor only from its root file or when a neighbour is named.
    if above.contains(&own) {
        return Some(format!("{floor} may not know {own}"));
    }
    let generated = ["handslag_proto", "prost", "prost_types"].contains(&first);
    match floor {
        "domain" if IMPURE.contains(&first) => Some(format!("a domain may not know {first}")),
        "domain" if first == "handslag_platform" && !PURE_PLATFORM.contains(&second) => {
            Some(format!("a domain may not know platform::{second}"))
        }
        "store" if generated => Some("generated messages stay above the store".to_owned()),
        "convert" if first == "sqlx" => Some("convert runs no SQL".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, dependency: &str) -> Vec<Finding> {
        let text = format!(
            "[package]\nname = \"handslag-{name}\"\n\n[dev-dependencies]\n{dependency}.workspace = true\n"
        );
        check_manifest("Cargo.toml", &text)
    }

    fn source(path: &str, text: &str) -> Vec<Finding> {
        check_source(&Source::read(path, text))
    }

    #[test]
    fn finds_a_service_that_knows_another() {
        assert_eq!(manifest("registry", "handslag-commitments").len(), 1);
        assert_eq!(manifest("platform", "handslag-registry").len(), 1);
        assert_eq!(manifest("web", "handslag-registry").len(), 1);
        assert_eq!(manifest("a-new-crate", "handslag-proto").len(), 1);
        assert!(manifest("registry", "handslag-platform").is_empty());
        assert!(manifest("registry", "serde").is_empty());
    }

    #[test]
    fn finds_a_domain_that_is_not_pure() {
        let path = "services/registry/src/domain/area.rs";
        for text in [
            "use sqlx::PgPool;",
            "use handslag_proto::registry::v1::Area;",
            "fn f() { tokio::spawn(g()); }",
            "use crate::{domain::Term, store::areas};",
            "use handslag_platform::messaging::outbox;",
            "use super::super::store::areas;",
            "pub async fn decide() {}",
        ] {
            assert_eq!(source(path, text).len(), 1, "{text}");
        }
        for text in [
            "use super::term::Term;",
            "use handslag_platform::text::ShortText;",
            "use time::Date;",
            "// use sqlx::PgPool;",
        ] {
            assert!(source(path, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn finds_a_store_that_knows_what_stands_above_it() {
        let path = "services/notifications/src/store/inboxes.rs";
        assert_eq!(source(path, "use crate::rpc::pull;").len(), 1);
        assert_eq!(
            source(path, "use handslag_proto::events::v1::AreaCreated;").len(),
            1
        );
        assert!(source(path, "use crate::domain::Inbox;\nuse sqlx::PgConnection;").is_empty());
    }

    #[test]
    fn finds_a_conversion_that_reaches_for_the_database() {
        let path = "services/reporting/src/convert.rs";
        assert_eq!(source(path, "use sqlx::Row;").len(), 1);
        assert_eq!(source(path, "use crate::rpc;").len(), 1);
        assert!(source(path, "use crate::store::Row;").is_empty());
        assert!(source(path, "use handslag_proto::reporting::v1::Report;").is_empty());
    }

    #[test]
    fn leaves_rpc_and_other_crates_alone() {
        assert!(source("services/registry/src/rpc/get_area.rs", "use crate::store;").is_empty());
        assert!(source("services/web/src/domain.rs", "use tonic::Status;").is_empty());
    }
}
