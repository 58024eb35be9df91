//! What the live pods are: their security settings, probes, resources, and what they hold.

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Row, Said, Stage};
use crate::cluster::install::name_of;

/// Resident memory of an idle pod, in MiB, by part of its name.
const MEMORY_MOST: [(&str, u64); 5] = [
    ("-registry-", 25),
    ("-commitments-", 25),
    ("-notifications-", 25),
    ("-reporting-", 60),
    ("-web-", 25),
];
const MIB: u64 = 1_024 * 1_024;
/// How long pods are left alone before they are weighed: what came before has been digested by then.
const IDLE_SECONDS: u64 = 45;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "settings",
            what: "security settings, resources and probes of every container that runs or ran",
            aim: "all as the standard restricted asks, and more",
            run: |stage| settings(stage).boxed(),
        },
        Row {
            name: "memory",
            what: "memory of each idle pod, as its limit counts it",
            aim: "25 MB, reporting 60",
            run: |stage| memory(stage).boxed(),
        },
    ]
}

async fn settings(stage: &mut Stage) -> Result<Said> {
    stage.installed().await?;
    let pods = stage
        .installer
        .kube
        .list(&["pods", "-l", "app.kubernetes.io/name=handslag"])?;
    let mut wrong = Wrong::default();
    let mut containers = 0;
    for pod in &pods {
        name_of(pod).clone_into(&mut wrong.pod);
        of_pod(&pod["spec"], &mut wrong);
        let list = |name: &str| pod["spec"][name].as_array().cloned().unwrap_or_default();
        for container in list("containers").iter().chain(&list("initContainers")) {
            containers += 1;
            of_container(container, &pod["spec"]["securityContext"], &mut wrong);
        }
        if !pod["metadata"]["labels"]["pod-template-hash"].is_null() {
            for container in list("containers") {
                for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                    wrong.unless(!container[probe].is_null(), &format!("has no {probe}"));
                }
            }
        }
    }
    wrong.unless(!pods.is_empty(), "there are no pods");
    Ok(if wrong.found.is_empty() {
        Said::Held(format!("{containers} containers of {} pods", pods.len()))
    } else {
        Said::Failed(wrong.found.join("; "))
    })
}

/// What is wrong with pods.
#[derive(Default)]
struct Wrong {
    pod: String,
    found: Vec<String>,
}

impl Wrong {
    fn unless(&mut self, holds: bool, what: &str) {
        if !holds {
            self.found.push(format!("{}: {what}", self.pod));
        }
    }
}

fn of_pod(spec: &Value, wrong: &mut Wrong) {
    let token = &spec["automountServiceAccountToken"];
    wrong.unless(*token == json!(false), "has a token of its account");
    let security = &spec["securityContext"];
    wrong.unless(security["runAsNonRoot"] == json!(true), "may run as root");
    let profile = &security["seccompProfile"]["type"];
    wrong.unless(profile == "RuntimeDefault", "has no seccomp profile");
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let folder = &volume["emptyDir"];
        let bounded = folder.is_null() || !folder["sizeLimit"].is_null();
        wrong.unless(bounded, "has a folder without a bound");
        wrong.unless(volume["hostPath"].is_null(), "sees the node's files");
    }
}

fn of_container(container: &Value, of_pod: &Value, wrong: &mut Wrong) {
    let security = &container["securityContext"];
    let is = |field: &str, value: Value| security[field] == value;
    wrong.unless(
        is("allowPrivilegeEscalation", json!(false)),
        "may gain privileges",
    );
    wrong.unless(
        is("readOnlyRootFilesystem", json!(true)),
        "may write to its image",
    );
    let capabilities = &security["capabilities"];
    wrong.unless(
        *capabilities == json!({"drop": ["ALL"]}),
        "has capabilities",
    );
    let user = security.get("runAsUser").unwrap_or(&of_pod["runAsUser"]);
    wrong.unless(*user == json!(65_532), "does not run as 65532");
    let resources = &container["resources"];
    wrong.unless(!resources["requests"]["cpu"].is_null(), "asks for no CPU");
    let memory = &resources["limits"]["memory"];
    let as_asked = !memory.is_null() && *memory == resources["requests"]["memory"];
    wrong.unless(as_asked, "has another limit of memory than it asks for");
}

async fn memory(stage: &mut Stage) -> Result<Said> {
    stage.installed().await?;
    super::pause(IDLE_SECONDS).await;
    let namespace = stage.installer.kube.namespace.clone();
    let mut most = MEMORY_MOST.map(|(part, _)| (part, 0_u64, 0_u32));
    for (node, _) in &stage.nodes {
        let path = format!("/api/v1/nodes/{node}/proxy/stats/summary");
        let text = stage.installer.kube.kubectl(&["get", "--raw", &path])?;
        let summary: Value = serde_json::from_str(&text)?;
        for pod in summary["pods"].as_array().into_iter().flatten() {
            let name = pod["podRef"]["name"].as_str().unwrap_or_default();
            if pod["podRef"]["namespace"] != json!(namespace) {
                continue;
            }
            let Some(entry) = most.iter_mut().find(|(part, ..)| name.contains(part)) else {
                continue;
            };
            for container in pod["containers"].as_array().into_iter().flatten() {
                // What the limit counts: anonymous pages, and pages of files that this pod has read.
                let bytes = container["memory"]["workingSetBytes"].as_u64();
                let bytes = bytes.context("the node tells no memory")?;
                entry.1 = entry.1.max(bytes);
                entry.2 += 1;
            }
        }
    }
    let said: Vec<String> = most
        .iter()
        .map(|(part, bytes, pods)| {
            format!("{} {:.1} MiB ({pods})", part.trim_matches('-'), mib(*bytes))
        })
        .collect();
    let fits = most
        .iter()
        .zip(MEMORY_MOST)
        .all(|((_, bytes, pods), (_, limit))| *pods > 0 && *bytes <= limit * MIB);
    Ok(if fits {
        Said::Held(said.join(", "))
    } else {
        Said::Failed(said.join(", "))
    })
}

#[expect(clippy::cast_precision_loss, reason = "a few megabytes, for a table")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB as f64
}
