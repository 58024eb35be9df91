//! Databases on a PostgreSQL that somebody else runs.

use anyhow::Context;
use handslag_platform::config::Secret;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::ports::SERVICES;

/// Makes `handslag_<service>` for each service unless it exists, and gives their addresses.
///
/// # Errors
/// When the server cannot be reached or its user may not create databases.
pub(crate) async fn databases(server: &str) -> anyhow::Result<[Secret; 4]> {
    let options: PgConnectOptions = server
        .parse()
        .context("the address of PostgreSQL is no postgres:// URL")?;
    let mut connection = PgConnection::connect_with(&options.clone().database("postgres"))
        .await
        .context("PostgreSQL cannot be reached")?;
    for service in SERVICES {
        ensure(&mut connection, service).await?;
    }
    connection.close().await?;
    let (base, parameters) = match server.split_once('?') {
        Some((base, parameters)) => (base, format!("?{parameters}")),
        None => (server, String::new()),
    };
    let authority_ends = base.find("://").map_or(0, |at| at + 3);
    let base = base[authority_ends..]
        .find('/')
        .map_or(base, |slash| &base[..authority_ends + slash]);
    Ok(SERVICES.map(|service| Secret::new(format!("{base}/handslag_{service}{parameters}"))))
}

async fn ensure(connection: &mut PgConnection, service: &str) -> anyhow::Result<()> {
    // A database's name cannot be a parameter; one static statement per service keeps the SQL static.
    let (name, create) = match service {
        "registry" => ("handslag_registry", "CREATE DATABASE handslag_registry"),
        "commitments" => (
            "handslag_commitments",
            "CREATE DATABASE handslag_commitments",
        ),
        "notifications" => (
            "handslag_notifications",
            "CREATE DATABASE handslag_notifications",
        ),
        _ => ("handslag_reporting", "CREATE DATABASE handslag_reporting"),
    };
    let exists: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    if exists.is_none() {
        sqlx::query(create)
            .execute(connection)
            .await
            .with_context(|| format!("the database {name} cannot be created"))?;
    }
    Ok(())
}
