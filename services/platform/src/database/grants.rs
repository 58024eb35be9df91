//! What the role of a running service may do, and what not.
//!
//! # Design notes
//! The tables belong to the role that migrates; the role that serves may use them and change nothing
//! of them. What is insert-only is so by its trigger, and the rights follow the trigger: one place
//! says it. Partitions get no rights of their own: what may be done to the log is what may be done to
//! the whole of it. Everything is done in one transaction, so that no replica meets half of it, and
//! may be done again.
//!
//! Dropping a read model to rebuild it needs TRUNCATE, and stays with the owner.

use anyhow::{Context as _, ensure};
use sqlx::PgPool;

use crate::database::begin;

/// Takes everything from PUBLIC and from the role, and gives the role what it needs. The name comes
/// as a setting, since a block takes no parameters; `%I` quotes it.
const GRANT: &str = r"
DO $$
DECLARE
    service text := current_setting('handslag.grant_to');
    place   text := current_schema();
    made    record;
BEGIN
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, %I',
        current_database(), service);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), service);
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC, %I', place, service);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', place, service);
    FOR made IN
        SELECT c.oid::regclass AS name, CASE
            WHEN c.relispartition THEN NULL
            WHEN c.oid = to_regclass('_sqlx_migrations') THEN 'SELECT'
            WHEN EXISTS (SELECT FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                         WHERE t.tgrelid = c.oid AND p.proname = 'outbox_is_insert_only')
                THEN 'SELECT, INSERT'
            ELSE 'SELECT, INSERT, UPDATE, DELETE' END AS rights
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        -- What an extension brought belongs to somebody else.
        WHERE n.nspname = place AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC, %I', made.name, service);
        IF made.rights IS NOT NULL THEN
            EXECUTE format('GRANT %s ON TABLE %s TO %I', made.rights, made.name, service);
        END IF;
    END LOOP;
    FOR made IN
        SELECT c.oid::regclass AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = place AND c.relkind = 'S' AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, %I', made.name, service);
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', made.name, service);
    END LOOP;
    FOR made IN
        SELECT p.oid::regprocedure AS name, p.prorettype = 'trigger'::regtype AS is_trigger
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = place AND pg_has_role(p.proowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, %I', made.name, service);
        IF NOT made.is_trigger THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', made.name, service);
        END IF;
    END LOOP;
END
$$";

/// What is known of a role before anything is granted to it.
#[derive(sqlx::FromRow)]
struct Standing {
    exists: bool,
    acts_as_owner: bool,
}

/// Lets a role run the service, and no more than that. The caller owns the tables.
///
/// # Errors
/// When the role does not exist or may act as the owner, or the caller does not own the tables.
pub async fn to(pool: &PgPool, role: &str) -> anyhow::Result<()> {
    let mut tx = begin(pool).await?;
    // Two at once would change the same rows of the catalogue.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('handslag.grants', 0))")
        .execute(&mut *tx)
        .await?;
    let standing: Standing = sqlx::query_as(
        "SELECT role.oid IS NOT NULL AS exists,
                coalesce(pg_has_role(role.oid, versions.relowner, 'MEMBER'), false) AS acts_as_owner
         FROM pg_class versions LEFT JOIN pg_roles role ON role.rolname = $1
         WHERE versions.oid = to_regclass('_sqlx_migrations')",
    )
    .bind(role)
    .fetch_optional(&mut *tx)
    .await?
    .context("the database was never migrated")?;
    ensure!(
        standing.exists,
        "the role {role:?} does not exist on this server: create it first, with LOGIN and a password"
    );
    ensure!(
        !standing.acts_as_owner,
        "the role {role:?} is a superuser or may act as the owner of the tables, so that nothing \
         could be kept from it: the service needs a role of its own"
    );
    sqlx::query("SELECT set_config('handslag.grant_to', $1, true)")
        .bind(role)
        .execute(&mut *tx)
        .await?;
    sqlx::raw_sql(GRANT)
        .execute(&mut *tx)
        .await
        .with_context(|| format!("the role {role:?} could not be granted what it needs"))?;
    let may: bool = sqlx::query_scalar(
        "SELECT has_schema_privilege($1, current_schema(), 'USAGE')
            AND has_database_privilege($1, current_database(), 'CONNECT')",
    )
    .bind(role)
    .fetch_one(&mut *tx)
    .await?;
    ensure!(
        may,
        "the role {role:?} may not use the database or its schema, and this role may not let it"
    );
    tx.commit().await?;
    Ok(())
}
