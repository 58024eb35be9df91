//! PostgreSQL and RabbitMQ killed, the broker with all that it had.

use anyhow::Result;
use futures_util::FutureExt as _;

use super::{Row, Said, Stage, pause};
use crate::cluster::site::{BROKER_POD, DATABASE_POD};

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
        .under_load(async {
            let delete = ["delete", "pod", DATABASE_POD, "--force", "--grace-period=0"];
            installer.kube.kubectl(&delete)?;
            pause(2).await;
            installer.await_servers().await?;
            installer.ready().await.map(|_| ())
        })
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
            let delete = ["delete", "pod", BROKER_POD, "--force", "--grace-period=0"];
            installer.kube.kubectl(&delete)?;
            pause(2).await;
            installer.await_servers().await?;
            installer.ready().await.map(|_| ())
        })
        .await
}
