//! The platform's tables and the service's, as one list in one table of versions.
//!
//! # Design notes
//! Migrations go forward only: first expand, then contract. What only adds (a table, a column that
//! may be empty, an index) is named `expand …`, and the program before it goes on working on it: so
//! that old and new replicas run side by side, and an upgrade can be taken back. Any other migration
//! that a program does not know makes it refuse the database.
//!
//! Each runs in a transaction of its own, together with the row that says so: one that is aborted,
//! at whatever point, has not happened. None may opt out of that.

use std::borrow::Cow;

use anyhow::ensure;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;

/// The first version number of a service's own migrations; those below are the platform's.
pub const SERVICE_VERSION_LEAST: i64 = 100;
/// The oldest PostgreSQL that is tried, and that has all that is used.
pub const POSTGRES_LEAST: u32 = 15;
/// How a migration begins that the program before it goes on working on.
const EXPAND: &str = "expand";
/// How the server finds out that a migration's owner is gone, instead of holding its locks to the end.
const OWNER_LOOK_PAUSE: &str = "5s";

static PLATFORM: Migrator = sqlx::migrate!("./migrations");

/// Why a database cannot be told to be up to date or not.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The database did not answer.
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
    /// Its schema is newer than the program.
    #[error(
        "the database's schema is newer than this program: it has the migration {version} \
         ({description}), which this program does not know; run the program's newer version"
    )]
    Newer {
        /// The unknown migration.
        version: i64,
        /// What it does.
        description: String,
    },
    /// The server is too old.
    #[error("the server is PostgreSQL {major}, and at least PostgreSQL {POSTGRES_LEAST} is needed")]
    OldServer {
        /// Its version.
        major: u32,
    },
    /// The program's own list is wrong.
    #[error("{0}")]
    Inconsistent(String),
}

/// The platform's migrations, versions 1 to 99.
#[must_use]
pub fn platform() -> &'static Migrator {
    &PLATFORM
}

/// The platform's and the service's migrations as one list.
///
/// # Errors
/// When a number is in the other's range, or one does not run in a transaction.
pub fn merged(service: &Migrator) -> anyhow::Result<Migrator> {
    let mut all: Vec<_> = PLATFORM.iter().cloned().collect();
    for own in service.iter() {
        ensure!(
            own.version >= SERVICE_VERSION_LEAST,
            "migration {} has a number of the platform's",
            own.version
        );
        all.push(own.clone());
    }
    for one in &all {
        ensure!(
            !one.no_tx,
            "migration {} would not run in a transaction",
            one.version
        );
    }
    Ok(Migrator {
        migrations: Cow::Owned(all),
        ..Migrator::DEFAULT
    })
}

/// Brings a database up to date. Several processes may try at once: an advisory lock lets one do
/// it.
///
/// # Errors
/// When a migration fails, one that was applied has changed since, or the schema is newer than the
/// program.
pub async fn run(pool: &PgPool, service: &Migrator) -> anyhow::Result<()> {
    let mut migrator = merged(service)?;
    let mut connection = pool.acquire().await?;
    refuse_old_server(&connection)?;
    if is_migrated(&mut connection).await? {
        refuse_newer(&applied(&mut connection).await?, &migrator)?;
    }
    // What is still unknown only adds.
    migrator.set_ignore_missing(true);
    // Building an index takes longer than a call may.
    sqlx::query("SET statement_timeout = 0")
        .execute(&mut *connection)
        .await?;
    let looks = sqlx::query("SELECT set_config('client_connection_check_interval', $1, false)")
        .bind(OWNER_LOOK_PAUSE)
        .execute(&mut *connection)
        .await;
    if let Err(error) = looks {
        // Servers on systems that cannot tell; there a migration without an owner ends by itself.
        tracing::debug!(%error, "the server will not look whether we are still there");
    }
    let result = migrator.run(&mut *connection).await;
    // Not given back to the pool, since its settings differ from the others'.
    connection.close().await?;
    Ok(result?)
}

/// What keeps the database from being up to date, one sentence each; none when it is.
///
/// # Errors
/// When the database does not answer, its schema is newer than the program, or the server is too
/// old.
pub async fn pending(pool: &PgPool, service: &Migrator) -> Result<Vec<String>, Refusal> {
    let mut connection = pool.acquire().await?;
    pending_on(&mut connection, service).await
}

