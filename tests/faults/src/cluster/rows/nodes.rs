//! Nodes that die, lose their network, or are emptied. The servers' node is left alone.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;

use super::{Row, Said, Stage, pause};
use crate::cluster::install::Installer;

/// How long a node is away.
const AWAY_SECONDS: u64 = 60;
/// How long a node may take to be ready again.
const BACK_MOST: Duration = Duration::from_secs(120);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "node-crash",
            what: "a node crashed with all that runs on it, and started again, under load",
            aim: "the same; serving again within 30 s",
            run: |stage| crash(stage).boxed(),
        },
        Row {
            name: "node-cut",
            what: "a node off the network for a minute, and back, under load",
            aim: "the same; no two leaders act",
            run: |stage| cut(stage).boxed(),
        },
        Row {
            name: "node-drain",
            what: "a node drained, under load",
            aim: "the same",
            run: |stage| drain(stage).boxed(),
        },
    ]
}

async fn crash(stage: &mut Stage) -> Result<Said> {
    let options = &stage.installer.options;
    let commands = options.node_crash.clone().zip(options.node_start.clone());
    away(stage, commands, "--node-crash and --node-start").await
}

async fn cut(stage: &mut Stage) -> Result<Said> {
    let options = &stage.installer.options;
    let commands = options.node_cut.clone().zip(options.node_heal.clone());
    away(stage, commands, "--node-cut and --node-heal").await
}

async fn away(
    stage: &mut Stage,
    commands: Option<(String, String)>,
    missing: &str,
) -> Result<Said> {
    let Some((take, give)) = commands else {
        return Ok(Said::LeftOut(format!(
            "{missing} say how; without them a cluster is not hurt"
        )));
    };
    let Some(node) = victim(stage)? else {
        return Ok(Said::LeftOut("there is no second node".to_owned()));
    };
    let installer = stage.installer.clone();
    stage
        .under_load(async {
            call(&take, &node)?;
            pause(AWAY_SECONDS).await;
            call(&give, &node)?;
            back(&installer, &node).await
        })
        .await
}

async fn drain(stage: &mut Stage) -> Result<Said> {
    let Some(node) = victim(stage)? else {
        return Ok(Said::LeftOut("there is no second node".to_owned()));
    };
    let installer = stage.installer.clone();
    stage
        .under_load(async {
            let drained = installer.kube.kubectl(&[
                "drain",
                &node,
                "--ignore-daemonsets",
                "--delete-emptydir-data",
                "--pod-selector=app.kubernetes.io/name=handslag",
                "--timeout=180s",
            ]);
            let ready = installer.ready().await;
            installer.kube.kubectl(&["uncordon", &node])?;
            drained?;
            ready.map(|_| ())
        })
        .await
}

/// A node without the servers that has the most of our pods.
fn victim(stage: &Stage) -> Result<Option<String>> {
    let pods = stage.installer.pods()?;
    let on = |node: &str| {
        pods.iter()
            .filter(|pod| pod["spec"]["nodeName"] == node)
            .count()
    };
    let others = stage.nodes.iter().skip(1).map(|(name, _)| name.clone());
    Ok(others.max_by_key(|name| on(name)))
}

fn call(command: &str, node: &str) -> Result<()> {
    let words = command.replace("{node}", node);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &words])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let status = tokio::task::block_in_place(|| shell.status());
    ensure!(status.context("no shell")?.success(), "`{words}` failed");
    Ok(())
}

/// Waits until a node is ready and everything runs.
async fn back(installer: &Installer, node: &str) -> Result<()> {
    let ready = || {
        let node = installer.kube.get(&["node", node])?;
        let conditions = node["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        Ok(conditions
            .iter()
            .any(|one| one["type"] == "Ready" && one["status"] == "True"))
    };
    installer
        .kube
        .until("the node is ready again", BACK_MOST, ready)
        .await?;
    installer.ready().await.map(|_| ())
}
