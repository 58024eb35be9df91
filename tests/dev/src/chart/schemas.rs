//! Schemas of the kinds of objects, made strict, and the comparison with them.
//!
//! # Design notes
//! Kubernetes publishes its kinds as OpenAPI in its Go module, operators theirs as custom resource
//! definitions in theirs. Strict means that a field which no schema knows is a fault: the API server
//! would drop it in silence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::helm::{Helm, said};
use crate::context::Context;
use crate::tools;

/// The last patch of each version that the chart is for.
const VERSIONS: [&str; 4] = ["1.31.14", "1.32.13", "1.33.13", "1.34.4"];

/// Modules with custom resource definitions, and the files that hold what the chart makes.
const RESOURCES: [(&str, &[&str]); 4] = [
    (
        "sigs.k8s.io/gateway-api@v1.4.0",
        &[
            "config/crd/standard/gateway.networking.k8s.io_grpcroutes.yaml",
            "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
            "config/crd/standard/gateway.networking.k8s.io_backendtlspolicies.yaml",
        ],
    ),
    (
        "github.com/kedacore/keda/v2@v2.18.1",
        &[
            "config/crd/bases/keda.sh_scaledobjects.yaml",
            "config/crd/bases/keda.sh_triggerauthentications.yaml",
        ],
    ),
    (
        "github.com/cert-manager/cert-manager@v1.19.1",
        &["deploy/crds/cert-manager.io_certificates.yaml"],
    ),
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        &[
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ],
    ),
];

/// Raised when the way in which schemas are made changes.
const EDITION: &str = "1";

/// The schemas, and the program that compares.
pub(super) struct Schemas {
    kubeconform: PathBuf,
    folder: PathBuf,
}

impl Schemas {
    /// Makes what is not made yet.
    pub(super) fn find(context: &Context, helm: &Helm) -> Result<Self> {
        let folder = context.tools().join("schemas");
        for version in VERSIONS {
            tools::once(&folder, version, EDITION, || {
                let module = format!("k8s.io/kubernetes@v{version}");
                let source = tools::go_module(context, &module)?;
                write_version(&source, &folder.join(format!("v{version}")))
            })?;
        }
        let wish = format!("{EDITION} {RESOURCES:?}");
        tools::once(&folder, "resources", &wish, || {
            let mut text = String::new();
            for (module, files) in RESOURCES {
                let source = tools::go_module(context, module)?;
                for file in files {
                    text.push_str(&fs::read_to_string(source.join(file))?);
                    text.push_str("\n---\n");
                }
            }
            for definition in helm.read_yaml(&text)? {
                write_definition(&definition, &folder.join("resources"))?;
            }
            Ok(())
        })?;
        Ok(Self {
            kubeconform: tools::kubeconform(context)?,
            folder,
        })
    }

    /// Compares the objects of a file with the schemas of every version. `skip` names kinds, with
    /// commas between.
    pub(super) fn check(&self, file: &Path, skip: &str) -> Result<Vec<String>> {
        let folder = self.folder.display();
        let own = format!(
            "{folder}/{{{{ .NormalizedKubernetesVersion }}}}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
        );
        let foreign = format!(
            "{folder}/resources/{{{{ .Group }}}}/{{{{ .ResourceKind }}}}_{{{{ .ResourceAPIVersion }}}}.json"
        );
        let mut findings = Vec::new();
        for version in VERSIONS {
            let arguments = [
                "-strict",
                "-kubernetes-version",
                version,
                "-schema-location",
                &own,
                "-schema-location",
                &foreign,
                "-skip",
                skip,
            ];
            let found = self.compare(file, &arguments)?;
            findings.extend(
                found
                    .into_iter()
                    .map(|text| format!("Kubernetes {version}: {text}")),
            );
        }
        Ok(findings)
    }

    /// Runs the comparison; one finding for each line that it says.
    pub(super) fn compare(&self, file: &Path, arguments: &[&str]) -> Result<Vec<String>> {
        let output = Command::new(&self.kubeconform)
            .args(arguments)
            .arg(file)
            .output()
            .context("cannot run kubeconform")?;
        if output.status.success() {
            return Ok(Vec::new());
        }
        Ok(said(&output).lines().map(str::to_owned).collect())
    }
}

