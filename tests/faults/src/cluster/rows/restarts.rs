//! Everything restarted, and every pod killed, under load.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;

use super::{Row, Said, Stage};
use crate::cluster::install::{Installer, name_of};
use crate::fleet::metric_of;

/// How long a pod that was killed may take to be replaced.
const REPLACED_MOST: Duration = Duration::from_secs(120);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "restarts",
            what: "rolling restart of everything, again and again, under load",
            aim: "no call fails but those that a retry answers; nothing lost, doubled, out of order",
            run: |stage| restarts(stage).boxed(),
        },
        Row {
            name: "kills",
            what: "every pod killed in turn, without grace, under load",
            aim: "the same",
            run: |stage| kills(stage).boxed(),
        },
        Row {
            name: "leaders",
            what: "kill -9 of the leader of each relay, under load",
            aim: "the same",
            run: |stage| leaders(stage).boxed(),
        },
    ]
}

async fn restarts(stage: &mut Stage) -> Result<Said> {
    let installer = stage.installer.clone();
    let times = installer.options.restarts;
    let said = stage
        .under_load(async {
            for _ in 0..times {
                for name in installer.deployments()? {
                    installer.kube.kubectl(&[
                        "rollout",
                        "restart",
                        &format!("deployment/{name}"),
                    ])?;
                }
                installer.ready().await?;
            }
            Ok(())
        })
        .await?;
    Ok(match said {
        Said::Held(text) => Said::Held(format!("{times} times; {text}")),
        other => other,
    })
}

async fn kills(stage: &mut Stage) -> Result<Said> {
    let installer = stage.installer.clone();
    stage
        .under_load(async {
            for pod in installer.pods()? {
                kill(&installer, name_of(&pod)).await?;
            }
            Ok(())
        })
        .await
}

async fn leaders(stage: &mut Stage) -> Result<Said> {
    let installer = stage.installer.clone();
    stage
        .under_load(async {
            for service in ["registry", "commitments", "notifications", "reporting"] {
                let leader = leader(&installer, service).await?;
                kill(&installer, &leader).await?;
            }
            Ok(())
        })
        .await
}

/// Ends a pod at once, and waits until another one is ready in its place.
async fn kill(installer: &Installer, pod: &str) -> Result<()> {
    installer.kube.kubectl(&[
        "delete",
        "pod",
        pod,
        "--force",
        "--grace-period=0",
        "--wait=false",
    ])?;
    let whole = || {
        let deployments =
            installer
                .kube
                .list(&["deployments", "-l", "app.kubernetes.io/name=handslag"])?;
        let gone = installer.pods()?.iter().all(|one| name_of(one) != pod);
        Ok(gone
            && deployments
                .iter()
                .all(|one| one["status"]["readyReplicas"] == one["spec"]["replicas"]))
    };
    installer
        .kube
        .until("a killed pod is replaced", REPLACED_MOST, whole)
        .await
}

/// The pod that leads a service's relay, by what it says of itself.
async fn leader(installer: &Installer, service: &str) -> Result<String> {
    let mut found = String::new();
    let what = format!("a leader of {service}'s relay");
    installer
        .kube
        .until(&what, REPLACED_MOST, || {
            for pod in installer.pods()? {
                let name = name_of(&pod);
                if pod["metadata"]["labels"]["app.kubernetes.io/component"] != service {
                    continue;
                }
                let path = format!(
                    "/api/v1/namespaces/{}/pods/{name}:9090/proxy/metrics",
                    installer.kube.namespace
                );
                let text = installer.kube.kubectl(&["get", "--raw", &path])?;
                if metric_of(&text, "handslag_relay_leader") == Some(1) {
                    name.clone_into(&mut found);
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await?;
    Ok(found)
}