/// As [`pending`], on one connection.
///
/// # Errors
/// As [`pending`].
pub async fn pending_on(
    connection: &mut PgConnection,
    service: &Migrator,
) -> Result<Vec<String>, Refusal> {
    refuse_old_server(connection)?;
    let migrator = merged(service).map_err(|error| Refusal::Inconsistent(format!("{error:#}")))?;
    if !is_migrated(connection).await? {
        return Ok(vec!["the database was never migrated".to_owned()]);
    }
    if !may_read_versions(connection).await? {
        return Ok(vec![NOT_GRANTED.to_owned()]);
    }
    let applied = applied(connection).await?;
    refuse_newer(&applied, &migrator)?;
    let mut missing = Vec::new();
    for migration in migrator.iter() {
        let version = migration.version;
        match applied.iter().find(|one| one.version == version) {
            None => missing.push(format!("migration {version} is missing")),
            Some(one) if !one.success => {
                missing.push(format!("migration {version} broke off half way"));
            }
            Some(one) if *one.checksum != *migration.checksum => {
                missing.push(format!("migration {version} was changed after it ran"));
            }
            Some(_) => {}
        }
    }
    if missing.is_empty() && lacks_rights(connection).await? {
        missing.push(NOT_GRANTED.to_owned());
    }
    Ok(missing)
}

/// Says so when the server is older than [`POSTGRES_LEAST`].
///
/// # Errors
/// [`Refusal::OldServer`].
pub fn refuse_old_server(connection: &PgConnection) -> Result<(), Refusal> {
    match connection.server_version_num() {
        Some(number) => refuse_old(number),
        None => Ok(()),
    }
}

/// 150004 is 15.4.
fn refuse_old(number: u32) -> Result<(), Refusal> {
    let major = number / 10_000;
    if major < POSTGRES_LEAST {
        return Err(Refusal::OldServer { major });
    }
    Ok(())
}

/// What is said when the role may not use what there is.
const NOT_GRANTED: &str =
    "this role has not been granted what it needs: `migrate --grant-to` has not run for it";

/// A migration that was applied.
#[derive(Debug, sqlx::FromRow)]
struct Applied {
    version: i64,
    description: String,
    success: bool,
    checksum: Vec<u8>,
}

async fn is_migrated(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(connection)
        .await
}

async fn may_read_versions(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT has_table_privilege('_sqlx_migrations', 'SELECT')")
        .fetch_one(connection)
        .await
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    sqlx::query_as(
        "SELECT version, description, success, checksum FROM _sqlx_migrations ORDER BY version",
    )
    .fetch_all(connection)
    .await
}

/// Whether a table or function that the last migrations made is not ours to use yet.
async fn lacks_rights(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM pg_class made, pg_class versions
             WHERE versions.oid = to_regclass('_sqlx_migrations')
               AND made.relnamespace = versions.relnamespace
               AND made.relowner = versions.relowner AND made.oid <> versions.oid
               AND made.relkind IN ('r', 'p') AND NOT made.relispartition
               AND NOT has_table_privilege(made.oid, 'INSERT'))
           OR EXISTS (
             SELECT FROM pg_proc made, pg_class versions
             WHERE versions.oid = to_regclass('_sqlx_migrations')
               AND made.pronamespace = versions.relnamespace
               AND made.proowner = versions.relowner
               -- Triggers run whoever may call them.
               AND made.prorettype <> 'trigger'::regtype
               AND NOT has_function_privilege(made.oid, 'EXECUTE'))",
    )
    .fetch_one(connection)
    .await
}

/// Says so when a migration was applied that the program does not know and that does more than add.
fn refuse_newer(applied: &[Applied], known: &Migrator) -> Result<(), Refusal> {
    let newer = applied
        .iter()
        .find(|one| !known.version_exists(one.version) && !only_adds(&one.description));
    match newer {
        Some(newer) => Err(Refusal::Newer {
            version: newer.version,
            description: newer.description.clone(),
        }),
        None => Ok(()),
    }
}

fn only_adds(description: &str) -> bool {
    description.split_whitespace().next() == Some(EXPAND)
}

#[cfg(test)]
mod tests {
    use super::{Applied, PLATFORM, Refusal, refuse_newer, refuse_old};

    fn applied(version: i64, description: &str) -> Applied {
        Applied {
            version,
            description: description.to_owned(),
            success: true,
            checksum: Vec::new(),
        }
    }

    #[test]
    fn a_server_before_15_is_refused_by_name() {
        assert!(refuse_old(150_000).is_ok() && refuse_old(180_001).is_ok());
        let said = refuse_old(140_019).unwrap_err().to_string();
        let wanted = "the server is PostgreSQL 14, and at least PostgreSQL 15 is needed";
        assert_eq!(said, wanted);
    }

    #[test]
    fn a_newer_schema_is_refused_unless_it_only_adds() {
        let before = [applied(1, "platform"), applied(104, "expand titles")];
        assert!(refuse_newer(&before, &PLATFORM).is_ok());
        for description in ["contract titles", "expanded", ""] {
            let newer = [applied(1, "platform"), applied(105, description)];
            let refusal = refuse_newer(&newer, &PLATFORM).unwrap_err();
            assert!(matches!(refusal, Refusal::Newer { version: 105, .. }));
        }
    }
}
