//! The manifests: the base is what the chart renders, and every overlay can be built of it.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::helm::{Helm, said};
use super::policy;
use super::schemas::Schemas;
use crate::context::Context;

const BASE: &str = "k8s/base/handslag.yaml";
const OVERLAYS: [&str; 3] = ["trial", "test", "prod"];

/// Kinds of operators whose schemas are published in no form that can be had by a package client.
const UNKNOWN: &str = "postgresql.cnpg.io/v1/Cluster,postgresql.cnpg.io/v1/Database,\
    postgresql.cnpg.io/v1/Pooler,postgresql.cnpg.io/v1/ScheduledBackup,\
    barmancloud.cnpg.io/v1/ObjectStore,rabbitmq.com/v1beta1/RabbitmqCluster,\
    rabbitmq.com/v1beta1/Vhost,rabbitmq.com/v1beta1/User,rabbitmq.com/v1beta1/Permission,\
    rabbitmq.com/v1beta1/TopicPermission,rabbitmq.com/v1beta1/Policy,rabbitmq.com/v1beta1/Queue,\
    rabbitmq.com/v1beta1/Binding";

fn base(context: &Context, helm: &Helm) -> Result<String> {
    let values = context.root.join("k8s/base/values.yaml");
    let values = values.to_string_lossy();
    // Tests are hooks, which nothing but Helm understands.
    let rendered = helm.template(helm.chart(), &["--no-hooks", "--values", &values])?;
    let lines = rendered
        .lines()
        .filter(|line| !line.starts_with("# Source: "));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

pub(super) fn write(context: &Context, helm: &Helm) -> Result<()> {
    fs::write(context.root.join(BASE), base(context, helm)?).context("cannot write the base")
}

pub(super) fn check(context: &Context, helm: &Helm, schemas: &Schemas) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let base = base(context, helm)?;
    findings.extend(policy::check_checks(context, helm, schemas, &base)?);
    if fs::read_to_string(context.root.join(BASE))? != base {
        let text = format!("{BASE} is not what the chart renders; run `cargo dev chart --write`");
        findings.push(text);
    }
    for overlay in OVERLAYS {
        let folder = context.root.join("k8s/overlays").join(overlay);
        let built = match kustomize(&folder.to_string_lossy())? {
            Ok(built) => built,
            Err(error) => {
                findings.push(format!("k8s/overlays/{overlay}: {error}"));
                continue;
            }
        };
        let file = helm.work(&format!("overlay-{overlay}.yaml"));
        fs::write(&file, built)?;
        findings.extend(schemas.check(&file, UNKNOWN)?);
        findings.extend(policy::check(context, schemas, &file)?);
    }
    findings.extend(policies(context, helm)?);
    context.notice(
        "the operators' resources in k8s/overlays were not compared with their schemas, which \
         cannot be had",
    );
    Ok(findings)
}

/// The broker's policies are the program's, in both forms that the overlays say them in.
fn policies(context: &Context, helm: &Helm) -> Result<Vec<String>> {
    let read = |path: &str| fs::read_to_string(context.root.join(path));
    let program = read("services/platform/src/messaging/topology.rs")?;
    let trial: Value = serde_json::from_str(&read("k8s/overlays/trial/definitions.json")?)?;
    let prod = helm.read_yaml(&read("k8s/overlays/prod/rabbitmq.yaml")?)?;
    let mut wanted: Vec<&str> = program
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("pattern: r\"")?
                .strip_suffix("\",")
        })
        .collect();
    let mut findings = Vec::new();
    for policy in trial["policies"].as_array().into_iter().flatten() {
        let pattern = policy["pattern"].as_str().unwrap_or_default();
        let before = wanted.len();
        wanted.retain(|one| *one != pattern);
        let same = |object: &&Value| {
            let spec = &object["spec"];
            let fields = ["name", "vhost", "pattern", "priority"];
            object["kind"] == "Policy"
                && fields
                    .iter()
                    .all(|field| alike(&spec[field], &policy[field]))
                && spec["applyTo"] == policy["apply-to"]
                && alike(&spec["definition"], &policy["definition"])
        };
        if wanted.len() == before || prod.iter().find(same).is_none() {
            findings.push(format!(
                "the policy for {pattern} differs between program, trial and production"
            ));
        }
    }
    let missing = |pattern| format!("k8s/overlays: no policy for {pattern}");
    findings.extend(wanted.into_iter().map(missing));
    Ok(findings)
}

/// Whether two values say the same; what has been through Helm has all its numbers as fractions.
fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| alike(value, other)))
        }
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

/// Builds an overlay, with `kustomize` or the one within `kubectl`.
fn kustomize(folder: &str) -> Result<Result<String, String>> {
    for (program, verb) in [("kustomize", "build"), ("kubectl", "kustomize")] {
        let Ok(output) = Command::new(program).args([verb, folder]).output() else {
            continue;
        };
        return Ok(if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(said(&output))
        });
    }
    bail!("neither kustomize nor kubectl is on this machine")
}
