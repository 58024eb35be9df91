//! RabbitMQ: finding, configuring and starting it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::account::Account;
use crate::files::{last_lines, on_path, versioned, wait_until, write_private};
use crate::management::Management;
use crate::packages::{Need, install};
use crate::ports::{Ports, is_free};
use crate::process::{Launch, Process, Signal, clean_command};

/// The name of the only user; the usual `guest` is not made.
pub(crate) const USER: &str = "handslag";

/// The oldest version with at-least-once dead-lettering of quorum queues.
const OLDEST: (u32, u32) = (3, 10);

/// About 10 s on an idle machine; a machine that compiles at the same time takes several times it.
const START_LIMIT: Duration = Duration::from_secs(120);

/// Modest beside the compiler and the browser of the same machine.
pub(crate) const MEMORY_WATERMARK: &str = "1GB";

/// An alarm is raised at once; the broker's own look at its memory comes every second.
const ALARM_LIMIT: Duration = Duration::from_secs(20);

const STOP_LIMIT: Duration = Duration::from_secs(30);

const NEED: Need = Need {
    what: "RabbitMQ 3.10 or later",
    apt: "rabbitmq-server",
    dnf: "rabbitmq-server",
    apk: "rabbitmq-server",
    brew: "rabbitmq",
    pacman: "rabbitmq",
};

/// One private RabbitMQ.
pub(crate) struct Broker<'a> {
    pub(crate) script: &'a Path,
    pub(crate) account: &'a Account,
    pub(crate) directory: PathBuf,
    pub(crate) node: String,
    pub(crate) password: String,
    pub(crate) ports: Ports,
}

/// The start script, installed if there is none and the system lets us.
pub(crate) fn find_script(progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    if let Some(script) = installed_script() {
        return Ok(script);
    }
    install(&[NEED], progress)?;
    installed_script().context("RabbitMQ was installed, but its start script is nowhere found")
}

/// The script itself before anything on the PATH: what Debian puts there switches the user and
/// drops the environment, and so would start the system's own node.
fn installed_script() -> Option<PathBuf> {
    let mut folders = versioned("/usr/lib/rabbitmq/lib", "rabbitmq_server-", "sbin");
    folders.extend(versioned(
        "/usr/local/lib/rabbitmq/lib",
        "rabbitmq_server-",
        "sbin",
    ));
    folders.extend(
        [
            "/opt/rabbitmq/sbin",
            "/opt/homebrew/opt/rabbitmq/sbin",
            "/usr/local/opt/rabbitmq/sbin",
        ]
        .map(PathBuf::from),
    );
    folders.sort();
    let scripts = folders
        .into_iter()
        .rev()
        .map(|folder| folder.join("rabbitmq-server"));
    scripts
        .into_iter()
        .find(|script| script.is_file())
        .or_else(|| on_path("rabbitmq-server"))
}

