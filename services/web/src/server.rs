//! Starts the front and stops it in order.

use std::{net::SocketAddr, process::ExitCode, sync::Arc, sync::atomic::AtomicBool};
use std::{sync::atomic::Ordering, time::Duration};

use axum::{Router, http::StatusCode, routing::get};
use clap::Parser;
use handslag_platform::{clock::Clock, telemetry};
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

    /// Where /live and /ready are, if they are.
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
/// When an address is taken or an endpoint is no URL.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let app = App {
        clients: Clients::new(&config)?,
        clock: Clock::system(),
    };
    let stop = CancellationToken::new();
    let ready = Arc::new(AtomicBool::new(true));
    let listener = TcpListener::bind(config.address).await?;
    let address = listener.local_addr()?;
    let mut tasks = vec![serve(listener, pages::router(app), stop.clone())];
    let mut admin_address = None;
    if let Some(wanted) = config.admin_address {
        let listener = TcpListener::bind(wanted).await?;
        admin_address = Some(listener.local_addr()?);
        tasks.push(serve(listener, admin(Arc::clone(&ready)), stop.clone()));
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
fn admin(ready: Arc<AtomicBool>) -> Router {
    let answer = move || {
        let code = if ready.load(Ordering::Acquire) {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        std::future::ready(code)
    };
    Router::new()
        .route("/live", get(|| async { StatusCode::OK }))
        .route("/ready", get(answer))
}
