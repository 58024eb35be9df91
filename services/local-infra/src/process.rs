//! Server processes that outlive us, and how to recognise them again.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::files::wait_until;

/// Starts a program in the background and prints its number. `setsid` gives it a session of its
/// own where there is one; the process group that we set serves elsewhere. The shell ends at once,
/// so that the program is adopted by init and never becomes our zombie. It writes the number into a
/// file as well: should we be killed before we have read it, [`Process::adopt`] finds it there.
const LAUNCH: &str = r#"umask 077
log=$1; shift
if command -v setsid >/dev/null 2>&1; then set -- setsid "$@"; fi
"$@" </dev/null >"$log" 2>&1 &
echo $! >"${log%.log}.pid"
echo $!"#;

/// A process that we know by more than its number: numbers are reused, above all in containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// When it was started, in whatever form the system tells it.
    started: String,
}

/// What to start.
pub(crate) struct Launch<'a> {
    pub(crate) account: &'a Account,
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    /// The whole environment beside PATH and LANG: the caller's own `PG*` and `RABBITMQ_*`
    /// variables would lead to the caller's own servers.
    pub(crate) environment: Vec<(&'static str, String)>,
    pub(crate) directory: &'a Path,
    pub(crate) log: &'a Path,
}

/// The signals that the servers are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    /// PostgreSQL: end every session and stop.
    Interrupt,
    /// PostgreSQL: end at once, without a checkpoint.
    Quit,
    /// RabbitMQ: stop in order.
    Terminate,
    /// Cannot be refused; for faults and for servers that do not stop.
    Kill,
    /// Stand still; cannot be refused.
    Stop,
    /// Go on after having stood still.
    Continue,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Terminate => "TERM",
            Self::Kill => "KILL",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

impl Launch<'_> {
    /// Starts the program in a session of its own.
    pub(crate) fn start(self) -> Result<Process> {
        let name = self.program.display();
        let mut shell = clean_command("sh", self.account, self.directory);
        shell
            .args(["-c", LAUNCH, "sh"])
            .arg(self.log)
            .arg(self.program)
            .args(&self.arguments);
        shell
            .envs(self.environment)
            .process_group(0)
            .stdin(Stdio::null());
        let output = shell
            .output()
            .with_context(|| format!("cannot start {name}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let Ok(pid) = text.trim().parse() else {
            bail!(
                "cannot start {name}: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        };
        let Some(process) = Process::with_number(pid) else {
            bail!(
                "{name} ended at once: {}",
                crate::files::last_lines(self.log, 5)
            );
        };
        Ok(process)
    }
}

impl Process {
    /// Takes over a process that was launched with this log by somebody who was killed before it
    /// could remember it. `argument` must be among its arguments, as the proof that the number has
    /// not gone to another process since.
    pub(crate) fn adopt(log: &Path, argument: &str) -> Option<Self> {
        let pid = fs::read_to_string(log.with_extension("pid"))
            .ok()?
            .trim()
            .parse()
            .ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let proven = line
            .split(|byte| *byte == 0)
            .any(|part| part == argument.as_bytes());
        Self::with_number(pid).filter(|_| proven)
    }

    /// The process that has this number now.
    pub(crate) fn with_number(pid: u32) -> Option<Self> {
        let started = look(pid)?.started;
        Some(Self { pid, started })
    }

    /// Whether exactly this process still runs, or stands still.
    pub(crate) fn is_alive(&self) -> bool {
        self.look().is_some()
    }

    /// Whether exactly this process stands still.
    pub(crate) fn is_stopped(&self) -> bool {
        self.look().is_some_and(|look| look.stopped)
    }

    fn look(&self) -> Option<Look> {
        look(self.pid).filter(|look| look.started == self.started)
    }

    /// Sends a signal; nothing happens when the process has ended already.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        // The shell's own `kill`: the program of that name is missing in slim images.
        let output = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal.name()])
            .arg(self.pid.to_string())
            .output()
            .context("cannot run sh")?;
        if !output.status.success() && self.is_alive() {
            bail!("cannot send {} to process {}", signal.name(), self.pid);
        }
        Ok(())
    }

    /// Stops in order, and by force what has not ended after `limit`.
    pub(crate) fn stop(&self, signal: Signal, limit: Duration) -> Result<()> {
        self.signal(signal)?;
        if !wait_until(limit, || !self.is_alive()) {
            self.kill()?;
        }
        Ok(())
    }

    /// Ends it without a chance to tidy up, and waits until it is gone.
    pub(crate) fn kill(&self) -> Result<()> {
        self.signal(Signal::Kill)?;
        if !wait_until(Duration::from_secs(10), || !self.is_alive()) {
            bail!("process {} does not end", self.pid);
        }
        Ok(())
    }
}

