//! `handslag doctor`, asked from outside of the cluster.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use handslag_runner::ports::SERVICES;

use super::{Row, Said, Stage};
use crate::cluster::entrances::admin;

/// How long until everything agrees, and until something that is gone is told.
const SAID_MOST: Duration = Duration::from_secs(90);

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "doctor",
        what: "handslag doctor by the admin ports: all well, a service gone, the broker gone, all well again",
        aim: "each told in words",
        run: |stage| doctor(stage).boxed(),
    }]
}

async fn doctor(stage: &mut Stage) -> Result<Said> {
    let program = std::env::var("HANDSLAG_PROGRAM").ok();
    let Some(program) = program.filter(|value| !value.is_empty()) else {
        return Ok(Said::LeftOut(
            "HANDSLAG_PROGRAM does not name the program".to_owned(),
        ));
    };
    stage.installed().await?;
    let kube = stage.installer.kube.clone();
    let mut arguments = vec!["doctor".to_owned()];
    for service in SERVICES {
        let address = stage.entrances.address(&admin(service))?;
        arguments.push(format!("--{service}-admin=http://{address}"));
    }
    let ask = || {
        let mut command = Command::new(&program);
        let output = tokio::task::block_in_place(|| command.args(&arguments).output());
        let output = output.context("the doctor cannot be asked")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok::<_, anyhow::Error>((output.status.success(), said))
    };
    let well = || Ok(ask()?.0);
    let says = |words: &'static str| move || Ok(!ask()?.0 && ask()?.1.contains(words));
    kube.until("all is well", SAID_MOST, well).await?;
    kube.kubectl(&["scale", "deployment/handslag-reporting", "--replicas=0"])?;
    let gone = kube
        .until(
            "a service that is gone",
            SAID_MOST,
            says("reporting: does not answer at"),
        )
        .await;
    kube.kubectl(&["scale", "deployment/handslag-reporting", "--replicas=2"])?;
    gone?;
    kube.kubectl(&["scale", "statefulset/rabbitmq", "--replicas=0"])?;
    let gone = kube
        .until(
            "a broker that is gone",
            SAID_MOST,
            says("registry: the broker does not answer"),
        )
        .await;
    kube.kubectl(&["scale", "statefulset/rabbitmq", "--replicas=1"])?;
    stage.installer.await_servers().await?;
    gone?;
    kube.until("all is well again", SAID_MOST, well).await?;
    Ok(Said::Held(
        "well; a service gone; the broker gone; well again".to_owned(),
    ))
}
