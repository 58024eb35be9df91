//! The script itself: steps, their references to each other, their identities.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Calls in order.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What it loads, for people.
    pub title: String,
    /// The calls.
    pub steps: Vec<Step>,
}

/// One call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its name in the script; also its identity, so that it is never done twice.
    pub key: String,
    /// `<service>.<Method>`, for instance `registry.CreateArea`.
    pub call: String,
    /// In whose name: `operator`, `city`, `sector` or `district:<code>`.
    #[serde(rename = "as")]
    pub caller: String,
    /// The request in the JSON form of the contract; `@key` stands for the resource another step made.
    pub request: Value,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// When the text is no script, a key stands twice, or a reference stands before what it names.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let script: Self =
            serde_json::from_str(text).context("the script is not in the expected form")?;
        let mut known = BTreeMap::new();
        for step in &script.steps {
            for reference in references(&step.request) {
                if !known.contains_key(&reference) {
                    bail!(
                        "step {} refers to @{reference}, which no earlier step makes",
                        step.key
                    );
                }
            }
            if known.insert(step.key.clone(), ()).is_some() {
                bail!("the key {} stands twice", step.key);
            }
        }
        Ok(script)
    }

    /// The record of 2007 to 2013, as the sources have it.
    ///
    /// # Errors
    /// Never for the record as committed; a test reads it.
    pub fn record() -> anyhow::Result<Self> {
        Self::parse(include_str!("../../record/2012.json"))
    }
}

/// The keys that a request refers to.
pub fn references(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text
            .strip_prefix('@')
            .map(str::to_owned)
            .into_iter()
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Object(fields) => fields.values().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The request with every reference replaced by the resource's name.
pub(super) fn resolve(value: &Value, known: &BTreeMap<String, String>) -> anyhow::Result<Value> {
    Ok(match value {
        Value::String(text) => match text.strip_prefix('@') {
            Some(key) => known
                .get(key)
                .with_context(|| format!("@{key} is not known"))?
                .clone()
                .into(),
            None => value.clone(),
        },
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| resolve(item, known))
                .collect::<anyhow::Result<_>>()?,
        ),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), resolve(field, known)?)))
                .collect::<anyhow::Result<_>>()?,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// The identity of a step's command: a UUID of version 8 (RFC 9562) made of the key's hash.
pub(crate) fn request_id(key: &str) -> String {
    let hash = Sha256::digest(format!("handslag import {key}"));
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// The name of the one resource that a command answers with.
pub(super) fn resource_name(response: &Value) -> anyhow::Result<String> {
    response
        .as_object()
        .and_then(|fields| fields.values().find_map(|field| field["name"].as_str()))
        .map(str::to_owned)
        .context("the answer names no resource")
}

#[cfg(test)]
mod tests {
    use super::{Script, request_id};

    #[test]
    fn the_record_parses_and_its_references_hold() {
        let record = Script::record().expect("record");
        assert!(
            record
                .steps
                .iter()
                .any(|step| step.call == "registry.AdoptAgreement")
        );
        let districts = record
            .steps
            .iter()
            .filter(|step| step.call == "registry.CreateDistrictBoard");
        assert_eq!(districts.count(), 14);
    }

    #[test]
    fn the_record_claims_of_no_named_organisation_that_it_signed() {
        let record = Script::record().expect("record");
        assert!(
            !record
                .steps
                .iter()
                .any(|step| step.call == "registry.SignAgreement")
        );
        assert!(
            !record
                .steps
                .iter()
                .any(|step| step.call == "registry.DecideToJoin")
        );
    }

    #[test]
    fn refuses_a_reference_that_stands_before_what_it_names() {
        let text = r#"{"title": "t", "steps": [
            {"key": "a", "call": "registry.CreateBoard", "as": "operator", "request": {"areas": ["@b"]}}]}"#;
        let error = Script::parse(text)
            .expect_err("must be refused")
            .to_string();
        assert!(error.contains("@b"), "{error}");
    }

    #[test]
    fn a_key_has_one_identity_and_two_keys_have_two() {
        assert_eq!(request_id("agreement"), request_id("agreement"));
        assert_ne!(request_id("agreement"), request_id("adoption"));
        assert!(request_id("agreement").parse::<uuid::Uuid>().is_ok());
    }
}