/// A command under the account, in a directory that it may enter, with a clean environment.
pub(crate) fn clean_command(
    program: impl AsRef<std::ffi::OsStr>,
    account: &Account,
    directory: &Path,
) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(directory);
    // Debian keeps a few of the servers' own tools in sbin, which users' PATHs leave out.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env(
        "PATH",
        format!("{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"),
    );
    account.apply(&mut command);
    command
}

/// What the system tells about a process.
struct Look {
    /// When it was started, in whatever form the system tells it.
    started: String,
    /// It stands still by a signal.
    stopped: bool,
}

/// Looks at a process; `None` when it has ended (a zombie has).
fn look(pid: u32) -> Option<Look> {
    let of_state = |state: &str, started: String| {
        (!state.starts_with(['Z', 'X'])).then(|| Look {
            started,
            stopped: state.starts_with('T'),
        })
    };
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may itself hold blanks and brackets.
        let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
        let (state, ticks) = (fields.first()?, fields.get(19)?);
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        return of_state(state, format!("{}+{ticks}", boot.trim()));
    }
    let pid = pid.to_string();
    let output = Command::new("ps")
        .args(["-o", "stat=,lstart=", "-p", &pid])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (state, started) = text.trim().split_once(char::is_whitespace)?;
    of_state(state, started.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Process {
        Launch {
            account: &Account::Own,
            program: Path::new("sleep"),
            arguments: vec!["60".to_owned()],
            environment: Vec::new(),
            directory: folder,
            log: &folder.join("server.log"),
        }
        .start()
        .unwrap()
    }

    #[test]
    fn knows_a_process_again_until_it_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        assert!(process.is_alive());
        process.kill().unwrap();
        assert!(!process.is_alive());
        process.signal(Signal::Terminate).unwrap();
    }

    #[test]
    fn does_not_take_another_process_with_the_same_number_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        let stale = Process {
            pid: process.pid,
            started: "another time".to_owned(),
        };
        assert!(!stale.is_alive());
        stale.kill().unwrap();
        assert!(
            process.is_alive(),
            "a stale record must not kill a stranger"
        );
        process
            .stop(Signal::Terminate, Duration::from_secs(5))
            .unwrap();
        assert!(!process.is_alive());
    }

    #[test]
    fn adopts_only_a_process_that_proves_to_be_the_one() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        let log = folder.path().join("server.log");
        assert_eq!(Process::adopt(&log, "61"), None);
        // Between its launch and its exec a process shows no arguments for a moment.
        let adopts = || Process::adopt(&log, "60") == Some(process.clone());
        assert!(wait_until(Duration::from_secs(5), adopts));
        process.kill().unwrap();
        assert_eq!(Process::adopt(&log, "60"), None);
    }

    #[test]
    fn says_why_a_program_did_not_start() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let program = Path::new("/nowhere/server");
        let launch = Launch {
            account: &Account::Own,
            program,
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: folder.path(),
            log: &log,
        };
        // Whether the failure is seen at once or a moment later, the process is not alive.
        if let Ok(process) = launch.start() {
            assert!(wait_until(Duration::from_secs(5), || !process.is_alive()));
        }
    }
}
