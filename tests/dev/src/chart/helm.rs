//! Helm: renders the chart, and reads YAML.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::context::Context;
use crate::tools;

/// What has no default, said in the shortest way.
pub(super) const LEAST: [&str; 7] = [
    "postgresql.host=postgresql",
    "postgresql.existingSecret=database",
    "postgresql.owner.existingSecret=database-owner",
    "rabbitmq.host=rabbitmq",
    "rabbitmq.existingSecret=broker",
    "identityProvider.issuer=https://id.example.se",
    "identityProvider.jwksUrl=https://id.example.se/keys",
];

/// A chart whose one template turns YAML into JSON. Numbered, since Helm sorts what it renders.
const READER: &str = r#"{{- range $path, $text := .Files.Glob "in/*" }}
---
{{ dict "n" (base $path) "it" ($text | toString | fromYaml) | toJson }}
{{- end }}
"#;

/// Helm and the chart.
pub(super) struct Helm {
    program: PathBuf,
    chart: PathBuf,
    work: PathBuf,
}

impl Helm {
    pub(super) fn find(context: &Context) -> Result<Self> {
        let work = context.target().join("chart");
        fs::create_dir_all(&work)?;
        Ok(Self {
            program: tools::helm(context)?,
            chart: context.root.join("helm/handslag"),
            work,
        })
    }

    /// A folder for what is made on the way.
    pub(super) fn work(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    pub(super) fn chart(&self) -> &Path {
        &self.chart
    }

    /// What `helm lint` has against the chart.
    pub(super) fn lint(&self) -> Result<Vec<String>> {
        let mut helm = Command::new(&self.program);
        helm.args(["lint", "--strict", "--quiet"]).arg(&self.chart);
        let output = set(&mut helm, &LEAST).output()?;
        Ok(if output.status.success() {
            Vec::new()
        } else {
            vec![said(&output)]
        })
    }

    /// Tries to render a chart as the release `handslag` in the namespace `handslag`.
    pub(super) fn try_template(&self, chart: &Path, arguments: &[&str]) -> Result<Output> {
        let mut helm = Command::new(&self.program);
        helm.args(["template", "handslag"]).arg(chart);
        helm.args(["--namespace", "handslag"]).args(arguments);
        helm.output().context("cannot run helm")
    }

    /// Renders a chart.
    pub(super) fn template(&self, chart: &Path, arguments: &[&str]) -> Result<String> {
        let output = self.try_template(chart, arguments)?;
        if !output.status.success() {
            bail!("the chart cannot be rendered: {}", said(&output));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The documents of a text in YAML, each of which must be a map.
    pub(super) fn read_yaml(&self, text: &str) -> Result<Vec<Value>> {
        let reader = self.work("reader");
        if reader.exists() {
            fs::remove_dir_all(&reader)?;
        }
        fs::create_dir_all(reader.join("templates"))?;
        fs::create_dir_all(reader.join("in"))?;
        fs::write(
            reader.join("Chart.yaml"),
            "apiVersion: v2\nname: reader\nversion: 0.1.0\n",
        )?;
        fs::write(reader.join("templates/json.yaml"), READER)?;
        for (number, document) in documents(text).into_iter().enumerate() {
            fs::write(reader.join(format!("in/{number:06}")), document)?;
        }
        let json = self.template(&reader, &[])?;
        let mut read = Vec::new();
        for line in json.lines().filter(|line| line.starts_with('{')) {
            let mut document: Value = serde_json::from_str(line)?;
            let number = document["n"].as_str().unwrap_or_default().to_owned();
            if document["it"].get("Error").is_some() {
                bail!("{} is no YAML of a map", document["it"]["Error"]);
            }
            read.push((number, document["it"].take()));
        }
        read.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(read.into_iter().map(|(_, document)| document).collect())
    }
}

/// Adds values to a command.
pub(super) fn set<'a>(command: &'a mut Command, values: &[&str]) -> &'a mut Command {
    for value in values {
        command.args(["--set", value]);
    }
    command
}

/// The documents of a stream, without those that are empty.
pub(super) fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.trim_end() == "---" {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut().filter(|_| !is_source(line)) {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.retain(|document| {
        document
            .lines()
            .any(|line| !line.trim().is_empty() && !line.starts_with('#'))
    });
    documents
}

/// Where Helm says which template a document is from.
fn is_source(line: &str) -> bool {
    line.starts_with("# Source: ")
}

/// What a program said that failed.
pub(super) fn said(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    format!("{}{error}", String::from_utf8_lossy(&output.stdout))
        .trim()
        .to_owned()
}

/// Sets a value at a path such as `a.b.c`, making the maps on its way.
pub(super) fn put(values: &mut Value, path: &str, value: Value) {
    let mut place = values;
    for part in path.split('.') {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[part];
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_a_stream_and_leaves_out_what_is_empty() {
        let text = "---\n# Source: a\na: 1\n---\n# only a comment\n\n---\nb: |\n  ---x\n";
        assert_eq!(documents(text), ["a: 1\n", "b: |\n  ---x\n"]);
    }

    #[test]
    fn puts_a_value_where_its_path_says() {
        let mut values = json!({"a": {"b": 1}});
        put(&mut values, "a.c.d", json!(2));
        assert_eq!(values, json!({"a": {"b": 1, "c": {"d": 2}}}));
    }
}