impl Broker<'_> {
    /// Starts Erlang's port mapper for this node alone. The usual one on port 4369 may belong to
    /// another user's nodes; it is neither used nor started.
    pub(crate) fn launch_port_mapper(&self) -> Result<Process> {
        let found = on_path("epmd").or_else(|| {
            let bundled = versioned("/usr/lib/erlang", "erts-", "bin");
            bundled
                .into_iter()
                .map(|folder| folder.join("epmd"))
                .find(|file| file.is_file())
        });
        let program = found.context("Erlang's port mapper `epmd` is nowhere found")?;
        let port = self.ports.epmd.to_string();
        let arguments = ["-port", &port, "-address", "127.0.0.1"]
            .map(str::to_owned)
            .to_vec();
        let log = self.port_mapper_log();
        Launch {
            account: self.account,
            program: &program,
            arguments,
            environment: Vec::new(),
            directory: &self.directory,
            log: &log,
        }
        .start()
    }

    /// Writes the configuration and starts the node; the caller waits until it answers.
    pub(crate) fn launch(&self) -> Result<Process> {
        self.write("rabbitmq.conf", &self.configuration())?;
        self.write("enabled_plugins", "[rabbitmq_management].\n")?;
        let log = self.log();
        Launch {
            account: self.account,
            program: self.script,
            arguments: Vec::new(),
            environment: self.environment(),
            directory: &self.directory,
            log: &log,
        }
        .start()
    }

    /// Waits until the node answers clients and its management interface.
    pub(crate) fn await_answer(&self, process: &Process, management: &Management) -> Result<()> {
        let mut version = None;
        let answers = wait_until(START_LIMIT, || {
            version = management.version().ok();
            (version.is_some() && !is_free(self.ports.amqp)) || !process.is_alive()
        });
        if !answers || !process.is_alive() {
            process.kill()?;
            bail!("RabbitMQ does not start:\n{}", self.complaint());
        }
        let version = version.unwrap_or_default();
        if !new_enough(&version) {
            stop(process)?;
            bail!("RabbitMQ {version} is too old, 3.10 is needed: https://www.rabbitmq.com/docs");
        }
        Ok(())
    }

    /// The node that runs here, if somebody started it and was killed before remembering it.
    pub(crate) fn adopt(&self) -> Option<Process> {
        Process::adopt(&self.log(), &self.directory.display().to_string())
    }

    /// The same for the port mapper.
    pub(crate) fn adopt_port_mapper(&self) -> Option<Process> {
        Process::adopt(&self.port_mapper_log(), &self.ports.epmd.to_string())
    }

    /// Runs `rabbitmqctl` on this node, for what the management interface cannot do. It starts an
    /// Erlang machine of its own, which takes about 2 s.
    pub(crate) fn control(&self, arguments: &[&str]) -> Result<()> {
        let program = self.script.with_file_name("rabbitmqctl");
        let mut command = clean_command(&program, self.account, &self.directory);
        command.args(arguments).envs(self.environment());
        // It listens for a moment, and on this machine alone like everything else.
        let listen = "-kernel inet_dist_use_interface {127,0,0,1}";
        command.env("RABBITMQ_CTL_ERL_ARGS", listen);
        let output = command
            .output()
            .with_context(|| format!("cannot run {}", program.display()))?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            bail!("rabbitmqctl {}: {}", arguments.join(" "), complaint.trim());
        }
        Ok(())
    }

    /// Deletes everything that the node has stored. It must not run.
    pub(crate) fn delete_data(&self) -> Result<()> {
        let data = self.directory.join("data");
        if data.exists() {
            fs::remove_dir_all(&data).context("cannot delete the broker's data")?;
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.directory.join("start.log")
    }

    fn port_mapper_log(&self) -> PathBuf {
        self.directory.join("epmd.log")
    }

    fn configuration(&self) -> String {
        let Ports {
            amqp, management, ..
        } = self.ports;
        format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {management}\n\
             default_user = {USER}\n\
             default_pass = {password}\n\
             default_user_tags.administrator = true\n\
             vm_memory_high_watermark.absolute = {MEMORY_WATERMARK}\n\
             disk_free_limit.absolute = 200MB\n\
             # The log of quorum queues is kept in memory up to this size; 512 MiB by default.\n\
             raft.wal_max_size_bytes = 33554432\n\
             log.file.level = info\n\
             log.console = false\n",
            password = self.password,
        )
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        let place = |name: &str| self.directory.join(name).display().to_string();
        vec![
            // The Erlang cookie lies in HOME: a home of its own, a cookie of its own.
            ("HOME", self.directory.display().to_string()),
            ("RABBITMQ_NODENAME", self.node.clone()),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", self.ports.amqp.to_string()),
            ("RABBITMQ_DIST_PORT", self.ports.distribution.to_string()),
            ("ERL_EPMD_PORT", self.ports.epmd.to_string()),
            ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_MNESIA_BASE", place("data")),
            ("RABBITMQ_LOG_BASE", place("log")),
            ("RABBITMQ_LOGS", place("log/node.log")),
            ("RABBITMQ_CONFIG_FILE", place("rabbitmq.conf")),
            // Files of the system's own node in /etc/rabbitmq must not be read.
            ("RABBITMQ_CONFIG_FILES", place("conf.d/*.conf")),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", place("advanced.config")),
            ("RABBITMQ_GENERATED_CONFIG_DIR", place("generated")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", place("enabled_plugins")),
            // Lets the script become the node instead of waiting beside it: one process to know.
            ("RABBITMQ_ALLOW_INPUT", "1".to_owned()),
            ("RABBITMQ_SERVER_START_ARGS", "-noinput".to_owned()),
            (
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                // Few schedulers: the node serves one developer, and idle ones cost time.
                // The last argument tells our own node from others (see `adopt`).
                format!(
                    "+S 2:2 -start_epmd false -kernel inet_dist_use_interface {{127,0,0,1}} \
                     -handslag {}",
                    self.directory.display()
                ),
            ),
        ]
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.directory.join(name);
        write_private(&path, text)?;
        self.account.own(&path, 0o600)
    }

    fn complaint(&self) -> String {
        let start = last_lines(&self.log(), 12);
        let node = last_lines(&self.directory.join("log/node.log"), 12);
        format!("{start}\n{node}").trim().to_owned()
    }
}

/// Stops the node in order.
pub(crate) fn stop(process: &Process) -> Result<()> {
    process.stop(Signal::Terminate, STOP_LIMIT)
}

/// Waits until the node has an alarm, or none.
pub(crate) fn await_alarm(management: &Management, on: bool) -> Result<()> {
    let mut last = Ok(!on);
    let is_so = || {
        last = management.has_alarm();
        matches!(last, Ok(alarm) if alarm == on)
    };
    if !wait_until(ALARM_LIMIT, is_so) {
        last.context("the broker does not tell whether it has an alarm")?;
        bail!("the broker's alarm does not become {on}");
    }
    Ok(())
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions_by_number() {
        assert!(new_enough("3.10.8"));
        assert!(new_enough("4.1.0-rc.1"));
        assert!(!new_enough("3.9.27"));
        assert!(!new_enough("nonsense"));
    }
}
