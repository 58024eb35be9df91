//! The role that serves: what it may do is shown by every other test, what it may not here.

use handslag_local_infra::{Login, shared_for_tests};
use handslag_platform::config::Config;
use handslag_platform::database::{Database, grants, migrations};
use handslag_platform::testing::Bed;
use handslag_platform::{Service as _, id};
use sqlx::postgres::PgPool;

use crate::probe::Probe;

/// PostgreSQL's code for "permission denied".
const DENIED: &str = "42501";

/// A database with its tables, for its owner, and a role without rights.
async fn fresh(name: &'static str) -> (Database, Login, String) {
    let made = tokio::task::spawn_blocking(move || {
        let servers = shared_for_tests()?;
        anyhow::Ok((servers.fresh_database(name)?, servers.fresh_role(name)?))
    });
    let (url, login) = made.await.unwrap().unwrap();
    let config = Config::local(&url, "amqp://nowhere").unwrap().database;
    let owner = Database::connect(&config, "owner").await.unwrap();
    migrations::run(owner.pool(), Probe::migrations())
        .await
        .unwrap();
    let url = login.within(&url).unwrap();
    (owner, login, url)
}

/// The code with which a statement is refused; empty when it is not.
async fn refused(pool: &PgPool, statement: &'static str) -> String {
    match sqlx::raw_sql(statement).execute(pool).await {
        Ok(_) => String::new(),
        Err(error) => {
            let error = error.into_database_error().unwrap();
            error.code().unwrap_or_default().into_owned()
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_serving_role_changes_no_table_and_nothing_that_was_said() {
    let bed = Bed::start::<Probe>("grants-refused").await;
    let pool = bed.running().database.pool();
    for statement in [
        "CREATE TABLE mine (id bigint)",
        "CREATE TEMPORARY TABLE mine (id bigint)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE effect ADD COLUMN more text",
        "DROP TABLE effect",
        "TRUNCATE effect",
        "CREATE INDEX mine ON effect (name)",
        "UPDATE outbox SET type = 'forged'",
        "DELETE FROM outbox",
        "TRUNCATE outbox",
        "ALTER TABLE outbox DISABLE TRIGGER ALL",
        "DROP TRIGGER outbox_insert_only ON outbox",
        // Past the whole log, where its trigger does not stand.
        "SELECT FROM outbox_p0",
        "UPDATE outbox_p0 SET type = 'forged'",
        "DELETE FROM outbox_p0",
        "UPDATE audit_seal SET digest = digest",
        "DELETE FROM audit_seal",
        "DELETE FROM _sqlx_migrations",
        "UPDATE _sqlx_migrations SET success = true",
        "INSERT INTO _sqlx_migrations SELECT * FROM _sqlx_migrations",
        "SET session_replication_role = replica",
    ] {
        assert_eq!(refused(pool, statement).await, DENIED, "{statement}");
    }
    // What it needs, it may: its own tables, and the upkeep of the log through the owner's function.
    for statement in [
        "INSERT INTO effect (name) VALUES ('a')",
        "UPDATE effect SET name = 'b'",
        "DELETE FROM effect",
        "SELECT count(*) FROM outbox",
        "SELECT outbox_maintain(3, NULL)",
        "SELECT count(*) FROM _sqlx_migrations",
    ] {
        assert_eq!(refused(pool, statement).await, "", "{statement}");
    }
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_may_be_given_again_and_are_missed_until_they_are() {
    let (owner, login, url) = fresh("grants-again").await;
    let config = Config::local(&url, "amqp://nowhere").unwrap().database;
    let database = Database::connect(&config, "service").await.unwrap();
    let missing = async || {
        let missing = migrations::pending(database.pool(), Probe::migrations()).await;
        missing.unwrap().join("; ")
    };
    assert!(missing().await.contains("has not been granted"));
    // Too much, given by hand, is taken away.
    let by_hand = format!(
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO \"{}\"",
        login.user
    );
    let database_name = owner
        .pool()
        .connect_options()
        .get_database()
        .unwrap()
        .to_owned();
    tokio::task::spawn_blocking(move || shared_for_tests()?.sql(&database_name, &by_hand))
        .await
        .unwrap()
        .unwrap();
    for _ in 0..2 {
        grants::to(owner.pool(), &login.user).await.unwrap();
        assert_eq!(missing().await, "");
        assert_eq!(refused(database.pool(), "DELETE FROM outbox").await, DENIED);
    }
    // A table that a later migration made is missed until it is granted.
    sqlx::raw_sql("CREATE TABLE later (id bigint)")
        .execute(owner.pool())
        .await
        .unwrap();
    assert!(missing().await.contains("has not been granted"));
    // Two at once, as two Jobs may.
    let (one, other) = tokio::join!(
        grants::to(owner.pool(), &login.user),
        grants::to(owner.pool(), &login.user)
    );
    one.unwrap();
    other.unwrap();
    assert_eq!(missing().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_none_or_too_much_is_refused_with_a_sentence() {
    let (owner, _, _) = fresh("grants-none").await;
    let said = async |role: &str| {
        let error = grants::to(owner.pool(), role).await.unwrap_err();
        format!("{error:#}")
    };
    assert!(said("nobody").await.contains("does not exist"));
    assert!(
        said("\"; DROP TABLE effect; --")
            .await
            .contains("does not exist")
    );
    assert!(said("PUBLIC").await.contains("does not exist"));
    let ourselves: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(owner.pool())
        .await
        .unwrap();
    assert!(said(&ourselves).await.contains("needs a role of its own"));
}

/// As on a managed server: who migrates is no superuser, and owns the database or only its tables.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_without_other_rights_suffices() {
    for owns_database in [true, false] {
        let made = tokio::task::spawn_blocking(move || {
            let servers = shared_for_tests()?;
            let url = servers.fresh_database("grants-owner")?;
            let (owner, service) = (servers.fresh_role("owner")?, servers.fresh_role("service")?);
            let (_, name) = url.rsplit_once('/').unwrap();
            let right = if owns_database {
                format!("ALTER DATABASE \"{name}\" OWNER TO \"{}\"", owner.user)
            } else {
                format!("GRANT CREATE ON SCHEMA public TO \"{}\"", owner.user)
            };
            servers.sql(name, &right)?;
            anyhow::Ok((owner.within(&url)?, service.within(&url)?, service))
        });
        let (owner, service, role) = made.await.unwrap().unwrap();
        let connect = async |url: &str| {
            let config = Config::local(url, "amqp://nowhere").unwrap().database;
            Database::connect(&config, "test").await.unwrap()
        };
        let owner = connect(&owner).await;
        migrations::run(owner.pool(), Probe::migrations())
            .await
            .unwrap();
        grants::to(owner.pool(), &role.user).await.unwrap();
        let service = connect(&service).await;
        let pending = migrations::pending(service.pool(), Probe::migrations()).await;
        assert_eq!(pending.unwrap(), Vec::<String>::new());
        assert_eq!(
            refused(service.pool(), "SELECT outbox_maintain(3, NULL)").await,
            ""
        );
        for statement in ["CREATE TABLE mine (id bigint)", "DELETE FROM outbox"] {
            assert_eq!(
                refused(service.pool(), statement).await,
                DENIED,
                "{statement}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_may_have_any_name() {
    let (owner, _, _) = fresh("grants-name").await;
    let name = format!("t_0_{} åäö\"'; --", id::encode(id::new()));
    let quoted = name.replace('"', "\"\"");
    let at_server = async |statement: String| {
        tokio::task::spawn_blocking(move || shared_for_tests()?.sql("postgres", &statement))
            .await
            .unwrap()
            .unwrap();
    };
    at_server(format!("CREATE ROLE \"{quoted}\"")).await;
    grants::to(owner.pool(), &name).await.unwrap();
    let may: bool = sqlx::query_scalar(
        "SELECT has_table_privilege($1, 'outbox', 'INSERT')
            AND NOT has_table_privilege($1, 'outbox', 'UPDATE')",
    )
    .bind(&name)
    .fetch_one(owner.pool())
    .await
    .unwrap();
    assert!(may);
}
