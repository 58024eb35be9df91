//! The rules of the house style that neither the compiler nor clippy knows.
//!
//! # Design notes
//!
//! Every rule is a function from a text to findings, so that its test can show it a bad example.
//! A rule has exceptions only in [`exceptions`], each with its reason; one that is not needed any
//! more is itself a finding, so that the list can only shrink.

mod direction;
mod exceptions;
mod sizes;
mod source;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use self::source::Source;

/// Folders that hold no text of ours.
const FOREIGN: [&str; 4] = ["target", "node_modules", "__pycache__", ".git"];

/// A place where a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 when the whole file is meant.
    line: usize,
    rule: Rule,
    text: String,
}

/// The rules, by the names that exceptions call them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    FileSize,
    FunctionSize,
    Direction,
    Purity,
    BusinessNoun,
    Word,
    Layout,
    StaleException,
}

impl Finding {
    fn new(path: &str, line: usize, rule: Rule, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            rule,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path, line, text, ..
        } = self;
        if *line == 0 {
            write!(formatter, "{path}: {text}")
        } else {
            write!(formatter, "{path}:{line}: {text}")
        }
    }
}

/// Checks the whole checkout.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut files = Vec::new();
    collect(root, root, &mut files)?;
    files.sort();
    let mut findings = Vec::new();
    for path in files {
        let wrong = || format!("cannot read {path}");
        let text = fs::read_to_string(root.join(&path)).with_context(wrong)?;
        findings.extend(check_file(&path, &text));
    }
    Ok(exceptions::apply(findings))
}

/// Every rule over one file.
fn check_file(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = words::check_text(path, text);
    if path.ends_with("Cargo.toml") {
        findings.extend(direction::check_manifest(path, text));
    }
    if path.ends_with(".rs") {
        let source = Source::read(path, text);
        findings.extend(sizes::check(&source));
        findings.extend(direction::check_source(&source));
        findings.extend(words::check_source(&source));
    }
    findings
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if FOREIGN.contains(&name.as_str()) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let wanted = [
            "rs", "toml", "proto", "sql", "py", "mjs", "html", "css", "typ", "ftl",
        ];
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        if wanted.contains(&ending.as_ref()) {
            files.push(path.strip_prefix(root)?.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_a_rule_is_broken() {
        let finding = Finding::new("a.rs", 3, Rule::Word, "bad");
        assert_eq!(finding.to_string(), "a.rs:3: bad");
        assert_eq!(
            Finding::new("a.rs", 0, Rule::Word, "bad").to_string(),
            "a.rs: bad"
        );
    }

    #[test]
    fn finds_every_rule_in_one_bad_file() {
        let body = "    let x = 1;\n".repeat(80);
        let text = format!("#[allow(dead_code)]\nuse sqlx::PgPool;\nfn long() {{\n{body}}}\n");
        let findings = check_file("services/registry/src/domain/mod.rs", &text);
        for rule in [Rule::Word, Rule::Purity, Rule::FunctionSize, Rule::Layout] {
            assert!(
                findings.iter().any(|finding| finding.rule == rule),
                "{rule:?}: {findings:?}"
            );
        }
    }
}
