//! Every combination of the optional parts: rendered, strict by the schemas, and within the policy.
//!
//! # Design notes
//! A process for each would take minutes, so that a chart made here holds the chart many times, under
//! a name and with values of its own. What they render differs little: each document is compared
//! once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::helm::{Helm, LEAST, documents, put, said};
use super::policy;
use super::schemas::Schemas;
use crate::context::Context;

/// One choice among the optional parts: what is chosen, as paths and values in JSON.
type Option = &'static [(&'static str, &'static str)];

/// The questions, each with all its answers. The last of each turns on the most.
const QUESTIONS: [&[Option]; 8] = [
    &[
        &[("tls.mode", r#""disabled""#)],
        &[("tls.mode", r#""existingSecret""#)],
        &[("tls.mode", r#""mesh""#)],
        &[
            ("tls.mode", r#""certManager""#),
            ("tls.certManager.issuer", r#""city""#),
        ],
    ],
    &[&[], &[("gateway.enabled", "true")]],
    &[&[], &[("ingress.enabled", "true")]],
    &[
        &[],
        &[("defaults.autoscaling.enabled", "true")],
        &[
            ("defaults.autoscaling.enabled", "true"),
            ("keda.enabled", "true"),
        ],
    ],
    &[&[("networkPolicy.enabled", "false")], &[]],
    &[&[("web.enabled", "false")], &[]],
    &[&[("migrations.enabled", "false")], &[]],
    &[
        &[],
        // Whatever only adds: monitoring, traces, the round trip, passwords within, keys as a secret.
        &[
            ("monitoring.serviceMonitors.enabled", "true"),
            ("monitoring.rules.enabled", "true"),
            ("monitoring.dashboards.enabled", "true"),
            ("migrations.incarnation", "2"),
            ("otlpEndpoint", r#""http://collector:4318""#),
            ("tests.existingSecret", r#""token""#),
            ("identityProvider.jwksUrl", r#""""#),
            ("identityProvider.jwks.existingSecret", r#""jwks""#),
            ("identityProvider.authorities.existingSecret", r#""city""#),
            ("postgresql.authorities.existingSecret", r#""city""#),
            ("postgresql.existingSecret", r#""""#),
            ("postgresql.password", r#""demo""#),
            ("postgresql.owner.existingSecret", r#""""#),
            ("postgresql.owner.password", r#""demo""#),
            ("rabbitmq.existingSecret", r#""""#),
            ("rabbitmq.password", r#""demo""#),
            ("rabbitmq.tls", "true"),
            ("rabbitmq.authorities.existingSecret", r#""city""#),
            ("image.pullSecrets", r#"["pull"]"#),
            ("defaults.tolerations", r#"[{"operator": "Exists"}]"#),
            ("defaults.env", r#"{"A": "b"}"#),
            ("commonLabels", r#"{"team": "it"}"#),
        ],
    ],
];

/// What the answers need, and does nothing without them.
const GIVEN: Option = &[
    ("gateway.parentRefs", r#"[{"name": "city"}]"#),
    ("gateway.grpcHostnames", r#"["grpc.example.se"]"#),
    ("gateway.webHostnames", r#"["example.se"]"#),
    ("gateway.authoritiesConfigMap", r#""authorities""#),
    ("ingress.grpc.host", r#""grpc.example.se""#),
    ("ingress.web.host", r#""example.se""#),
    ("ingress.web.tlsSecret", r#""example-se""#),
    ("keda.existingSecret", r#""keda""#),
    ("networkPolicy.clients", r#"[{"namespaceSelector": {}}]"#),
    ("networkPolicy.monitoring", r#"[{"namespaceSelector": {}}]"#),
    ("fullnameOverride", r#""handslag""#),
    // Else each rendering has random keys, and no document twice.
    ("tokenKeys.existingSecret", r#""token-keys""#),
];

/// How often the chart stands in one that is rendered at once.
const BATCH: usize = 128;

pub(super) fn check(context: &Context, helm: &Helm, schemas: &Schemas) -> Result<Vec<String>> {
    let combinations = combinations()?;
    let mut findings = Vec::new();
    let mut distinct = BTreeSet::new();
    for batch in combinations.chunks(BATCH) {
        match render(helm, batch)? {
            Ok(text) => distinct.extend(documents(&text)),
            Err(error) => findings.push(error),
        }
    }
    let file = helm.work("combinations.yaml");
    let text: Vec<String> = distinct.into_iter().collect();
    fs::write(&file, text.join("---\n"))?;
    println!(
        "{} combinations of optional parts, {} distinct objects",
        combinations.len(),
        text.len()
    );
    findings.extend(schemas.check(&file, "")?);
    findings.extend(policy::check(context, schemas, &file)?);
    Ok(findings)
}

fn combinations() -> Result<Vec<Value>> {
    let mut all = vec![least()?];
    for answers in QUESTIONS {
        let mut more = Vec::with_capacity(all.len() * answers.len());
        for values in &all {
            for answer in answers {
                let mut values = values.clone();
                choose(&mut values, answer)?;
                more.push(values);
            }
        }
        all = more;
    }
    Ok(all)
}

fn least() -> Result<Value> {
    let mut values = json!({});
    for setting in LEAST {
        let (path, value) = setting.split_once('=').context("a setting has a value")?;
        put(&mut values, path, json!(value));
    }
    choose(&mut values, GIVEN)?;
    Ok(values)
}

fn choose(values: &mut Value, chosen: Option) -> Result<()> {
    for (path, value) in chosen {
        put(values, path, serde_json::from_str(value)?);
    }
    Ok(())
}

fn render(helm: &Helm, batch: &[Value]) -> Result<Result<String, String>> {
    let folder = helm.work("many");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    copy(helm.chart(), &folder.join("charts/handslag"))?;
    let alias = |number: usize| format!("c{number:04}");
    let mut chart = "apiVersion: v2\nname: many\nversion: 0.1.0\ndependencies:\n".to_owned();
    let mut values = Map::new();
    for (number, one) in batch.iter().enumerate() {
        let alias = alias(number);
        chart.push_str(&format!(
            "  - {{name: handslag, version: '*', alias: {alias}}}\n"
        ));
        values.insert(alias, one.clone());
    }
    fs::write(folder.join("Chart.yaml"), chart)?;
    fs::write(
        folder.join("values.yaml"),
        Value::Object(values).to_string(),
    )?;
    let output = helm.try_template(&folder, &[])?;
    if !output.status.success() {
        return Ok(Err(said(&output)));
    }
    // The name that each goes by here is in its labels, and else they are the same.
    let mut text = String::from_utf8(output.stdout)?;
    for number in 0..batch.len() {
        text = text.replace(&format!("{}-", alias(number)), "handslag-");
    }
    Ok(Ok(text))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_every_combination_once() {
        let all = combinations().unwrap();
        assert_eq!(all.len(), 4 * 2 * 2 * 3 * 2 * 2 * 2 * 2);
        let distinct: BTreeSet<String> = all.iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), all.len());
    }
}
