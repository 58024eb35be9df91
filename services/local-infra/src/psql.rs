//! `psql`: where it is, and SQL that is run with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::address::Address;
use crate::files::{on_path, versioned};

/// A `psql` and the server that it speaks to.
#[derive(Clone)]
pub(crate) struct Psql {
    pub(crate) program: PathBuf,
    pub(crate) server: Address,
}

impl Psql {
    /// Runs SQL text in a database, statement by statement until the first error, and answers the
    /// rows as plain text with `|` between the columns.
    pub(crate) fn sql(&self, database: &str, text: &str) -> Result<String> {
        let output = self.command(database).args(["--command", text]).output();
        text_of(&output.context("cannot run psql")?)
    }

    /// Runs a file of SQL in a database, as one transaction.
    pub(crate) fn sql_file(&self, database: &str, file: &Path) -> Result<()> {
        let output = self
            .command(database)
            .arg("--single-transaction")
            .arg("--file")
            .arg(file)
            .output();
        text_of(&output.context("cannot run psql")?).map(drop)
    }

    /// `psql` with the address in its environment, since arguments are shown to every user.
    fn command(&self, database: &str) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command
            .args([
                "--no-psqlrc",
                "--quiet",
                "--no-align",
                "--tuples-only",
                "--no-password",
            ])
            .args(["--set", "ON_ERROR_STOP=1"])
            .env("PGHOST", &self.server.host)
            .env("PGPORT", self.server.port.to_string())
            .env("PGUSER", &self.server.user)
            .env("PGPASSWORD", &self.server.password)
            .env("PGDATABASE", database)
            .env("PGCONNECT_TIMEOUT", "5")
            .env("PGOPTIONS", "--client-min-messages=warning");
        command
    }
}

/// `psql` of whatever version: it speaks to older and newer servers.
pub(crate) fn find_psql() -> Option<PathBuf> {
    let beside = || {
        folders()
            .into_iter()
            .map(|folder| folder.join("psql"))
            .find(|p| p.is_file())
    };
    on_path("psql").or_else(beside)
}

/// The places where distributions put PostgreSQL.
pub(crate) fn folders() -> Vec<PathBuf> {
    let beside = |program: PathBuf| program.parent().map(Path::to_owned);
    let mut folders: Vec<PathBuf> = on_path("postgres").and_then(beside).into_iter().collect();
    // Of equal versions the last one is taken: a distribution's own folder is whole, while what
    // stands on the PATH may be a few links.
    folders.extend(versioned("/usr/lib/postgresql", "", "bin"));
    folders.extend(versioned("/usr/libexec", "postgresql", ""));
    folders.extend(versioned("/usr", "pgsql-", "bin"));
    folders.extend(versioned("/opt/homebrew/opt", "postgresql", "bin"));
    folders.extend(versioned("/usr/local/opt", "postgresql", "bin"));
    folders
}

fn text_of(output: &std::process::Output) -> Result<String> {
    if !output.status.success() {
        bail!(
            "psql ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
