//! Addresses of a PostgreSQL and a RabbitMQ, own or given, and what is made on them.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::database;
use crate::files::{random_hex, seconds_since_1970};
use crate::management::{Management, Policy, STANDARD_POLICY, percent_encode};

/// Databases and virtual hosts of tests live for an hour at most, so that a test that was killed
/// leaves nothing for long; no single test runs for so long.
const TEST_LIFETIME_SECONDS: u64 = 3_600;

/// A PostgreSQL and a RabbitMQ with the right to make databases and virtual hosts on them.
///
/// It has no `Debug`, since it holds passwords.
#[derive(Clone)]
pub struct Servers {
    postgres: Address,
    amqp: Address,
    management: Management,
    psql: PathBuf,
    /// The mark that somebody uses the shared test servers.
    in_use: Option<Arc<File>>,
}

/// Who and where: the common part of all our URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Servers {
    /// Servers that somebody else runs, by their URLs: `postgres://user:password@host:port`,
    /// `amqp://user:password@host:port` and `http://user:password@host:port` of the broker's
    /// management interface. The users must be allowed to make databases and virtual hosts.
    ///
    /// # Errors
    ///
    /// When a URL has another form, or there is no `psql` on this machine.
    pub fn given(postgres: &str, amqp: &str, management: &str) -> Result<Self> {
        let psql = database::find_psql().context("there is no psql on this machine")?;
        Ok(Self {
            postgres: Address::parse(postgres, &["postgres", "postgresql"], 5432)?,
            amqp: Address::parse(amqp, &["amqp"], 5672)?,
            management: Management(Address::parse(management, &["http"], 15_672)?),
            psql,
            in_use: None,
        })
    }

    pub(crate) fn own(
        postgres: Address,
        amqp: Address,
        management: Management,
        psql: PathBuf,
    ) -> Self {
        Self {
            postgres,
            amqp,
            management,
            psql,
            in_use: None,
        }
    }

    pub(crate) fn with_mark(mut self, mark: File) -> Self {
        self.in_use = Some(Arc::new(mark));
        self
    }

    /// The URL of a database.
    #[must_use]
    pub fn postgres_url(&self, database: &str) -> String {
        format!(
            "postgres://{}/{}",
            self.postgres.authority(),
            percent_encode(database)
        )
    }

    /// The URL of a virtual host.
    #[must_use]
    pub fn amqp_url(&self, vhost: &str) -> String {
        format!("amqp://{}/{}", self.amqp.authority(), percent_encode(vhost))
    }

    /// The URL of the broker's management interface, with its login.
    #[must_use]
    pub fn management_url(&self) -> String {
        format!("http://{}", self.management.0.authority())
    }

    /// The variables by which [`crate::shared_for_tests`] in a child process finds these servers.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            (
                "HANDSLAG_TEST_POSTGRES",
                format!("postgres://{}", self.postgres.authority()),
            ),
            (
                "HANDSLAG_TEST_AMQP",
                format!("amqp://{}", self.amqp.authority()),
            ),
            ("HANDSLAG_TEST_AMQP_ADMIN", self.management_url()),
        ]
    }

    /// Makes the database unless it exists.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer or refuses.
    pub fn ensure_database(&self, name: &str) -> Result<()> {
        let found = format!(
            "SELECT 1 FROM pg_database WHERE datname = {}",
            literal(name)
        );
        if self.sql("postgres", &found)?.trim() == "1" {
            return Ok(());
        }
        self.create_database(name)
    }

    /// Makes the virtual host unless it exists, and sets the policies either way.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or refuses.
    pub fn ensure_vhost(&self, name: &str, policies: &[Policy<'_>]) -> Result<()> {
        self.management.ensure_vhost(name, policies)
    }

    /// Makes an empty database for one test, and answers its URL.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer or refuses.
    pub fn fresh_database(&self, name: &str) -> Result<String> {
        let database = fresh_name(name)?;
        self.create_database(&database)?;
        Ok(self.postgres_url(&database))
    }

    /// Makes an empty virtual host with the standard policy for one test, and answers its URL.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or refuses.
    pub fn fresh_vhost(&self, name: &str) -> Result<String> {
        let vhost = fresh_name(name)?;
        self.ensure_vhost(&vhost, &[STANDARD_POLICY])?;
        Ok(self.amqp_url(&vhost))
    }

    /// Runs SQL text in a database with `psql`, statement by statement until the first error, and
    /// answers the rows as plain text with `|` between the columns.
    ///
    /// # Errors
    ///
    /// When a statement fails; the message is PostgreSQL's own.
    pub fn sql(&self, database: &str, text: &str) -> Result<String> {
        let output = self.psql(database).args(["--command", text]).output();
        text_of(&output.context("cannot run psql")?)
    }

    /// Runs a file of SQL in a database, as one transaction.
    ///
    /// # Errors
    ///
    /// When a statement fails; the message is PostgreSQL's own, with the line.
    pub fn sql_file(&self, database: &str, file: &std::path::Path) -> Result<()> {
        let output = self
            .psql(database)
            .arg("--single-transaction")
            .arg("--file")
            .arg(file)
            .output();
        text_of(&output.context("cannot run psql")?).map(drop)
    }

    /// Removes what tests left behind more than an hour ago. A failure is no reason to stop: the
    /// next run tries again.
    pub(crate) fn drop_old_tests(&self) {
        let now = seconds_since_1970();
        let list = "SELECT datname FROM pg_database WHERE datname LIKE 't\\_%'";
        for name in self.sql("postgres", list).unwrap_or_default().lines() {
            if is_old(name, now) {
                let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(name));
                let _ = self.sql("postgres", &drop);
            }
        }
        for name in self.management.vhosts().unwrap_or_default() {
            if is_old(&name, now) {
                let _ = self.management.delete_vhost(&name);
            }
        }
    }

    /// Makes a database from `template0`: `template1` may carry what somebody put there, and two
    /// databases cannot be copied from it at the same time.
    fn create_database(&self, name: &str) -> Result<()> {
        let create = format!("CREATE DATABASE {} TEMPLATE template0", identifier(name));
        self.sql("postgres", &create).map(drop)
    }

    /// `psql` with the address in its environment, since arguments are shown to every user.
    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(&self.psql);
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
            .env("PGHOST", &self.postgres.host)
            .env("PGPORT", self.postgres.port.to_string())
            .env("PGUSER", &self.postgres.user)
            .env("PGPASSWORD", &self.postgres.password)
            .env("PGDATABASE", database)
            .env("PGCONNECT_TIMEOUT", "5")
            .env("PGOPTIONS", "--client-min-messages=warning");
        command
    }
}

