//! The table of values in the chart's README, made from the comments of `values.yaml`.

use std::fs;

use anyhow::{Context as _, Result};

use crate::context::Context;

const VALUES: &str = "helm/handslag/values.yaml";
const README: &str = "helm/handslag/README.md";
const BEGIN: &str = "<!-- values: written by `cargo dev chart --write` -->\n";
const END: &str = "<!-- end of values -->\n";

/// One value that can be set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its path, such as `image.tag`.
    pub(super) path: String,
    default: String,
    meaning: String,
}

/// The values that the file explains.
pub(super) fn rows(text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut meaning: Option<String> = None;
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if let Some(begun) = content.strip_prefix("# -- ") {
            meaning = Some(begun.to_owned());
        } else if let Some(more) = content.strip_prefix("# ") {
            if let Some(meaning) = &mut meaning {
                meaning.push(' ');
                meaning.push_str(more);
            }
        } else if let Some((key, default)) = content.split_once(':') {
            path.retain(|(at, _)| *at < indent);
            path.push((indent, key.to_owned()));
            if let Some(meaning) = meaning.take() {
                let path: Vec<&str> = path.iter().map(|(_, key)| key.as_str()).collect();
                rows.push(Row {
                    path: path.join("."),
                    default: default.trim().to_owned(),
                    meaning,
                });
            }
        }
    }
    rows
}

/// The lines of values that no comment explains: below a value that is explained, all are.
fn unexplained(text: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let mut explained: Option<usize> = None;
    let mut commented = false;
    for line in text.lines() {
        let content = line.trim_start();
        let indent = line.len() - content.len();
        if content.starts_with('#') {
            commented |= content.starts_with("# -- ");
            continue;
        }
        if content.is_empty() {
            continue;
        }
        if explained.is_some_and(|at| indent <= at) {
            explained = None;
        }
        if commented && explained.is_none() {
            explained = Some(indent);
        }
        let holds_others = content.ends_with(':');
        if explained.is_none() && !holds_others {
            missing.push(format!("{VALUES}: no comment explains `{content}`"));
        }
        commented = false;
    }
    missing
}

fn table(rows: &[Row]) -> String {
    let mut text = "| value | default | meaning |\n|---|---|---|\n".to_owned();
    for Row {
        path,
        default,
        meaning,
    } in rows
    {
        let default = match default.as_str() {
            "" => "see `values.yaml`".to_owned(),
            "\"\"" => String::new(),
            other => format!("`{other}`"),
        };
        text.push_str(&format!("| `{path}` | {default} | {meaning} |\n"));
    }
    text
}

/// The README as it should be.
fn readme(values: &str, readme: &str) -> Result<String> {
    let (before, rest) = readme
        .split_once(BEGIN)
        .context("the chart's README has no place for the table")?;
    let (_, after) = rest
        .split_once(END)
        .context("the table in the chart's README does not end")?;
    Ok(format!(
        "{before}{BEGIN}\n{}\n{END}{after}",
        table(&rows(values))
    ))
}

pub(super) fn check(context: &Context) -> Result<Vec<String>> {
    let values = fs::read_to_string(context.root.join(VALUES))?;
    let now = fs::read_to_string(context.root.join(README))?;
    let mut findings = unexplained(&values);
    if readme(&values, &now)? != now {
        let text = format!("{README}: the table of values is old; run `cargo dev chart --write`");
        findings.push(text);
    }
    Ok(findings)
}

pub(super) fn write(context: &Context) -> Result<()> {
    let values = fs::read_to_string(context.root.join(VALUES))?;
    let file = context.root.join(README);
    let new = readme(&values, &fs::read_to_string(&file)?)?;
    fs::write(file, new)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Heading\n\na:\n  # -- What b is,\n  # in two lines\n  b: \"\"\n  # -- Many\n  c:\n    d: 1\ne: 2\n";

    #[test]
    fn reads_what_comments_explain() {
        let rows = rows(TEXT);
        let read: Vec<(&str, &str)> = rows
            .iter()
            .map(|row| (row.path.as_str(), row.meaning.as_str()))
            .collect();
        assert_eq!(read, [("a.b", "What b is, in two lines"), ("a.c", "Many")]);
    }

    #[test]
    fn finds_a_value_without_a_comment() {
        assert_eq!(
            unexplained(TEXT),
            ["helm/handslag/values.yaml: no comment explains `e: 2`"]
        );
    }

    #[test]
    fn puts_the_table_between_its_marks() {
        let old = format!("x\n{BEGIN}old\n{END}y\n");
        let new = readme("# -- N\nn: 1\n", &old).unwrap();
        assert!(new.contains("| `n` | `1` | N |"));
        assert!(new.starts_with("x\n") && new.ends_with("y\n") && !new.contains("old"));
        assert_eq!(readme("# -- N\nn: 1\n", &new).unwrap(), new);
    }
}
