//! Servers, secrets and the release: an installation from nothing.
//!
//! # Design notes
//! The trial's PostgreSQL and RabbitMQ, and the values of `k8s/base`: what is tried here is what the
//! repository gives people, but for what the options change. The servers stand on the first node,
//! which is never hurt by the rows about nodes: a database without reserve is not what those try.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use handslag_runner::issuer::{Claims, Issuer};
use serde_json::{Value, json};

use super::kube::Kube;
use super::options::Options;

/// Name of the release.
pub(crate) const RELEASE: &str = "handslag";
/// How long servers may take to be there: their images may have to be pulled.
const SERVERS_MOST: Duration = Duration::from_secs(300);
/// How long an installation may take until everything is ready.
const READY_MOST: Duration = Duration::from_secs(240);
/// Minutes that the token of `helm test` holds.
const TOKEN_SECONDS: i64 = 4 * 3_600;

/// Where the repository is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What is to be installed, and into which namespace.
#[derive(Clone, Debug)]
pub(crate) struct Installer {
    pub(crate) kube: Kube,
    pub(crate) options: Options,
    /// Addresses that callers from outside seem to come from.
    pub(crate) outside: Vec<String>,
    /// The node that the servers stand on.
    pub(crate) servers_node: String,
}

impl Installer {
    /// Starts PostgreSQL and RabbitMQ, empty, and makes all secrets.
    pub(crate) async fn servers(&self, issuer: &Issuer) -> Result<()> {
        let folder = root().join("target/deploy-test");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("kustomization.yaml");
        std::fs::write(&file, self.kustomization().to_string())?;
        let folder = folder.display().to_string();
        self.kube.make_namespace()?;
        self.kube
            .kubectl(&["apply", "--server-side", "--force-conflicts", "-k", &folder])?;
        let keys = std::fs::read_to_string(issuer.jwks_file())?;
        let mut claims = Claims::of("helm-test");
        claims.roles = vec!["operator".to_owned()];
        claims.expires_in_seconds = TOKEN_SECONDS;
        let token = issuer.token(&claims)?;
        self.kube.apply(&[
            secret("handslag-identity-provider", "jwks.json", &keys),
            secret("handslag-test-token", "token", &token),
            self.way_to_the_broker(),
        ])?;
        self.await_servers().await
    }

    /// Waits until both servers are ready.
    pub(crate) async fn await_servers(&self) -> Result<()> {
        for name in ["postgresql", "rabbitmq"] {
            let limit = format!("--timeout={}s", SERVERS_MOST.as_secs());
            let set = format!("statefulset/{name}");
            self.kube.kubectl(&["rollout", "status", &set, &limit])?;
        }
        Ok(())
    }