impl Address {
    /// Reads `scheme://user:password@host:port/…`; what follows the port is left out.
    pub(crate) fn parse(url: &str, schemes: &[&str], default_port: u16) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once("://") else {
            bail!(
                "a URL of the form {}://user:password@host:port is needed",
                schemes[0]
            );
        };
        if !schemes.contains(&scheme) {
            bail!(
                "a URL that begins with {}:// is needed, not {scheme}://",
                schemes[0]
            );
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().context("the port is no number")?),
            None => (place, default_port),
        };
        Ok(Self {
            user: percent_decode(user)?,
            password: percent_decode(password)?,
            host: host.to_owned(),
            port,
        })
    }

    fn authority(&self) -> String {
        let Self {
            user,
            password,
            host,
            port,
        } = self;
        match (user.is_empty(), password.is_empty()) {
            (true, _) => format!("{host}:{port}"),
            (false, true) => format!("{}@{host}:{port}", percent_encode(user)),
            (false, false) => {
                let (user, password) = (percent_encode(user), percent_encode(password));
                format!("{user}:{password}@{host}:{port}")
            }
        }
    }
}

/// `t_<seconds>_<random>_<name>`: the time tells its age, the random part makes it unique among
/// processes, and the number among the calls of one.
fn fresh_name(name: &str) -> Result<String> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let safe = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    // PostgreSQL cuts names at 63 bytes; the rest of the name takes about 25 of them.
    let name: String = name.chars().take(30).map(safe).collect();
    let random = random_hex(3)?;
    Ok(format!(
        "t_{}_{random}{call}_{}",
        seconds_since_1970(),
        name.to_ascii_lowercase()
    ))
}

fn is_old(name: &str, now: u64) -> bool {
    let time = name
        .strip_prefix("t_")
        .and_then(|rest| rest.split('_').next());
    let made: Option<u64> = time.and_then(|time| time.parse().ok());
    made.is_some_and(|made| made + TEST_LIFETIME_SECONDS < now)
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn percent_decode(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: String = rest.by_ref().take(2).map(char::from).collect();
        bytes.push(u8::from_str_radix(&digits, 16).context("a % is not followed by two digits")?);
    }
    String::from_utf8(bytes).context("the login is not UTF-8")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_the_urls_it_writes() {
        let address = Address {
            user: "handslag".to_owned(),
            password: "p@ss:/å".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 7_000,
        };
        let url = format!("amqp://{}/%2F", address.authority());
        assert_eq!(Address::parse(&url, &["amqp"], 5_672).unwrap(), address);
    }

    #[test]
    fn takes_the_usual_port_when_none_is_given() {
        let address = Address::parse("postgres://me@db/x", &["postgres"], 5_432).unwrap();
        assert_eq!((address.host.as_str(), address.port), ("db", 5_432));
        assert_eq!(address.password, "");
    }

    #[test]
    fn refuses_urls_of_another_kind() {
        assert!(Address::parse("127.0.0.1:5432", &["postgres"], 5_432).is_err());
        assert!(Address::parse("mysql://db", &["postgres"], 5_432).is_err());
        assert!(Address::parse("postgres://db:x/", &["postgres"], 5_432).is_err());
    }

    #[test]
    fn names_never_meet_and_fit_into_postgresql() {
        let long = "Räknar alla undertecknare som tillkom efter ceremonin";
        let (one, other) = (fresh_name(long).unwrap(), fresh_name(long).unwrap());
        assert_ne!(one, other);
        assert!(one.len() <= 63, "{one}");
    }

    #[test]
    fn tells_old_test_databases_from_young_and_foreign_ones() {
        assert!(is_old("t_1000_ab0_x", 10_000));
        assert!(!is_old("t_9000_ab0_x", 10_000));
        assert!(!is_old("registry", 10_000));
        assert!(!is_old("t_registry", 10_000));
    }

    #[test]
    fn quotes_what_would_end_a_name_or_text() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("a'b"), "'a''b'");
    }
}
