//! The platform's tables and the service's, as one list in one table of versions.

use std::borrow::Cow;

use anyhow::ensure;
use sqlx::PgPool;
use sqlx::migrate::{Migrate as _, Migrator};

/// The first version number of a service's own migrations; those below are the platform's.
pub const SERVICE_VERSION_LEAST: i64 = 100;

static PLATFORM: Migrator = sqlx::migrate!("./migrations");

/// The platform's migrations, versions 1 to 99.
#[must_use]
pub fn platform() -> &'static Migrator {
    &PLATFORM
}

/// The platform's and the service's migrations as one list.
///
/// # Errors
/// When a number is in the other's range.
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
    Ok(Migrator {
        migrations: Cow::Owned(all),
        ..Migrator::DEFAULT
    })
}

/// Brings a database up to date. Several processes may try at once: an advisory lock lets one do
/// it.
///
/// # Errors
/// When a migration fails, or one that was applied has changed since.
pub async fn run(pool: &PgPool, service: &Migrator) -> anyhow::Result<()> {
    let migrator = merged(service)?;
    let mut connection = pool.acquire().await?;
    // Building an index takes longer than a call may.
    sqlx::query("SET statement_timeout = 0")
        .execute(&mut *connection)
        .await?;
    let result = migrator.run(&mut *connection).await;
    // Not given back to the pool, since its setting differs from the others'.
    connection.close().await?;
    Ok(result?)
}

/// What keeps the database from being up to date, one sentence each; none when it is.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(pool: &PgPool, service: &Migrator) -> anyhow::Result<Vec<String>> {
    let migrator = merged(service)?;
    let mut connection = pool.acquire().await?;
    let table = sqlx::query_scalar::<_, bool>("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !table {
        return Ok(vec!["the database was never migrated".to_owned()]);
    }
    let name = &migrator.table_name;
    let mut missing = Vec::new();
    if let Some(version) = connection.dirty_version(name).await? {
        missing.push(format!("migration {version} broke off half way"));
    }
    let applied = connection.list_applied_migrations(name).await?;
    for migration in migrator.iter() {
        match applied.iter().find(|one| one.version == migration.version) {
            None => missing.push(format!("migration {} is missing", migration.version)),
            Some(one) if one.checksum != migration.checksum => {
                missing.push(format!(
                    "migration {} was changed after it ran",
                    migration.version
                ));
            }
            Some(_) => {}
        }
    }
    Ok(missing)
}