    /// The trial without Handslag itself, with the wished images, on one node.
    fn kustomization(&self) -> Value {
        let options = &self.options;
        let user = options.servers_user;
        let of_pods = json!([
            {"op": "replace", "path": "/spec/template/spec/securityContext/runAsUser", "value": user},
            {"op": "replace", "path": "/spec/template/spec/securityContext/runAsGroup", "value": user},
            {"op": "replace", "path": "/spec/template/spec/securityContext/fsGroup", "value": user},
            {"op": "add", "path": "/spec/template/spec/nodeSelector",
             "value": {"kubernetes.io/hostname": self.servers_node}}]);
        let image = |name: &str, image: &str| {
            let (to, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
            json!({"name": name, "newName": to, "newTag": tag})
        };
        let nothing = |kind: &str| {
            json!({"target": {"kind": kind, "labelSelector": "app.kubernetes.io/name=handslag"},
                "patch": format!("$patch: delete\nkind: {kind}\nmetadata: {{name: any}}\n")})
        };
        let mut patches =
            vec![json!({"target": {"kind": "StatefulSet"}, "patch": of_pods.to_string()})];
        let kinds = [
            "Deployment",
            "Service",
            "ServiceAccount",
            "Job",
            "NetworkPolicy",
            "PodDisruptionBudget",
        ];
        patches.extend(kinds.map(nothing));
        json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
            "namespace": self.kube.namespace,
            "resources": ["../../k8s/overlays/trial"],
            "images": [image("postgres", &options.postgresql_image), image("rabbitmq", &options.rabbitmq_image)],
            "patches": patches,
        })
    }

    /// The tap reaches the broker from outside of the pods.
    fn way_to_the_broker(&self) -> Value {
        let from: Vec<Value> = self
            .outside
            .iter()
            .map(|cidr| json!({"ipBlock": {"cidr": cidr}}))
            .collect();
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "deploy-test-tap"},
            "spec": {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "rabbitmq"}},
                "policyTypes": ["Ingress"],
                "ingress": [{"from": from, "ports": [{"protocol": "TCP", "port": 5672}]}]}})
    }

    /// Values beyond those of `k8s/base`.
    fn values(&self) -> Value {
        let outside: Vec<Value> = self
            .outside
            .iter()
            .map(|cidr| json!({"ipBlock": {"cidr": cidr}}))
            .collect();
        json!({
            "image": {"registry": self.options.registry},
            "postgresql": {"sslMode": "disable"},
            "migrations": {"revision": ""},
            // The load comes from few subjects, and its rate is what the run sets.
            "defaults": {"limits": {"callsPerSecond": 100_000, "callsBurst": 100_000}},
            "networkPolicy": {"clients": outside, "monitoring": outside},
            "tests": {"existingSecret": "handslag-test-token"},
        })
    }

    /// `helm upgrade --install`, of this chart or another, with a tag of its own, and further `--set`s.
    pub(crate) fn release(&self, chart: Option<&Path>, tag: &str, sets: &[&str]) -> Result<()> {
        let file = root()
            .join("target/deploy-test")
            .join(format!("{}.json", self.kube.namespace));
        std::fs::write(&file, self.values().to_string())?;
        let file = file.display().to_string();
        let base = root().join("k8s/base/values.yaml").display().to_string();
        let own = root().join("helm/handslag");
        let chart = chart.unwrap_or(&own).display().to_string();
        let tag = format!("image.tag={tag}");
        let mut words = vec![
            "upgrade",
            "--install",
            RELEASE,
            &chart,
            "-f",
            &base,
            "-f",
            &file,
            "--set",
            &tag,
        ];
        for set in sets {
            words.extend(["--set", set]);
        }
        self.kube.helm(&words)?;
        Ok(())
    }

    /// Waits until every Deployment has rolled out; answers how long that took.
    pub(crate) async fn ready(&self) -> Result<Duration> {
        let began = Instant::now();
        for name in self.deployments()? {
            let limit = format!("--timeout={}s", READY_MOST.as_secs());
            let deployment = format!("deployment/{name}");
            let status = self
                .kube
                .kubectl(&["rollout", "status", &deployment, &limit]);
            status.with_context(|| self.why_not())?;
        }
        Ok(began.elapsed())
    }

    /// Names of the release's Deployments.
    pub(crate) fn deployments(&self) -> Result<Vec<String>> {
        let list = self
            .kube
            .list(&["deployments", "-l", "app.kubernetes.io/name=handslag"])?;
        Ok(list
            .iter()
            .filter_map(|one| one["metadata"]["name"].as_str())
            .map(str::to_owned)
            .collect())
    }

    /// The pods of the release's Deployments that are not being ended.
    pub(crate) fn pods(&self) -> Result<Vec<Value>> {
        let list = self.kube.list(&[
            "pods",
            "-l",
            "app.kubernetes.io/name=handslag,pod-template-hash",
        ])?;
        let stays = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_null();
        Ok(list.into_iter().filter(stays).collect())
    }

    /// What the pods and events say when something is not ready.
    fn why_not(&self) -> String {
        let pods = self
            .kube
            .kubectl(&["get", "pods", "-o", "wide"])
            .unwrap_or_default();
        let warnings = [
            "get",
            "events",
            "--field-selector=type=Warning",
            "--sort-by=.lastTimestamp",
        ];
        let warnings = self.kube.kubectl(&warnings).unwrap_or_default();
        let lines: Vec<&str> = warnings.lines().rev().take(8).collect();
        format!("not everything became ready\n{pods}\n{}", lines.join("\n"))
    }
}

/// A secret with one key.
pub(crate) fn secret(name: &str, key: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: value}})
}

/// The name of an object.
pub(crate) fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
