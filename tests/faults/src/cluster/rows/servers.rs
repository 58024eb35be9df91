//! PostgreSQL and RabbitMQ killed, the broker with all that it had.
//!
//! # Design notes
//! With a grace of a second and not by `--force`: that takes the pod out of the books before its
//! processes have ended, a second PostgreSQL starts on the same files beside the first, and commits are
//! lost. The judge found it.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;

use super::{Row, Said, Stage, pause};
use crate::cluster::install::Installer;
use crate::cluster::site::{BROKER_POD, DATABASE_POD};

/// How long a server may take to be back.
const BACK_MOST: Duration = Duration::from_secs(120);
/// How long the services may take to find it again before they are asked whether all is well.
const FOUND_SECONDS: u64 = 15;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "database",
            what: "PostgreSQL's pod killed, under load",
            aim: "commands are refused clearly or go on; everything arrives afterwards",
            run: |stage| database(stage).boxed(),
        },
        Row {
            name: "broker",
            what: "RabbitMQ's pod killed and its volume emptied, under load",
            aim: "commands go on; everything arrives afterwards",
            run: |stage| broker(stage).boxed(),
        },
    ]
}

async fn database(stage: &mut Stage) -> Result<Said> {
    let installer = stage.installer.clone();
    stage
        .under_load(async { killed(&installer, DATABASE_POD).await })
        .await
}

async fn broker(stage: &mut Stage) -> Result<Said> {
    let installer = stage.installer.clone();
    stage.session().await?.broker_lost_messages = true;
    stage
        .under_load(async {
            // The running server may write something back before it is killed: what matters is gone.
            let empty = [
                "exec",
                BROKER_POD,
                "--",
                "sh",
                "-c",
                "rm -rf /var/lib/rabbitmq/mnesia",
            ];
            installer.kube.kubectl(&empty)?;
            killed(&installer, BROKER_POD).await
        })
        .await
}

/// Kills a server's pod after a second, and waits until another one serves in its place and is found.
async fn killed(installer: &Installer, pod: &str) -> Result<()> {
    let uid = |pod: &serde_json::Value| {
        pod["metadata"]["uid"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let before = uid(&installer.kube.get(&["pod", pod])?);
    installer
        .kube
        .kubectl(&["delete", "pod", pod, "--grace-period=1"])?;
    let back = || {
        let now = installer.kube.get(&["pod", pod])?;
        let conditions = now["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let ready = conditions
            .iter()
            .any(|one| one["type"] == "Ready" && one["status"] == "True");
        Ok(ready && uid(&now) != before)
    };
    installer
        .kube
        .until("the server is back", BACK_MOST, back)
        .await?;
    pause(FOUND_SECONDS).await;
    installer.ready().await.map(|_| ())
}
