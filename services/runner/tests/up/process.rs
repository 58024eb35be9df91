//! The program itself, on a data directory of the test's own.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use handslag_runner::{
    import::{self, Endpoints},
    state::CityState,
};
use serde_json::Value;

/// Patience with a start: installing nothing, two servers take some fifteen seconds on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// A data directory that is removed at the end, with the servers in it stopped.
pub(crate) struct Home(PathBuf);

impl Home {
    /// The servers' own user must be able to enter it, so it is not a private temporary directory.
    pub(crate) fn new(name: &str) -> Self {
        let path = PathBuf::from(format!("/var/tmp/handslag-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Runs another verb on the city that is up here, and gives what it prints.
    pub(crate) fn verb(&self, arguments: &[&str]) -> String {
        match self.tried(arguments) {
            Ok(said) => said,
            Err(said) => panic!("{arguments:?}: {said}"),
        }
    }

    /// The same for one that may fail; then with what it says of that.
    pub(crate) fn tried(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(env!("CARGO_BIN_EXE_handslag"))
            .args(arguments)
            .arg("--data-dir")
            .arg(self.path())
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(said)
        } else {
            Err(said + &String::from_utf8_lossy(&output.stderr))
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Ok(Some(infra)) = handslag_local_infra::Infra::attach(&self.0.join("servers")) {
            let _ = infra.stop();
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running `handslag up`.
pub(crate) struct Up {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Up {
    pub(crate) fn start(home: &Home, port_base: u16, environment: &[(&str, String)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_handslag"))
            .args(["up", "--port-base", &port_base.to_string(), "--data-dir"])
            .arg(home.path())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits until it prints a line that contains `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while let Ok(line) = self
            .lines
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
        panic!("`up` never said {text:?}, but: {seen:#?}");
    }

    /// As a power cut would, for the program alone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// As Ctrl-C would.
    pub(crate) fn interrupt(mut self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &id])
                .status()
                .expect("kill")
                .success()
        );
        assert!(
            self.child.wait().expect("gone").success(),
            "it stops in order"
        );
    }
}

/// A test that fails leaves no city behind, which would hold its output open and its servers busy.
impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads through the addresses that `up` left.
pub(crate) async fn read(home: &Home, call: &str, request: Value) -> Option<Value> {
    let state = CityState::load(home.path()).ok()?;
    let service = call.split('.').next()?;
    let name = handslag_runner::ports::SERVICES
        .into_iter()
        .find(|name| *name == service)?;
    let endpoints = Endpoints::new(&[(name, state.grpc.get(name)?.clone())]).ok()?;
    import::invoke(&endpoints, call, request, "").await.ok()
}

/// Waits until `condition` gives something.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
