//! Passwords exchanged while the services run.

use anyhow::Result;
use futures_util::FutureExt as _;
use handslag_runner::ports::SERVICES;
use serde_json::json;

use super::{Row, Said, Stage, pause};
use crate::cluster::site::ClusterSite;

/// How long a node may take to bring a changed secret into its pods: the kubelet looks once a minute,
/// and may be told by a cache that is as old.
pub(super) const SYNC_SECONDS: u64 = 130;

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "passwords",
        what: "passwords of database and broker exchanged without a restart, then all connections ended, under load",
        aim: "the same; no pod restarts",
        run: |stage| passwords(stage).boxed(),
    }]
}

async fn passwords(stage: &mut Stage) -> Result<Said> {
    let installer = stage.installer.clone();
    stage.session().await?;
    let before = restarts(&installer.pods()?);
    let said = stage
        .under_load(async {
            let site = ClusterSite(installer.kube.clone());
            for service in SERVICES {
                let role = format!("handslag_{service}");
                let (one, other) = (format!("exchanged-{service}-db"), format!("exchanged-{service}-amqp"));
                site.sql_in("postgres", &format!("ALTER ROLE {role} PASSWORD '{one}'"))?;
                site.rabbitmqctl(&["-q", "change_password", &format!("handslag-{service}"), &other])?;
                for (name, user, password) in [
                    (format!("handslag-database-{service}"), role, one),
                    (format!("handslag-broker-{service}"), format!("handslag-{service}"), other),
                ] {
                    installer.kube.apply(&[json!({"apiVersion": "v1", "kind": "Secret",
                        "metadata": {"name": name}, "stringData": {"username": user, "password": password}})])?;
                }
            }
            pause(SYNC_SECONDS).await;
            // Whoever connects now needs the new ones.
            site.sql_in("postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename LIKE 'handslag\\_%'")?;
            site.rabbitmqctl(&["-q", "close_all_connections", "the passwords were exchanged"])?;
            pause(10).await;
            installer.ready().await.map(|_| ())
        })
        .await?;
    let after = restarts(&installer.pods()?);
    Ok(match said {
        Said::Held(text) if before != after => Said::Failed(format!(
            "{text}; pods restarted: {before:?}, then {after:?}"
        )),
        other => other,
    })
}

/// How often each pod's container was started again.
pub(super) fn restarts(pods: &[serde_json::Value]) -> Vec<(String, u64)> {
    pods.iter()
        .map(|pod| {
            let name = crate::cluster::install::name_of(pod).to_owned();
            (
                name,
                pod["status"]["containerStatuses"][0]["restartCount"]
                    .as_u64()
                    .unwrap_or(0),
            )
        })
        .collect()
}
