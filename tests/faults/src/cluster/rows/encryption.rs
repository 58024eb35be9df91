//! Certificates on both sides of every call, and exchanged under them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use handslag_platform::testing::{Authority, Mount, Signed};
use handslag_platform::tls::{ClientFiles, ClientTls};
use handslag_proto::registry::v1::ListAreasRequest;
use handslag_proto::registry::v1::registry_service_client::RegistryServiceClient;
use handslag_runner::ports::SERVICES;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use tonic::transport::Channel;

use super::secrets::{SYNC_SECONDS, restarts};
use super::{Row, Said, Stage, pause};
use crate::cluster::install::{Installer, RELEASE, secret};

/// How long until a changed certificate must be shown: the kubelet takes two minutes, and the services
/// see it within seconds.
const SHOWN_MOST: Duration = Duration::from_secs(240);
/// Answers with the new certificate until both pods of a service are taken to show it.
const IN_A_ROW: u32 = 8;
/// Pause between two calls of the client that goes on meanwhile.
const CALL_PAUSE: Duration = Duration::from_millis(100);
const CALL_LIMIT: Duration = Duration::from_secs(10);
const SAID_BY_CHECK: &str = "The installation works.";

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "encryption",
        what: "certificates on both sides, helm test over them, callers without one, all exchanged for those of another authority",
        aim: "strangers refused, no call failed, no pod restarted",
        run: |stage| encryption(stage).boxed(),
    }]
}

async fn encryption(stage: &mut Stage) -> Result<Said> {
    stage.installed().await?;
    let installer = stage.installer.clone();
    let (former, new) = (Authority::new()?, Authority::new()?);
    let names = names(stage);
    give(&installer, &former, &names, &former.pem)?;
    let sets = ["tls.mode=existingSecret"];
    installer.release(None, &installer.options.tag, &sets)?;
    installer.ready().await?;
    let said = tried(stage, &former, &new, &names).await;
    installer.release(None, &installer.options.tag, &[])?;
    installer.ready().await?;
    said.map(Said::Held)
}

async fn tried(
    stage: &Stage,
    former: &Authority,
    new: &Authority,
    names: &[String],
) -> Result<String> {
    let installer = &stage.installer;
    helm_test(installer)?;
    let address = stage.entrances.address("registry")?;
    let both = format!("{}{}", former.pem, new.pem);
    let before = restarts(&installer.pods()?);

    let own = sign(former, names)?;
    let known = Caller::new(address, &both, Some(&own))?;
    known.call().await.context("a caller with a certificate")?;
    let strange = sign(&Authority::new()?, names)?;
    for (who, shown) in [("none", None), ("a stranger's", Some(&strange))] {
        let refused = Caller::new(address, &both, shown)?.call().await.is_err();
        ensure!(refused, "a caller was let in with {who} for a certificate");
    }
    let plain = crate::client::channel(address)?;
    let plain = RegistryServiceClient::new(plain);
    ensure!(
        asked(plain).await.is_err(),
        "a caller was let in without encryption"
    );

    // Everybody believes both authorities before the first certificate of the new one is shown, as in
    // any exchange without a gap.
    give(installer, former, names, &both)?;
    pause(SYNC_SECONDS).await;
    let calls = Calls::start(known, stage.entrances.address("web")?);
    give(installer, new, names, &both)?;
    let began = Instant::now();
    let own = sign(new, names)?;
    for service in SERVICES {
        let address = stage.entrances.address(service)?;
        let caller = Caller::new(address, &new.pem, Some(&own))?;
        let mut in_a_row = 0;
        while in_a_row < IN_A_ROW {
            match caller.call().await {
                Ok(()) => in_a_row += 1,
                Err(error) => {
                    ensure!(
                        began.elapsed() < SHOWN_MOST,
                        "{service} shows its former certificate: {error:#}"
                    );
                    in_a_row = 0;
                    pause(1).await;
                }
            }
        }
    }
    let took = began.elapsed();
    let answered = calls.stop().await?;
    ensure!(
        before == restarts(&installer.pods()?),
        "pods restarted: {before:?}"
    );
    helm_test(installer)?;
    Ok(format!(
        "helm test twice; three strangers refused; new certificates after {:.0} s, {answered} calls meanwhile",
        took.as_secs_f64()
    ))
}

