//! What the chart must refuse, and by which name.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::helm::{Helm, LEAST, put, said};
use super::table;
use crate::context::Context;

/// Cases beyond those that are made here.
const CASES: &str = "tests/chart/refused.txt";

pub(super) fn check(context: &Context, helm: &Helm) -> Result<Vec<String>> {
    let text = fs::read_to_string(helm.chart().join("values.yaml"))?;
    let mut defaults = helm.read_yaml(&text)?;
    let defaults = defaults.pop().context("the chart has no values")?;
    let mut findings = wrong_types(helm, &defaults, &text)?;
    findings.extend(unknown_values(helm, &defaults)?);
    let cases = fs::read_to_string(context.root.join(CASES))?;
    for case in cases.lines().filter(|line| !line.starts_with('#')) {
        let (settings, expected) = case
            .split_once(" | ")
            .with_context(|| format!("{CASES}: `{case}` says not what is expected"))?;
        let mut arguments: Vec<&str> = Vec::new();
        for setting in LEAST.into_iter().chain(settings.split_whitespace()) {
            arguments.extend(["--set", setting]);
        }
        let output = helm.try_template(helm.chart(), &arguments)?;
        let said = said(&output);
        if output.status.success() {
            findings.push(format!("the chart takes {settings}"));
        } else if !said.contains(expected) {
            let text = format!("the chart refuses {settings} without `{expected}`: {said}");
            findings.push(text);
        }
    }
    Ok(findings)
}

/// Every value that can be set, with something of another type in its place.
fn wrong_types(helm: &Helm, defaults: &Value, text: &str) -> Result<Vec<String>> {
    // One within another cannot be wrong at the same time.
    let mut waiting: Vec<String> = table::rows(text).into_iter().map(|row| row.path).collect();
    let mut findings = Vec::new();
    while !waiting.is_empty() {
        let (now, later): (Vec<String>, Vec<String>) = {
            let all = waiting.clone();
            waiting
                .into_iter()
                .partition(|path| !all.iter().any(|one| path.starts_with(&format!("{one}."))))
        };
        let mut values = json!({});
        for path in &now {
            let default = path.split('.').fold(defaults, |values, part| &values[part]);
            let wrong = if default.is_object() || default.is_array() {
                json!(7)
            } else {
                json!(["wrong"])
            };
            put(&mut values, path, wrong);
        }
        let said = refusal(helm, &values)?;
        findings.extend(
            now.iter()
                .filter(|path| !said.contains(&format!("at '/{}'", path.replace('.', "/"))))
                .map(|path| format!("the schema takes a value of another type as {path}")),
        );
        waiting = later;
    }
    Ok(findings)
}

/// A value that does not exist, in every place that holds values.
fn unknown_values(helm: &Helm, defaults: &Value) -> Result<Vec<String>> {
    // Maps with keys of the user's own have no unknown ones.
    let open: BTreeSet<&str> = ["global", "commonLabels"].into();
    let mut paths = vec![String::new()];
    let mut values = json!({});
    let mut findings = Vec::new();
    let mut places = Vec::new();
    while let Some(path) = paths.pop() {
        let place = path
            .split('.')
            .filter(|part| !part.is_empty())
            .fold(defaults, |values, part| &values[part]);
        let own = path.rsplit('.').next().unwrap_or_default();
        let Value::Object(inner) = place else {
            continue;
        };
        if open.contains(own) || is_open(own) {
            continue;
        }
        for name in inner.keys() {
            let dot = if path.is_empty() { "" } else { "." };
            paths.push(format!("{path}{dot}{name}"));
        }
        let dot = if path.is_empty() { "" } else { "." };
        put(&mut values, &format!("{path}{dot}noSuchValue"), json!(1));
        places.push(path.replace('.', "/"));
    }
    let said = refusal(helm, &values)?;
    for place in places {
        let slash = if place.is_empty() { "" } else { "/" };
        let expected = format!("at '{slash}{place}': additional properties 'noSuchValue'");
        if !said.contains(&expected) {
            findings.push(format!("the schema takes an unknown value in /{place}"));
        }
    }
    Ok(findings)
}

/// Maps from names that the user chooses.
fn is_open(name: &str) -> bool {
    [
        "env",
        "labels",
        "annotations",
        "podLabels",
        "podAnnotations",
        "nodeSelector",
        "affinity",
    ]
    .contains(&name)
}

fn refusal(helm: &Helm, values: &Value) -> Result<String> {
    let file = helm.work("wrong.json");
    fs::write(&file, values.to_string())?;
    let output = helm.try_template(helm.chart(), &["--values", &file.to_string_lossy()])?;
    Ok(said(&output))
}
