//! Starts the front and stops it in order.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, sync::atomic::AtomicBool};
use std::{sync::atomic::Ordering, time::Duration};

use axum::{Router, http::StatusCode, routing::get};
use clap::Parser;
use handslag_platform::{
    clock::Clock,
    telemetry::{self, metrics::Metrics},
    tls::{ClientFiles, ClientTls},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    clients::Clients,
    config::{Config, Process},
    pages,
};

/// Longest wait for pages that are being answered when the front stops: more than the longest
/// deadline of a call.
const STOP_GRACE: Duration = Duration::from_secs(15);

/// A front that runs.
pub struct Running {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    ready: Arc<AtomicBool>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Where the pages are.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where /live, /ready and /metrics are, if they are.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Stops taking new readers, lets pages under way be finished, returns.
    pub async fn stop(self) {
        self.ready.store(false, Ordering::Release);
        self.stop.cancel();
        for mut task in self.tasks {
            if tokio::time::timeout(STOP_GRACE, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

/// Starts the front in this process. The services need not be up yet.
///
/// # Errors
/// When an address is taken, an endpoint is no URL, or a file of TLS cannot be used.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let tls = ClientTls::new(ClientFiles {
        authorities: config.tls.tls_authorities_file.clone(),
        certificate: config.tls.tls_certificate_file.clone(),
        key: config.tls.tls_key_file.clone(),
    })?;
    let metrics = Metrics::new("web")?;
    metrics.observe_certificate(&tls.state());
    let app = App {
        clients: Clients::new(&config, &tls)?,
        clock: Clock::system(),
    };
    let stop = CancellationToken::new();
    let ready = Arc::new(AtomicBool::new(true));
    let said = Arc::clone(&ready);
    metrics.observe_ready(move || said.load(Ordering::Acquire));
    let listener = TcpListener::bind(config.address).await?;
    let address = listener.local_addr()?;
    let stopped = stop.clone().cancelled_owned();
    let mut tasks = vec![
        serve(listener, pages::router(app), stop.clone()),
        tokio::spawn(async move { tls.follow(stopped).await }),
    ];
    let mut admin_address = None;
    if let Some(wanted) = config.admin_address {
        let listener = TcpListener::bind(wanted).await?;
        admin_address = Some(listener.local_addr()?);
        let admin = admin(Arc::clone(&ready), metrics);
        tasks.push(serve(listener, admin, stop.clone()));
    }
    Ok(Running {
        address,
        admin_address,
        ready,
        stop,
        tasks,
    })
}

/// Runs the front as a process until it is told to stop.
pub fn run() -> ExitCode {
    let process = Process::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let telemetry = telemetry::install("web", &process.log, process.otlp_endpoint.as_deref())?;
        let ended = runtime.block_on(until_stopped(process.config));
        runtime.block_on(telemetry.flush());
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

async fn until_stopped(config: Config) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let running = start(config).await?;
    tracing::info!(address = %running.address(), "the pages are served");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "the log may not be there yet, and somebody must be told"
)]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("handslag-web: {error:#}");
    ExitCode::FAILURE
}

fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "a listener ended");
        }
    })
}

/// Ready does not ask the services: pages that do not need a service that is away must go on being
/// reachable.
fn admin(ready: Arc<AtomicBool>, metrics: Metrics) -> Router {
    let answer = move || {
        let code = if ready.load(Ordering::Acquire) {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        std::future::ready(code)
    };
    let counted = move || {
        let answer = metrics.text().map_err(|error| {
            tracing::error!(
                error = format!("{error:#}"),
                "the metrics cannot be written"
            );
            StatusCode::INTERNAL_SERVER_ERROR
        });
        std::future::ready(answer)
    };
    Router::new()
        .route("/live", get(|| async { StatusCode::OK }))
        .route("/ready", get(answer))
        .route("/metrics", get(counted))
}
