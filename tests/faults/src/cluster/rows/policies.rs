//! Who reaches whom: every part tries every place, and so does a pod that nobody knows.
//!
//! # Design notes
//! Our images have no shell to try with. Pods with the labels of each part stand in for it, since a
//! policy knows pods by nothing else; they are never ready, so that no Service sends them calls.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{Row, Said, Stage};
use crate::cluster::install::RELEASE;

/// Who tries: the value of the label `component`, or nothing for a pod without our labels.
const PARTS: [&str; 8] = [
    "",
    "registry",
    "commitments",
    "notifications",
    "reporting",
    "web",
    "migration",
    "check",
];

/// What is tried: a name, and who reaches it.
const PLACES: [(&str, &[&str]); 9] = [
    ("registry:50051", &["web", "check"]),
    ("commitments:50051", &["web", "check"]),
    ("notifications:50051", &["web", "check"]),
    ("reporting:50051", &["web", "check"]),
    ("web:8080", &["check"]),
    ("registry:9090", &[]),
    (
        "postgresql:5432",
        &[
            "registry",
            "commitments",
            "notifications",
            "reporting",
            "migration",
        ],
    ),
    (
        "rabbitmq:5672",
        &["registry", "commitments", "notifications", "reporting"],
    ),
    // No policy of ours speaks of pods that are not ours.
    ("the cluster's own interface", &[""]),
];

/// Seconds that a try may take before it counts as forbidden.
const TRY_SECONDS: u32 = 2;
/// How long the pods that try may take to run.
const RUNNING_MOST: Duration = Duration::from_secs(90);
/// How long a network may take to learn of new pods.
const LEARN_SECONDS: u64 = 5;

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "policies",
        what: "default deny: every part tries every place, and so does a pod without labels",
        aim: "each reaches what it needs, and nothing else",
        run: |stage| policies(stage).boxed(),
    }]
}

async fn policies(stage: &mut Stage) -> Result<Said> {
    stage.installed().await?;
    let kube = stage.installer.kube.clone();
    let addresses = addresses(stage)?;
    let pods: Vec<Value> = PARTS.iter().map(|part| stand_in(stage, part)).collect();
    kube.apply(&pods)?;
    let tried = async {
        let running = || {
            let pods = kube.list(&["pods", "-l", "handslag.se/tries"])?;
            let runs = |pod: &&Value| pod["status"]["phase"] == "Running";
            Ok(pods.iter().filter(runs).count() == PARTS.len())
        };
        kube.until("the pods that try run", RUNNING_MOST, running).await?;
        super::pause(LEARN_SECONDS).await;
        let mut wrong = Vec::new();
        let mut tries = 0;
        for part in PARTS {
            // One shell for all places of a part.
            let mut script = String::new();
            for address in &addresses {
                let (host, port) = address.rsplit_once(':').context("an address without a port")?;
                writeln!(script, "timeout {TRY_SECONDS} bash -c '</dev/tcp/{host}/{port}' 2>/dev/null && echo yes || echo no")?;
            }
            let said = kube.kubectl(&["exec", &pod_name(part), "--", "bash", "-c", &script])?;
            for ((place, may), answer) in PLACES.iter().zip(said.lines()) {
                tries += 1;
                let reaches = answer == "yes";
                if reaches != may.contains(&part) {
                    let who = if part.is_empty() { "a pod without labels" } else { part };
                    let word = if reaches { "reaches" } else { "does not reach" };
                    wrong.push(format!("{who} {word} {place}"));
                }
            }
        }
        Ok::<_, anyhow::Error>((tries, wrong))
    }
    .await;
    kube.kubectl(&[
        "delete",
        "pods",
        "-l",
        "handslag.se/tries",
        "--force",
        "--grace-period=0",
    ])?;
    let (tries, wrong) = tried?;
    Ok(
        match wrong.is_empty() && tries == PARTS.len() * PLACES.len() {
            true => Said::Held(format!("{tries} tries")),
            false => Said::Failed(format!("{tries} tries: {}", wrong.join("; "))),
        },
    )
}

/// Addresses of pods, in the order of [`PLACES`]: names would need a name service that is reached.
fn addresses(stage: &Stage) -> Result<Vec<String>> {
    let kube = &stage.installer.kube;
    let pods = kube.list(&["pods", "--field-selector=status.phase=Running"])?;
    let of = |label: &str, value: &str| {
        let pod = pods.iter().find(|pod| {
            let labels = &pod["metadata"]["labels"];
            let ready = pod["status"]["conditions"].as_array().is_some_and(|all| {
                all.iter()
                    .any(|one| one["type"] == "Ready" && one["status"] == "True")
            });
            ready && labels[label] == value
        });
        let address = pod.and_then(|pod| pod["status"]["podIP"].as_str());
        address
            .map(str::to_owned)
            .with_context(|| format!("no pod of {value} is ready"))
    };
    let own = kube.other("default").get(&["service", "kubernetes"])?;
    let mut found = Vec::new();
    for (place, _) in PLACES {
        found.push(match place.split_once(':') {
            Some((server @ ("postgresql" | "rabbitmq"), port)) => {
                format!("{}:{port}", of("app.kubernetes.io/name", server)?)
            }
            Some((part, port)) => format!("{}:{port}", of("app.kubernetes.io/component", part)?),
            None => format!(
                "{}:443",
                own["spec"]["clusterIP"].as_str().unwrap_or_default()
            ),
        });
    }
    Ok(found)
}

fn pod_name(part: &str) -> String {
    format!("tries-{}", if part.is_empty() { "nobody" } else { part })
}

/// A pod that tries, on the servers' node, which has the image.
fn stand_in(stage: &Stage, part: &str) -> Value {
    let mut labels = json!({"handslag.se/tries": "yes"});
    if !part.is_empty() {
        labels["app.kubernetes.io/name"] = json!("handslag");
        labels["app.kubernetes.io/instance"] = json!(RELEASE);
        labels["app.kubernetes.io/component"] = json!(part);
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod_name(part), "labels": labels},
        "spec": {
            "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0, "restartPolicy": "Never",
            "nodeSelector": {"kubernetes.io/hostname": stage.installer.servers_node},
            "securityContext": {"runAsNonRoot": true, "runAsUser": stage.installer.options.servers_user,
                "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "tries", "image": stage.installer.options.postgresql_image,
                "command": ["sleep", "3600"],
                "readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 3600},
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}})
}

#[cfg(test)]
mod tests {
    use super::{PARTS, PLACES, pod_name};

    #[test]
    fn whoever_may_reach_a_place_is_among_those_who_try() {
        for (place, may) in PLACES {
            assert!(may.iter().all(|part| PARTS.contains(part)), "{place}");
        }
        assert_eq!(pod_name(PARTS[0]), "tries-nobody");
    }
}