fn helm_test(installer: &Installer) -> Result<()> {
    let said = installer.kube.helm(&["test", RELEASE, "--logs"])?;
    ensure!(said.contains(SAID_BY_CHECK), "helm test: {said}");
    Ok(())
}

/// What a certificate is for: every service by its name in the namespace, and the node whose port
/// callers from outside come through.
fn names(stage: &Stage) -> Vec<String> {
    let services = SERVICES.iter().chain(&["web", "check"]);
    let mut names: Vec<String> = services.map(|name| format!("{RELEASE}-{name}")).collect();
    names.extend(stage.nodes.iter().map(|(_, address)| address.to_string()));
    names
}

fn sign(authority: &Authority, names: &[String]) -> Result<Signed> {
    authority.sign_for(names, None)
}

/// Everybody's secret anew, signed by this authority; `trusted` are the authorities that they believe.
fn give(
    installer: &Installer,
    authority: &Authority,
    names: &[String],
    trusted: &str,
) -> Result<()> {
    let mut secrets = Vec::new();
    for name in SERVICES.iter().chain(&["web", "check"]) {
        let signed = sign(authority, names)?;
        let mut made = secret(
            &format!("{RELEASE}-{name}-tls"),
            "tls.crt",
            &signed.certificate,
        );
        made["stringData"]["tls.key"] = json!(signed.key);
        made["stringData"]["ca.crt"] = json!(trusted);
        secrets.push(made);
    }
    installer.kube.apply(&secrets)
}

/// A caller from outside, with certificates of its own or without.
#[derive(Clone)]
struct Caller {
    address: SocketAddr,
    tls: Arc<ClientTls>,
}

impl Caller {
    fn new(address: SocketAddr, trusted: &str, shown: Option<&Signed>) -> Result<Self> {
        let mut content = vec![("ca.crt", trusted)];
        if let Some(shown) = shown {
            content.extend([("tls.crt", &*shown.certificate), ("tls.key", &*shown.key)]);
        }
        let mount = Mount::new(&content)?;
        let tls = ClientTls::new(ClientFiles {
            authorities: Some(mount.path("ca.crt")),
            certificate: shown.map(|_| mount.path("tls.crt")),
            key: shown.map(|_| mount.path("tls.key")),
        })?;
        let tls = Arc::new(tls);
        Ok(Self { address, tls })
    }

    /// Calls over a connection of its own. A service that has no such method has answered as well.
    async fn call(&self) -> Result<()> {
        let address = format!("https://{}", self.address);
        let channel = self.tls.channel(&address, |endpoint| endpoint)?;
        asked(RegistryServiceClient::new(channel)).await
    }
}

async fn asked(mut client: RegistryServiceClient<Channel>) -> Result<()> {
    let mut request = tonic::Request::new(ListAreasRequest::default());
    request.set_timeout(CALL_LIMIT);
    match client.list_areas(request).await {
        Ok(_) => Ok(()),
        Err(status) if [Code::Unimplemented, Code::Unauthenticated].contains(&status.code()) => {
            Ok(())
        }
        Err(status) => Err(status.into()),
    }
}

/// Calls that go on while something happens: a caller's own, and pages, which the front asks the
/// services for.
struct Calls {
    stop: CancellationToken,
    task: JoinHandle<Result<u64>>,
}

impl Calls {
    fn start(caller: Caller, web: SocketAddr) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut answered = 0;
            while !stopped.is_cancelled() {
                caller.call().await.context("a call failed meanwhile")?;
                let page = reqwest::get(format!("http://{web}/")).await?;
                page.error_for_status().context("a page failed meanwhile")?;
                answered += 2;
                tokio::time::sleep(CALL_PAUSE).await;
            }
            Ok(answered)
        });
        Self { stop, task }
    }

    /// How many were answered; an error when one was not.
    async fn stop(self) -> Result<u64> {
        self.stop.cancel();
        let answered = self.task.await??;
        ensure!(answered > 0, "nothing was called meanwhile");
        Ok(answered)
    }
}
