//! Alerts: promtool's tests, a runbook and two cases for each, and no metric that nobody counts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::helm::{Helm, LEAST, said};
use crate::context::Context;

const TESTS: &str = "tests/chart/alerts.yaml";

/// What a runbook says.
const HEADINGS: [&str; 3] = ["## What it means", "## How to look", "## What to do"];

/// What the exporter puts behind the names of metrics.
const ENDINGS: [&str; 4] = ["_total", "_bucket", "_seconds", ""];

pub(super) fn check(context: &Context, helm: &Helm, promtool: &Path) -> Result<Vec<String>> {
    let rules = rules(helm)?;
    let names: BTreeSet<&str> = rules
        .iter()
        .filter_map(|rule| rule["alert"].as_str())
        .collect();
    let mut findings = run(context, helm, promtool, &rules)?;
    let cases = fs::read_to_string(context.root.join(TESTS))?;
    for name in &names {
        for case in ["fires", "stays silent"] {
            if !cases.contains(&format!("- name: {name} {case}\n")) {
                findings.push(format!("{TESTS}: no case in which {name} {case}"));
            }
        }
    }
    findings.extend(runbooks(helm, &names)?);
    let counted = counted(&context.root.join("services"))?;
    let mut shown: Vec<(String, String)> = rules
        .iter()
        .map(|rule| (rule["alert"].to_string(), rule["expr"].to_string()))
        .collect();
    for file in fs::read_dir(helm.chart().join("dashboards"))? {
        let file = file?.path();
        let text = fs::read_to_string(&file)?;
        let board: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is no JSON", file.display()))?;
        shown.push((board["title"].to_string(), text));
    }
    for (place, text) in shown {
        for metric in metrics(&text) {
            if !counted.contains(&metric) {
                findings.push(format!("{place} shows {metric}, which no service counts"));
            }
        }
    }
    Ok(findings)
}

/// The alerts as the chart renders them, without annotations, which promtool would compare too.
fn rules(helm: &Helm) -> Result<Vec<Value>> {
    let mut arguments = vec!["--show-only", "templates/prometheusrule.yaml"];
    for setting in LEAST.into_iter().chain(["monitoring.rules.enabled=true"]) {
        arguments.extend(["--set", setting]);
    }
    let rendered = helm.template(helm.chart(), &arguments)?;
    let mut objects = helm.read_yaml(&rendered)?;
    let mut rule = objects.pop().context("the chart renders no alerts")?;
    let rules = rule["spec"]["groups"][0]["rules"].take();
    let Value::Array(mut rules) = rules else {
        anyhow::bail!("the chart renders no alerts");
    };
    for rule in &mut rules {
        if let Some(rule) = rule.as_object_mut() {
            rule.remove("annotations");
        }
    }
    Ok(rules)
}

fn run(context: &Context, helm: &Helm, promtool: &Path, rules: &[Value]) -> Result<Vec<String>> {
    let file = helm.work("alerts.json");
    let groups = json!({"groups": [{"name": "handslag", "rules": rules}]});
    fs::write(&file, groups.to_string())?;
    let tests = helm.work("alerts.yaml");
    fs::copy(context.root.join(TESTS), &tests)?;
    let mut findings = Vec::new();
    for (verb, file) in [("check", &file), ("test", &tests)] {
        let output = Command::new(promtool)
            .args([verb, "rules"])
            .arg(file)
            .output()?;
        if !output.status.success() {
            findings.push(said(&output));
        }
    }
    Ok(findings)
}

fn runbooks(helm: &Helm, names: &BTreeSet<&str>) -> Result<Vec<String>> {
    let folder = helm.chart().join("runbooks");
    let mut findings = Vec::new();
    for name in names {
        let Ok(text) = fs::read_to_string(folder.join(format!("{name}.md"))) else {
            findings.push(format!("{name} has no runbook"));
            continue;
        };
        for heading in HEADINGS {
            if !text.contains(heading) {
                findings.push(format!("the runbook of {name} lacks `{heading}`"));
            }
        }
    }
    for file in fs::read_dir(folder)? {
        let file = file?.file_name().to_string_lossy().into_owned();
        let name = file.trim_end_matches(".md");
        if name != "README" && !names.contains(name) {
            findings.push(format!("runbooks/{file} is of no alert"));
        }
    }
    Ok(findings)
}

/// The metrics of ours that a text names.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    text.split(|letter: char| !is_part(letter) && !letter.is_ascii_digit())
        .filter(|word| word.starts_with("handslag_"))
        .map(|word| {
            let ending = ENDINGS.iter().find(|ending| word.ends_with(*ending));
            let word = word.trim_end_matches(ending.copied().unwrap_or_default());
            word.trim_end_matches("_seconds").to_owned()
        })
        .collect()
}

/// The metrics that the services count, by the names that Prometheus gives them.
fn counted(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(counted(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path)?;
            let names = text.split('"').filter(|text| text.starts_with("handslag."));
            found.extend(names.map(|name| name.replace('.', "_")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_metrics_of_an_expression() {
        let text = "sum(rate(handslag_rpc_duration_seconds_bucket{a=\"b\"}[5m])) > \
                    handslag_dead_letters_total + up + handslag_relay_holes";
        let found: Vec<String> = metrics(text).into_iter().collect();
        assert_eq!(
            found,
            [
                "handslag_dead_letters",
                "handslag_relay_holes",
                "handslag_rpc_duration"
            ]
        );
    }
}
