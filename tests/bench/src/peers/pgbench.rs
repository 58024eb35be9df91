//! PostgreSQL's own load generator: the same statements in the same transaction, and nothing else.
//!
//! # Design notes
//! pgbench is C, holds each statement prepared, and does nothing with the answers. What a command
//! takes beyond it is the price of the platform: gRPC, the token's signature, the rules, the
//! encoding. Connections are as many as the service's pool has.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use handslag_platform::id;
use tokio::process::Command;

use crate::stage::Stage;

/// A script with its variables, on one database.
#[derive(Debug)]
pub(crate) struct Script {
    program: PathBuf,
    folder: PathBuf,
    file: PathBuf,
    login: Login,
    variables: Vec<String>,
}

/// What one run of a script measured.
#[derive(Debug)]
pub(crate) struct Run {
    /// Transactions in all.
    pub(crate) transactions: u64,
    /// Transactions in a second, without the time to connect.
    pub(crate) rate: f64,
}

impl Script {
    /// Writes a script for the database of a URL.
    pub(crate) fn new(
        stage: &Stage,
        name: &str,
        url: &str,
        text: &str,
        variables: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let file = stage.folder().join(format!("{name}.pgbench"));
        std::fs::write(&file, text)?;
        Ok(Self {
            program: handslag_local_infra::postgres_program("pgbench")?,
            folder: stage.folder().to_owned(),
            file,
            login: Login::of(url).context("the database's address cannot be read")?,
            variables: variables
                .iter()
                .map(|(name, value)| format!("--define={name}={value}"))
                .collect(),
        })
    }

    /// Runs it by so many clients at once for a time, in whole seconds and at least one.
    pub(crate) async fn run(&self, clients: u32, time: Duration) -> anyhow::Result<Run> {
        let output = self.output(clients, time, &[]).await?;
        let transactions = after(&output, "number of transactions actually processed: ");
        let rate = after(&output, "tps = ");
        match transactions.zip(rate) {
            Some((transactions, rate)) => Ok(Run {
                transactions: transactions.parse()?,
                rate: rate.parse()?,
            }),
            None => bail!("pgbench said {output}"),
        }
    }

    /// The median time of a transaction by one client, in milliseconds.
    pub(crate) async fn median_ms(&self, time: Duration) -> anyhow::Result<f64> {
        let prefix = self.folder.join("transactions");
        let log = [
            "--log".to_owned(),
            format!("--log-prefix={}", prefix.display()),
        ];
        self.output(1, time, &log).await?;
        let mut times = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if !name.starts_with("transactions.") {
                continue;
            }
            // client, transaction, time in microseconds, script, when
            let text = std::fs::read_to_string(&path)?;
            times.extend(
                text.lines()
                    .filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()),
            );
            std::fs::remove_file(path)?;
        }
        times.sort_by(f64::total_cmp);
        Ok(crate::figure::median(&times) / 1_000.0)
    }

    async fn output(
        &self,
        clients: u32,
        time: Duration,
        more: &[String],
    ) -> anyhow::Result<String> {
        let threads: usize = std::thread::available_parallelism().map_or(1, Into::into);
        let output = Command::new(&self.program)
            .args(["--no-vacuum", "--protocol=prepared"])
            .arg(format!("--client={clients}"))
            .arg(format!("--jobs={}", threads.min(usize::try_from(clients)?)))
            .arg(format!("--time={}", time.as_secs().max(1)))
            .arg(format!("--file={}", self.file.display()))
            // Sets the ids of one run apart from those of the others.
            .arg(format!(
                "--define=run={}",
                u32::from_le_bytes(id::random_bytes()) >> 1
            ))
            .args(&self.variables)
            .args(more)
            // In the environment, since arguments are shown to every user.
            .envs(self.login.environment())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("pgbench cannot be run")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !text.contains("number of failed transactions: 0 ") {
            bail!("pgbench failed: {} {}", text.trim(), errors.trim());
        }
        Ok(text)
    }
}

/// The word behind a label.
fn after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(label)?;
    rest.split_whitespace().next()
}

/// The parts of `postgres://user:password@host:port/database`.
#[derive(Debug, PartialEq, Eq)]
struct Login {
    user: String,
    password: String,
    host: String,
    port: String,
    database: String,
}

impl Login {
    /// `None` for another form. Nothing here is percent-encoded: the names are ours.
    fn of(url: &str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let (login, place) = rest.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        let (server, database) = place.split_once('/')?;
        let (host, port) = server.rsplit_once(':')?;
        Some(Self {
            user: user.to_owned(),
            password: password.to_owned(),
            host: host.to_owned(),
            port: port.to_owned(),
            database: database.to_owned(),
        })
    }

    fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("PGUSER", &self.user),
            ("PGPASSWORD", &self.password),
            ("PGHOST", &self.host),
            ("PGPORT", &self.port),
            ("PGDATABASE", &self.database),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{Login, after};

    #[test]
    fn reads_an_address() {
        let login = Login::of("postgres://u:p@127.0.0.1:7001/t_1_bench").expect("an address");
        assert_eq!(
            login.environment().map(|(_, value)| value),
            ["u", "p", "127.0.0.1", "7001", "t_1_bench"]
        );
        assert_eq!(Login::of("postgres://127.0.0.1/x"), None);
    }

    #[test]
    fn finds_what_pgbench_tells() {
        let text = "number of transactions actually processed: 8123\ntps = 4061.5 (without …)";
        let processed = after(text, "number of transactions actually processed: ");
        assert_eq!(processed, Some("8123"));
        assert_eq!(after(text, "tps = "), Some("4061.5"));
    }
}
