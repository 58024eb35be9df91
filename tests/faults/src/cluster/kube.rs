//! `kubectl` and `helm`, as a person at the keyboard would call them.
//!
//! # Design notes
//! The programs and no client library: what city IT types is what is tried, `KUBECONFIG` means what
//! it means to them, and each step can be repeated by hand from the log that a failure prints.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The longest part of what a program printed that a message repeats.
const SAID_MOST: usize = 1_500;
/// Pause between two looks at what shall become true.
const LOOK_PAUSE: Duration = Duration::from_millis(300);

/// A namespace of the cluster that `KUBECONFIG` names.
#[derive(Clone, Debug)]
pub(crate) struct Kube {
    pub(crate) namespace: String,
    helm: String,
}

impl Kube {
    pub(crate) fn new(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            helm: std::env::var("HANDSLAG_HELM").unwrap_or_else(|_| "helm".to_owned()),
        }
    }

    /// The same cluster, another namespace.
    pub(crate) fn other(&self, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..self.clone()
        }
    }

    /// Runs `kubectl` in the namespace; answers what it printed.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.command(arguments);
        run(command.stdin(Stdio::null()))
    }

    /// What a pod's containers wrote last. Those that have not begun wrote nothing, for which `kubectl`
    /// fails; what the others wrote is printed all the same.
    pub(crate) fn logs(&self, pod: &str) -> Result<String> {
        let mut text = String::new();
        for run in ["--previous=false", "--previous"] {
            let mut command = self.command(&["logs", pod, "--all-containers", "--tail=20", run]);
            let output = tokio::task::block_in_place(|| command.stdin(Stdio::null()).output())?;
            text.push_str(&String::from_utf8_lossy(&output.stdout));
        }
        Ok(text)
    }

    /// The same with something on its standard input.
    pub(crate) fn kubectl_with(&self, arguments: &[&str], input: &str) -> Result<String> {
        run_with(&mut self.command(arguments), input)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command.args(["--namespace", &self.namespace]);
        command.args(arguments);
        command
    }

    /// Runs `helm` in the namespace.
    pub(crate) fn helm(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.helm);
        command.args(["--namespace", &self.namespace]);
        run(command.args(arguments).stdin(Stdio::null()))
    }

    /// An object or a list, as JSON.
    pub(crate) fn get(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.kubectl(&[&["get", "--output=json"], arguments].concat())?;
        serde_json::from_str(&text).context("kubectl printed no JSON")
    }

    /// The objects of a list.
    pub(crate) fn list(&self, arguments: &[&str]) -> Result<Vec<Value>> {
        match self.get(arguments)?["items"].take() {
            Value::Array(items) => Ok(items),
            _ => bail!("kubectl printed no list"),
        }
    }

    /// Makes objects, or changes them to what is given.
    pub(crate) fn apply(&self, objects: &[Value]) -> Result<()> {
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
        self.kubectl_with(
            &["apply", "--server-side", "--force-conflicts", "-f", "-"],
            &list.to_string(),
        )?;
        Ok(())
    }

    /// Makes the namespace, which enforces the standard *restricted*, unless it is there.
    pub(crate) fn make_namespace(&self) -> Result<()> {
        self.apply(&[serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": self.namespace, "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted"}}})])
    }

    /// Removes the namespace with all that is in it. What becomes of its volumes is their class's choice.
    pub(crate) fn remove_namespace(&self) -> Result<()> {
        let namespace = self.namespace.as_str();
        self.kubectl(&[
            "delete",
            "namespace",
            namespace,
            "--ignore-not-found",
            "--timeout=120s",
        ])
        .map(|_| ())
    }

    /// Waits until a look says so.
    pub(crate) async fn until(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let began = Instant::now();
        loop {
            // A cluster that is being hurt may fail to answer a look.
            let last = match look() {
                Ok(true) => return Ok(()),
                Ok(false) => None,
                Err(error) => Some(error),
            };
            if began.elapsed() > limit {
                let why = last.map(|error| format!(": {error:#}")).unwrap_or_default();
                bail!("{what}: not within {} s{why}", limit.as_secs());
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }
}

fn run(command: &mut Command) -> Result<String> {
    let said = name(command);
    // The load works on the same few threads.
    let output = tokio::task::block_in_place(|| command.output());
    let output = output.with_context(|| format!("cannot run {said}"))?;
    judged(&said, &output)
}

fn run_with(command: &mut Command, input: &str) -> Result<String> {
    let said = name(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {said}"))?;
    let mut pipe = child.stdin.take().context("no standard input")?;
    let input = input.to_owned();
    // A thread of its own, or both sides could wait for each other with full pipes.
    let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
    let output = tokio::task::block_in_place(|| child.wait_with_output())?;
    // What the program did not read is told by how it ended.
    let _ = writer.join();
    judged(&said, &output)
}

fn judged(said: &str, output: &std::process::Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stdout));
    let end: String = text.trim().chars().take(SAID_MOST).collect();
    bail!("`{said}` failed: {end}")
}

/// The program and its first words: the rest may be a secret.
fn name(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    let words: Vec<_> = words.take(8).collect();
    let program = command.get_program().to_string_lossy();
    format!("{program} {}", words.join(" "))
}
