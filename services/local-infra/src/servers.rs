//! Addresses of a PostgreSQL and a RabbitMQ, own or given, and what is made on them.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::address::{Address, percent_decode, percent_encode};
use crate::files::{random_hex, seconds_since_1970};
use crate::management::{Management, Policy, STANDARD_POLICY};
use crate::psql::{Psql, find_psql};
use crate::vhost::Vhost;

/// Databases and virtual hosts of tests live for an hour at most, if it cannot be told that their
/// process has ended; no single test runs for so long.
const TEST_LIFETIME_SECONDS: u64 = 3_600;

/// A PostgreSQL and a RabbitMQ with the right to make databases and virtual hosts on them.
///
/// It has no `Debug`, since it holds passwords.
#[derive(Clone)]
pub struct Servers {
    pub(crate) psql: Psql,
    amqp: Address,
    pub(crate) management: Management,
    /// The mark that somebody uses the shared test servers.
    in_use: Option<Arc<File>>,
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
        let program = find_psql().context("there is no psql on this machine")?;
        let server = Address::parse(postgres, &["postgres", "postgresql"], 5432)?;
        Ok(Self {
            psql: Psql { program, server },
            amqp: Address::parse(amqp, &["amqp"], 5672)?,
            management: Management(Address::parse(management, &["http"], 15_672)?),
            in_use: None,
        })
    }

    pub(crate) fn own(psql: Psql, amqp: Address, management: Management) -> Self {
        Self {
            psql,
            amqp,
            management,
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
            self.psql.server.authority(),
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

    /// A virtual host, as its operator sees it.
    #[must_use]
    pub fn vhost(&self, name: &str) -> Vhost {
        Vhost::new(self.management.clone(), name)
    }

    /// The virtual host that an AMQP URL names, as [`Self::fresh_vhost`] answers one.
    ///
    /// # Errors
    ///
    /// When the URL names none.
    pub fn vhost_of(&self, amqp_url: &str) -> Result<Vhost> {
        let path = amqp_url.split('/').nth(3).unwrap_or_default();
        let name = path.split('?').next().unwrap_or_default();
        if name.is_empty() {
            bail!("the URL names no virtual host");
        }
        Ok(self.vhost(&percent_decode(name)?))
    }

    /// The variables by which [`crate::shared_for_tests`] in a child process finds these servers.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            (
                "HANDSLAG_TEST_POSTGRES",
                format!("postgres://{}", self.psql.server.authority()),
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
        self.psql.sql(database, text)
    }

    /// Runs a file of SQL in a database, as one transaction.
    ///
    /// # Errors
    ///
    /// When a statement fails; the message is PostgreSQL's own, with the line.
    pub fn sql_file(&self, database: &str, file: &Path) -> Result<()> {
        self.psql.sql_file(database, file)
    }

    /// Removes what the tests of ended processes left behind: a run of all tests would fill some ten
    /// gigabytes else. A failure is no reason to stop: the next run tries again.
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
        self.drop_old_logins(now);
    }

    /// Makes a database from `template0`: `template1` may carry what somebody put there, and two
    /// databases cannot be copied from it at the same time.
    fn create_database(&self, name: &str) -> Result<()> {
        let create = format!("CREATE DATABASE {} TEMPLATE template0", identifier(name));
        self.sql("postgres", &create).map(drop)
    }
}

/// `t_<seconds>_<machine>_<process>_<random>_<name>`: the time tells its age, machine and process
/// whether anybody may still use it; the random part makes it unique among processes, and the number
/// among the calls of one.
pub(crate) fn fresh_name(name: &str) -> Result<String> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let safe = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '_'
        }
    };
    // PostgreSQL cuts names at 63 bytes; the rest of the name takes at most 38 of them.
    let name: String = name.chars().take(25).map(safe).collect();
    let random = random_hex(3)?;
    Ok(format!(
        "t_{}_{}_{}_{random}{call}_{}",
        seconds_since_1970(),
        machine(),
        std::process::id(),
        name.to_ascii_lowercase()
    ))
}

/// What tells this machine from others that may use the same servers: numbers of processes mean
/// nothing elsewhere, and in a container something else.
fn machine() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let processes = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    (host.trim(), processes).hash(&mut hasher);
    format!("{:04x}", hasher.finish() & 0xffff)
}

/// Whether whoever made what has this name has ended: he is a process of this machine that is gone,
/// or it was made too long ago.
pub(crate) fn is_old(name: &str, now: u64) -> bool {
    let mut parts = name.split('_');
    if parts.next() != Some("t") {
        return false;
    }
    let Some(Ok(made)) = parts.next().map(str::parse::<u64>) else {
        return false;
    };
    let here = parts.next() == Some(&machine());
    let process: Option<u32> = parts.next().and_then(|number| number.parse().ok());
    let ended = process.is_some_and(|number| here && has_ended(number));
    ended || made + TEST_LIFETIME_SECONDS < now
}

/// Where processes are no folders nobody is said to have ended.
fn has_ended(process: u32) -> bool {
    Path::new("/proc/self").exists() && !Path::new("/proc").join(process.to_string()).exists()
}

pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_meet_and_fit_into_postgresql() {
        let long = "Räknar alla undertecknare som tillkom efter ceremonin";
        let (one, other) = (fresh_name(long).unwrap(), fresh_name(long).unwrap());
        assert_ne!(one, other);
        assert!(one.len() <= 63, "{one}");
    }

    #[test]
    fn tells_old_test_databases_from_young_and_foreign_ones() {
        assert!(is_old("t_1000_0000_1_ab0_x", 10_000));
        assert!(!is_old("t_9000_0000_1_ab0_x", 10_000));
        assert!(!is_old("registry", 10_000));
        assert!(!is_old("t_registry", 10_000));
    }

    #[test]
    fn tells_those_of_ended_processes_of_this_machine_from_others() {
        let now = seconds_since_1970();
        let own = fresh_name("own").unwrap();
        assert!(!is_old(&own, now), "{own}");
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        let number = ended.id();
        ended.wait().unwrap();
        let of = |machine: &str| format!("t_{now}_{machine}_{number}_ab0_x");
        assert!(is_old(&of(&machine()), now));
        assert!(!is_old(&of("elsewhere"), now));
    }

    #[test]
    fn quotes_what_would_end_a_name_or_text() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("a'b"), "'a''b'");
    }
}
