//! The program itself: what it says when something is wrong, and what it waits for.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use handslag_platform::testing::{Authority, Login, Mount, shared_for_tests};
use sqlx::{Connection as _, PgConnection};
use time::macros::datetime;

/// Longest wait for what takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nobody listens there.
const NOBODY: &str = "postgres://me:secret@127.0.0.1:1/nowhere";

/// A database without tables.
struct Place {
    url: String,
}

impl Place {
    fn new(name: &str) -> Self {
        let url = shared_for_tests().unwrap().fresh_database(name).unwrap();
        Self { url }
    }

    fn sql(&self, text: &str) -> String {
        let (_, name) = self.url.rsplit_once('/').unwrap();
        let answer = shared_for_tests().unwrap().sql(name, text).unwrap();
        answer.trim().to_owned()
    }

    fn role(&self) -> (Login, String) {
        let role = shared_for_tests().unwrap().fresh_role("process").unwrap();
        let url = role.within(&self.url).unwrap();
        (role, url)
    }

    /// How many sessions of the program wait for a lock, or are there at all.
    fn sessions(&self, waiting: bool) -> String {
        let kind = if waiting {
            "AND wait_event_type = 'Lock'"
        } else {
            ""
        };
        self.sql(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = 'handslag-registry' {kind}"
        ))
    }
}

fn program(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handslag-registry"));
    command
        .args(arguments)
        .env("HANDSLAG_DATABASE_URL", url)
        .env("HANDSLAG_AMQP_URL", "amqp://me:secret@127.0.0.1:1/nowhere");
    command
}

fn run(url: &str, arguments: &[&str]) -> Output {
    program(url, arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("secret"), "{text}");
    text
}

fn begin(url: &str, arguments: &[&str]) -> Child {
    program(url, arguments)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ended(mut child: Child) -> Output {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("the program does not end");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn a_check_waits_until_the_schema_is_there_and_may_be_used() {
    let place = Place::new("process-wait");
    let (role, url) = place.role();
    let at_once = run(&url, &["migrate", "--check"]);
    assert_eq!(at_once.status.code(), Some(1));
    assert!(said(&at_once).contains("the database was never migrated"));

    let waiting = begin(&url, &["migrate", "--check", "--wait", "60"]);
    std::thread::sleep(Duration::from_secs(3));
    let migrated = run(
        &place.url,
        &["migrate", "--wait", "10", "--grant-to", &role.user],
    );
    assert!(migrated.status.success(), "{}", said(&migrated));
    let waited = ended(waiting);
    let text = said(&waited);
    assert!(waited.status.success(), "{text}");
    // Once, though it looked several times.
    assert_eq!(
        text.matches("the database was never migrated").count(),
        1,
        "{text}"
    );
    assert!(text.contains("the database is up to date"), "{text}");
    // The role of the service may not migrate, and is not asked to.
    let forbidden = run(&url, &["migrate", "--grant-to", &role.user]);
    assert_eq!(forbidden.status.code(), Some(1), "{}", said(&forbidden));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_whose_process_is_killed_has_not_happened() {
    let place = tokio::task::spawn_blocking(|| Place::new("process-killed"));
    let place = place.await.unwrap();
    // Who makes a table of the same name holds the migration up, in its middle.
    let mut other = PgConnection::connect(&place.url).await.unwrap();
    let mut slow = other.begin().await.unwrap();
    sqlx::raw_sql("CREATE TABLE signatory_step (id int)")
        .execute(&mut *slow)
        .await
        .unwrap();
    let place = tokio::task::spawn_blocking(move || {
        let mut job = begin(&place.url, &["migrate"]);
        eventually("it is held up", || place.sessions(true) == "1");
        job.kill().unwrap();
        job.wait().unwrap();
        eventually("the server has noticed", || place.sessions(false) == "0");
        place
    })
    .await
    .unwrap();
    slow.rollback().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let tables = "SELECT count(*) FROM pg_class WHERE relname IN ('area', 'signatory_step')";
        assert_eq!(place.sql(tables), "0");
        let newest = "SELECT max(version) < 100 AND bool_and(success) FROM _sqlx_migrations";
        assert_eq!(place.sql(newest), "t");
        let again = run(&place.url, &["migrate"]);
        assert!(again.status.success(), "{}", said(&again));
        assert_eq!(place.sql(tables), "2");
    })
    .await
    .unwrap();
}

#[test]
fn a_database_that_is_down_is_waited_for() {
    let down = run(NOBODY, &["migrate", "--check", "--wait", "2"]);
    assert_eq!(down.status.code(), Some(1));
    let text = said(&down);
    let which = "the database nowhere at 127.0.0.1:1 does not answer";
    assert!(text.contains(which), "{text}");
    assert!(
        text.contains("waiting until the database is ready"),
        "{text}"
    );
}

#[test]
fn what_no_wait_can_mend_ends_at_once_with_a_sentence() {
    let place = Place::new("process-refused");
    let nobody = run(&place.url, &["migrate", "--grant-to", "nobody"]);
    assert_eq!(nobody.status.code(), Some(1));
    let text = said(&nobody);
    assert!(
        text.contains("nobody") && text.contains("does not exist"),
        "{text}"
    );
    place.sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'contract everything', true, '', 0)",
    );
    for arguments in [
        &["migrate", "--check", "--wait", "60"][..],
        &["migrate"],
        &[
            "serve",
            "--grpc-address",
            "127.0.0.1:0",
            "--admin-address",
            "127.0.0.1:0",
        ],
    ] {
        let began = Instant::now();
        let newer = run(&place.url, arguments);
        let text = said(&newer);
        assert_eq!(newer.status.code(), Some(1), "{text}");
        assert!(text.contains("schema is newer than this program"), "{text}");
        assert!(began.elapsed() < PATIENCE / 2);
    }
}

#[test]
fn a_certificate_that_has_expired_ends_the_start_with_a_sentence() {
    let authority = Authority::new().unwrap();
    let expired = authority
        .sign_until(Some(datetime!(2020-01-01 00:00 UTC)))
        .unwrap();
    let mount = Mount::new(&[("crt", &expired.certificate), ("key", &expired.key)]).unwrap();
    let output = program(NOBODY, &["serve"])
        .env("HANDSLAG_TLS_CERTIFICATE_FILE", mount.path("crt"))
        .env("HANDSLAG_TLS_KEY_FILE", mount.path("key"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("expired on 2020-01-01"));
}
