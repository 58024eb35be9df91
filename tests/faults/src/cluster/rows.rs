//! The rows of the deployment test, in the order in which they are tried.

mod doctor;
mod encryption;
mod live;
mod nodes;
mod policies;
mod refusals;
mod restarts;
mod secrets;
mod servers;
mod story;
mod trace;
mod upgrade;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use handslag_runner::issuer::Issuer;
use handslag_runner::ports::SERVICES;

use super::entrances::Entrances;
use super::install::{Installer, RELEASE};
use super::session::{Session, Shown};
use super::site::{ClusterSite, VHOST};

/// What a row has to say.
#[derive(Debug)]
pub(crate) enum Said {
    /// What was seen is what is aimed at.
    Held(String),
    /// It is not.
    Failed(String),
    /// It was not tried, for this reason.
    LeftOut(String),
}

/// Tries something on the stage.
pub(crate) type Try = for<'a> fn(&'a mut Stage) -> BoxFuture<'a, Result<Said>>;

/// A row of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) aim: &'static str,
    pub(crate) run: Try,
}

/// Everything that rows get hold of.
pub(crate) struct Stage {
    pub(crate) installer: Installer,
    pub(crate) entrances: Entrances,
    pub(crate) issuer: Arc<Issuer>,
    /// Ready nodes; the first has the servers.
    pub(crate) nodes: Vec<(String, IpAddr)>,
    pub(crate) folder: PathBuf,
    pub(crate) seed: u64,
    session: Option<Session>,
}

/// All of them.
pub(crate) fn all() -> Vec<Row> {
    [
        story::rows(),
        live::rows(),
        policies::rows(),
        restarts::rows(),
        nodes::rows(),
        upgrade::rows(),
        servers::rows(),
        // After the broker was emptied: it begins again with the passwords of its definitions.
        secrets::rows(),
        doctor::rows(),
        trace::rows(),
        encryption::rows(),
        refusals::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Stage {
    pub(crate) fn new(
        installer: Installer,
        entrances: Entrances,
        issuer: Arc<Issuer>,
        nodes: Vec<(String, IpAddr)>,
        folder: PathBuf,
        seed: u64,
    ) -> Self {
        Self {
            installer,
            entrances,
            issuer,
            nodes,
            folder,
            seed,
            session: None,
        }
    }

    /// Installs, unless it is installed, and waits until all is ready.
    pub(crate) async fn installed(&self) -> Result<()> {
        if self.installer.deployments()?.is_empty() {
            self.installer
                .release(None, &self.installer.options.tag, &[])?;
        }
        self.installer.ready().await.map(|_| ())
    }

    /// The installation under load: the first call makes databases and broker empty, so that the
    /// judge knows of all that ever happened.
    pub(crate) async fn session(&mut self) -> Result<&mut Session> {
        if self.session.is_none() {
            self.empty().await?;
            let session = Session::open(
                &self.installer,
                &self.entrances,
                Arc::clone(&self.issuer),
                &self.folder,
                self.seed,
            )
            .await
            .context("the load could not begin")?;
            self.session = Some(session);
        }
        self.session.as_mut().context("there is no session")
    }

    /// Uninstalls, empties the servers, installs again.
    async fn empty(&self) -> Result<()> {
        let kube = &self.installer.kube;
        kube.helm(&["uninstall", RELEASE, "--ignore-not-found", "--wait"])?;
        let site = ClusterSite(kube.clone());
        for service in SERVICES {
            let name = format!("handslag_{service}");
            site.sql_in(
                "postgres",
                &format!(
                    "DROP DATABASE {name} WITH (FORCE);
                     CREATE DATABASE {name} OWNER {name}_owner;
                     REVOKE ALL ON DATABASE {name} FROM PUBLIC;
                     GRANT CONNECT ON DATABASE {name} TO {name};"
                ),
            )?;
        }
        site.rabbitmqctl(&["delete_vhost", VHOST])?;
        site.rabbitmqctl(&[
            "import_definitions",
            "/etc/rabbitmq/handslag/definitions.json",
        ])?;
        self.installed().await
    }

    /// Something happens under load.
    pub(crate) async fn under_load<F>(&mut self, what: F) -> Result<Said>
    where
        F: Future<Output = Result<()>>,
    {
        let shown = self.session().await?.under_load(what).await?;
        Ok(judged(&shown))
    }

    /// Ends what was begun.
    pub(crate) async fn close(self) -> Result<()> {
        match self.session {
            Some(session) => session.close().await,
            None => Ok(()),
        }
    }
}

/// No call failed but those that were made again and answered; nothing was lost, doubled to a
/// subscriber or out of order; all came to rest.
fn judged(shown: &Shown) -> Said {
    let text = format!(
        "{} commands and {} look-ups, {} calls made again, longest {:.1} s; {} events, quiet after {}",
        shown.answered,
        shown.look_ups,
        shown.again,
        shown.longest.as_secs_f64(),
        shown.verdict.events,
        shown
            .quiet_seconds
            .map_or_else(|| "never".to_owned(), |seconds| format!("{seconds:.1} s")),
    );
    let mut wrong: Vec<String> = Vec::new();
    if shown.given_up > 0 {
        wrong.push(format!("{} commands were given up", shown.given_up));
    }
    if shown.look_ups_failed > 0 {
        wrong.push(format!(
            "{} clients of look-ups failed: {}",
            shown.look_ups_failed, shown.said
        ));
    }
    if shown.answered == 0 || shown.look_ups == 0 {
        wrong.push("there was no load".to_owned());
    }
    wrong.extend(shown.left.iter().take(4).cloned());
    wrong.extend(
        shown
            .verdict
            .breaches
            .iter()
            .take(4)
            .map(ToString::to_string),
    );
    if wrong.is_empty() {
        Said::Held(text)
    } else {
        Said::Failed(format!("{text}\n    {}", wrong.join("\n    ")))
    }
}

/// A pause that a row needs.
pub(crate) async fn pause(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
