//! What an archive says of the image in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// An image in Docker's form of an archive.
pub(super) struct Archive {
    /// Of the whole file, which is what is carried, stored and loaded.
    pub(super) bytes: u64,
    /// The digest of its configuration, by which runtimes know an image wherever it came from.
    pub(super) identity: String,
    /// What a runtime that loads it will call it.
    pub(super) names: Vec<String>,
    pub(super) user: String,
    pub(super) entrypoint: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl Archive {
    pub(super) fn read(file: &Path) -> Result<Self> {
        let manifest = json(file, "manifest.json")?;
        let path = manifest[0]["Config"].as_str().unwrap_or_default();
        ensure!(!path.is_empty(), "{} holds no image", file.display());
        let configuration = &json(file, path)?["config"];
        Ok(Self {
            bytes: fs::metadata(file)?.len(),
            identity: identity(path),
            names: texts(&manifest[0]["RepoTags"]),
            user: configuration["User"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            entrypoint: texts(&configuration["Entrypoint"]).join(" "),
            labels: serde_json::from_value(configuration["Labels"].clone()).unwrap_or_default(),
        })
    }

    /// Whether a node that is asked for an image finds this one: its own host, if it has any, is
    /// that which runtimes add by themselves, which `localhost` is not.
    pub(super) fn is_called(&self, image: &str) -> bool {
        self.names.iter().any(|name| match name.rsplit_once(image) {
            Some((host, "")) => host.is_empty() || host.ends_with('/') && host != "localhost/",
            _ => false,
        })
    }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The digest in a configuration's path: `<digest>.json`, or `blobs/sha256/<digest>` in the form
/// that is OCI's as well.
fn identity(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    format!("sha256:{}", name.trim_end_matches(".json"))
}

fn json(file: &Path, member: &str) -> Result<Value> {
    let output = Command::new("tar")
        .arg("-xOf")
        .args([file.as_os_str(), member.as_ref()])
        .output()
        .context("cannot run tar")?;
    ensure!(
        output.status.success(),
        "{} has no {member}",
        file.display()
    );
    serde_json::from_slice(&output.stdout).with_context(|| format!("{member} cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_who_runs_what() {
        let folder = std::env::temp_dir().join(format!("handslag-archive-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let manifest = r#"[{"Config":"ab12.json","RepoTags":["handslag/web:0.1.0"]}]"#;
        let configuration = r#"{"config":{"User":"65532:65532",
            "Entrypoint":["/handslag-web"],"Labels":{"revision":"a1"}}}"#;
        fs::write(folder.join("manifest.json"), manifest).unwrap();
        fs::write(folder.join("ab12.json"), configuration).unwrap();
        let file = folder.join("web.tar");
        let packed = Command::new("tar")
            .arg("-cf")
            .arg(&file)
            .arg("-C")
            .arg(&folder)
            .args(["manifest.json", "ab12.json"])
            .status();
        assert!(packed.unwrap().success());
        let archive = Archive::read(&file).unwrap();
        assert_eq!(archive.identity, "sha256:ab12");
        assert!(archive.is_called("handslag/web:0.1.0"));
        assert_eq!(archive.user, "65532:65532");
        assert_eq!(archive.entrypoint, "/handslag-web");
        assert_eq!(archive.labels["revision"], "a1");
        assert_eq!(archive.bytes, fs::metadata(&file).unwrap().len());
        fs::write(&file, "no archive").unwrap();
        assert!(Archive::read(&file).is_err());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_image_of_localhost_is_not_the_one_that_nodes_look_for() {
        let called = |name: &str| Archive {
            bytes: 1,
            identity: String::new(),
            names: vec![name.to_owned()],
            user: String::new(),
            entrypoint: String::new(),
            labels: BTreeMap::new(),
        };
        assert!(called("handslag/web:1").is_called("handslag/web:1"));
        assert!(called("images.example.se/handslag/web:1").is_called("handslag/web:1"));
        assert!(!called("localhost/handslag/web:1").is_called("handslag/web:1"));
        assert!(!called("handslag/web:1").is_called("handslag/web:2"));
        assert!(!called("overhandslag/web:1").is_called("handslag/web:1"));
    }

    #[test]
    fn knows_the_digest_in_both_forms() {
        assert_eq!(identity("ab12.json"), "sha256:ab12");
        assert_eq!(identity("blobs/sha256/ab12"), "sha256:ab12");
    }
}
