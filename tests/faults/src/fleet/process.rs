//! One service's process: started, killed, stopped and continued like any other.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use handslag_runner::ports::SERVICES;

/// How the program is called when it shall be a service.
const NAME_PREFIX: &str = "handslag-";

/// How long a debug build may take from its start to its readiness on a busy machine.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// What every process is told alike.
const COMMON: [(&str, &str); 5] = [
    (
        "HANDSLAG_TOKEN_KEY",
        "a key of a run of faults, and of nothing else",
    ),
    ("HANDSLAG_POOL_SIZE", "5"),
    // The load comes from few subjects, and its rate is what the run sets.
    ("HANDSLAG_CALLS_PER_SECOND", "100000"),
    ("HANDSLAG_CALLS_BURST", "100000"),
    ("HANDSLAG_LOG", "info,sqlx=off,lapin=off,h2=warn"),
];

/// The `main` of the service whose name this program was called by.
pub(crate) fn service_to_become() -> Option<fn() -> ExitCode> {
    let called = std::env::args().next()?;
    let name = Path::new(&called).file_name()?.to_str()?;
    let service = name.strip_prefix(NAME_PREFIX)?;
    let become_it: fn() -> ExitCode = match service {
        "registry" => || serve::<handslag_registry::Registry>(),
        "commitments" => || serve::<handslag_commitments::Commitments>(),
        "notifications" => || serve::<handslag_notifications::Notifications>(),
        "reporting" => || serve::<handslag_reporting::Reporting>(),
        _ => return None,
    };
    Some(become_it)
}

fn serve<S: handslag_platform::Service>() -> ExitCode {
    handslag_platform::failpoint::listen();
    handslag_platform::run::<S>()
}

/// What a process is to be told.
#[derive(Clone)]
pub(crate) struct Orders {
    /// Place in [`SERVICES`].
    pub(crate) place: usize,
    pub(crate) grpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// Where its servers are and whose tokens it takes, secrets among them.
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) log: PathBuf,
}

/// A process that may or may not run at the moment.
pub(crate) struct Process {
    pub(crate) orders: Orders,
    /// The value of `FAILPOINTS` at the next start.
    pub(crate) failpoints: String,
    /// Further variables at the next start: another clock.
    pub(crate) extra: Vec<(&'static str, String)>,
    child: Option<Child>,
    /// How often it was started.
    pub(crate) starts: u32,
}

impl Process {
    pub(crate) fn new(orders: Orders) -> Self {
        Self {
            orders,
            failpoints: String::new(),
            extra: Vec::new(),
            child: None,
            starts: 0,
        }
    }

    /// The service's name.
    pub(crate) fn service(&self) -> &'static str {
        SERVICES[self.orders.place]
    }

    /// Starts it, unless it runs.
    pub(crate) fn start(&mut self) -> Result<()> {
        if self.is_alive() {
            return Ok(());
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.orders.log)?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg0(format!("{NAME_PREFIX}{}", self.service()))
            .arg("serve")
            .envs(COMMON)
            .envs(self.orders.environment.iter().cloned())
            .envs(self.extra.iter().cloned())
            .env("HANDSLAG_GRPC_ADDRESS", self.orders.grpc.to_string())
            .env("HANDSLAG_ADMIN_ADDRESS", self.orders.admin.to_string())
            .env("FAILPOINTS", &self.failpoints)
            // An abort at a failpoint is an end without tidying, not something to look into.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.service()))?;
        self.child = Some(child);
        self.starts += 1;
        Ok(())
    }

    /// Whether it runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => false,
        }
    }

    /// Its number, while it runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends it without a chance to tidy up.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(child) = &mut self.child {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Sends a signal by its name: `STOP`, `CONT`, `TERM`.
    pub(crate) fn signal(&mut self, name: &str) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        let Some(pid) = self.pid() else { return Ok(()) };
        let status = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
            .status()?;
        if !status.success() && self.is_alive() {
            bail!("process {pid} takes no signal {name}");
        }
        Ok(())
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.signal("TERM")?;
        let limit = tokio::time::Instant::now() + READY_LIMIT;
        while self.is_alive() {
            if tokio::time::Instant::now() > limit {
                self.kill()?;
                bail!("{} did not end in order", self.service());
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        Ok(())
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&mut self, http: &reqwest::Client) -> Result<()> {
        let url = format!("http://{}/ready", self.orders.admin);
        let limit = tokio::time::Instant::now() + READY_LIMIT;
        loop {
            if let Ok(answer) = http.get(&url).send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            if !self.is_alive() {
                bail!(
                    "{} has ended; its log: {}",
                    self.service(),
                    self.last_words()
                );
            }
            if tokio::time::Instant::now() > limit {
                bail!(
                    "{} is not ready; its log: {}",
                    self.service(),
                    self.last_words()
                );
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.orders.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(6)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process can be killed as well.
        let _ = self.kill();
    }
}