fn write_version(source: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let text = fs::read_to_string(source.join("api/openapi-spec/swagger.json"))?;
    let mut document: Value = serde_json::from_str(&text)?;
    let mut definitions = document["definitions"].take();
    let named = definitions
        .as_object_mut()
        .context("Kubernetes publishes no definitions")?;
    for (name, definition) in named {
        make_strict(definition);
        for kind in kinds(definition) {
            let schema = json!({"$ref": format!("_definitions.json#/definitions/{name}")});
            fs::write(folder.join(kind), schema.to_string())?;
        }
    }
    let all = json!({"definitions": definitions});
    fs::write(folder.join("_definitions.json"), all.to_string())?;
    Ok(())
}

/// The names of the files of the kinds that a definition describes.
fn kinds(definition: &Value) -> Vec<String> {
    let kinds = definition["x-kubernetes-group-version-kind"].as_array();
    let name = |kind: &Value| {
        let text = |field: &str| kind[field].as_str().unwrap_or_default().to_lowercase();
        // As kubeconform calls them: the first part of the group alone.
        let group = text("group");
        let group = group.split('.').next().unwrap_or_default();
        let parts = [text("kind"), group.to_owned(), text("version")];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{}.json", parts.join("-"))
    };
    kinds.into_iter().flatten().map(name).collect()
}

fn write_definition(definition: &Value, folder: &Path) -> Result<()> {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
    let folder = folder.join(text(&spec["group"]));
    fs::create_dir_all(&folder)?;
    for version in spec["versions"].as_array().into_iter().flatten() {
        let mut schema = version["schema"]["openAPIV3Schema"].clone();
        make_strict(&mut schema);
        let name = format!(
            "{}_{}.json",
            text(&spec["names"]["kind"]),
            text(&version["name"])
        );
        fs::write(folder.join(name), schema.to_string())?;
    }
    Ok(())
}

/// Forbids fields that are not named, and says in JSON Schema's own words what OpenAPI says in its.
fn make_strict(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            make_map_strict(fields);
            for (name, inner) in fields.iter_mut() {
                if !name.starts_with("x-") && name != "default" && name != "enum" {
                    make_strict(inner);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_strict),
        _ => {}
    }
}

fn make_map_strict(fields: &mut Map<String, Value>) {
    // A definition that has a field of this name has properties of it, not a text.
    let format = fields.get("format").and_then(Value::as_str);
    let quantity = fields
        .get("description")
        .and_then(Value::as_str)
        .is_some_and(|text| text.starts_with("Quantity is a fixed-point"));
    if format == Some("int-or-string") || quantity {
        fields.insert("type".to_owned(), json!(["string", "number"]));
        fields.remove("format");
    }
    let open = fields.contains_key("x-kubernetes-preserve-unknown-fields")
        || fields.contains_key("additionalProperties");
    let described = fields.get("properties").is_some_and(|properties| {
        properties.is_object() && fields.get("type") == Some(&json!("object"))
    });
    if described && !open {
        fields.insert("additionalProperties".to_owned(), json!(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbids_what_is_not_named_at_every_depth() {
        let mut schema = json!({"type": "object", "properties": {
            "a": {"type": "array", "items": {"type": "object", "properties": {"b": {}}}},
            "c": {"type": "object", "additionalProperties": {"type": "string"}},
            "d": {"type": "string", "format": "int-or-string"},
            "e": {"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": true},
        }});
        make_strict(&mut schema);
        assert_eq!(schema["additionalProperties"], false);
        let properties = &schema["properties"];
        assert_eq!(properties["a"]["items"]["additionalProperties"], false);
        assert_eq!(properties["c"]["additionalProperties"]["type"], "string");
        assert_eq!(properties["d"]["type"], json!(["string", "number"]));
        assert!(properties["e"].get("additionalProperties").is_none());
    }

    #[test]
    fn names_kinds_as_kubeconform_asks_for_them() {
        let kind = |group: &str, kind: &str| {
            let kind = json!({"group": group, "version": "v1", "kind": kind});
            kinds(&json!({"x-kubernetes-group-version-kind": [kind]}))
        };
        assert_eq!(kind("", "Pod"), ["pod-v1.json"]);
        assert_eq!(
            kind("networking.k8s.io", "Ingress"),
            ["ingress-networking-v1.json"]
        );
    }
}
