//! What can happen to the private servers.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use handslag_local_infra::{STANDARD_POLICY, Servers, Tmpfs, postgres_program};

use super::{Own, database_of};

/// Long enough for any step on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long something is watched that must not happen.
const WATCH: Duration = Duration::from_millis(500);

fn eventually(what: &str, holds: impl FnMut() -> bool) {
    assert!(within(PATIENCE, holds), "waited in vain: {what}");
}

fn within(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if started.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A session of its own, which runs one statement; killed when it is dropped.
struct Session(Child);

impl Session {
    fn start(servers: &Servers, statement: &str) -> Self {
        let mut psql = Command::new(postgres_program("psql").unwrap());
        psql.arg(servers.postgres_url("postgres"))
            .args(["--no-psqlrc", "--quiet", "--command", statement])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(psql.spawn().unwrap())
    }

    fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_database_stands_still_crashes_and_fails_over() {
    let own = Own::start("database");
    let infra = &own.infra;
    infra.sql("postgres", "CREATE TABLE t (x int)").unwrap();
    let insert = |x: u32| format!("INSERT INTO t VALUES ({x})");

    let paused = infra.pause_database().unwrap();
    let mut waiting = Session::start(infra, &insert(1));
    assert!(!within(WATCH, || waiting.has_ended()));
    drop(paused);
    eventually("the session goes on", || waiting.has_ended());

    let mut sleeper = Session::start(infra, "SELECT pg_sleep(0.2), 'sleeper'");
    let pid = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%sleeper%' AND pid <> \
               pg_backend_pid()";
    let mut number = String::new();
    eventually("the session is seen", || {
        number = infra.sql("postgres", pid).unwrap().trim().to_owned();
        !number.is_empty()
    });
    let paused = infra.pause_session(number.parse().unwrap()).unwrap();
    assert!(!within(WATCH, || sleeper.has_ended()));
    infra.sql("postgres", &insert(2)).unwrap();
    paused.resume().unwrap();
    eventually("the session goes on", || sleeper.has_ended());
    assert!(infra.pause_session(1).is_err(), "no session of ours");

    infra.crash_database().unwrap();
    assert!(infra.sql("postgres", "SELECT 1").is_err());
    assert!(infra.pause_database().is_err());
    infra.start_database().unwrap();
    let log = std::fs::read_to_string(own.data_dir.join("postgres/server.log")).unwrap();
    assert!(log.contains("was not properly shut down"), "{log}");
    assert_eq!(
        infra
            .sql("postgres", "SELECT sum(x) FROM t")
            .unwrap()
            .trim(),
        "3"
    );

    let standby = infra.start_standby().unwrap();
    let paused = standby.pause().unwrap();
    let mut commit = Session::start(infra, &insert(3));
    assert!(
        !within(WATCH, || commit.has_ended()),
        "a commit waits for the standby"
    );
    paused.resume().unwrap();
    eventually("the commit goes on", || commit.has_ended());
    standby.kill().unwrap();
    assert!(standby.sql("postgres", "SELECT 1").is_err());
    standby.start().unwrap();
    infra.sql("postgres", &insert(4)).unwrap();
    assert!(
        standby.sql("postgres", &insert(5)).is_err(),
        "read only until promoted"
    );

    infra.kill_database().unwrap();
    standby.promote().unwrap();
    standby.sql("postgres", &insert(5)).unwrap();
    assert_eq!(
        standby
            .sql("postgres", "SELECT sum(x) FROM t")
            .unwrap()
            .trim(),
        "15"
    );
    assert!(standby.postgres_url("t").ends_with("/t"));
    standby.remove().unwrap();
    infra.start_database().unwrap();
    // Would wait for ever if the standby were still wished for.
    infra.sql("postgres", &insert(6)).unwrap();
    let second = infra.start_standby().unwrap();
    assert_eq!(
        second
            .sql("postgres", "SELECT sum(x) FROM t")
            .unwrap()
            .trim(),
        "16"
    );
    std::mem::forget(second);
    infra.stop().unwrap();
    infra.start_database().unwrap();
    infra.sql("postgres", &insert(7)).unwrap();
}

#[test]
fn a_database_comes_back_as_it_was_at_a_point_in_its_log() {
    let own = Own::start("archive");
    let sql = |text: &str| own.infra.sql("postgres", text).unwrap();
    sql("CREATE TABLE kept (n int)");
    // Twice: the second time on the restored server and its new timeline.
    for (first, point) in [(1, "one"), (4, "two")] {
        own.infra.start_archive().unwrap();
        let insert = |n: i32| sql(&format!("INSERT INTO kept VALUES ({n})"));
        insert(first);
        own.infra.back_up().unwrap();
        insert(first + 1);
        sql(&format!("SELECT pg_create_restore_point('{point}')"));
        insert(first + 2);
        own.infra.archive_log().unwrap();
        own.infra.lose_database().unwrap();
        assert!(own.infra.sql("postgres", "SELECT 1").is_err());
        own.infra.restore_database(point).unwrap();
        let kept = sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM kept");
        let wanted = if first == 1 { "1 2" } else { "1 2 4 5" };
        assert_eq!(kept.trim(), wanted);
        own.infra.stop_archive().unwrap();
    }
    // It is a server like any other.
    own.infra.crash_database().unwrap();
    own.infra.start_database().unwrap();
    sql("INSERT INTO kept VALUES (7)");
}

#[test]
fn the_broker_stands_still_is_blocked_and_loses_everything_but_its_operators_word() {
    let own = Own::start("broker");
    let infra = &own.infra;
    let url = infra.fresh_vhost("wiped").unwrap();
    let vhost = infra.vhost_of(&url).unwrap();
    assert_eq!(vhost.name(), database_of(&url));

    let paused = infra.pause_broker().unwrap();
    let mut answer = None;
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| vhost.queues());
        assert!(!within(WATCH, || asked.is_finished()));
        drop(paused);
        answer = Some(asked.join().unwrap());
    });
    assert!(answer.unwrap().unwrap().is_empty());

    infra.broker_memory_alarm(true).unwrap();
    infra.broker_memory_alarm(false).unwrap();

    let policy = || {
        let queues = vhost.queues().unwrap();
        queues.first().and_then(|queue| queue.policy.clone())
    };
    vhost.declare_queue("handslag.q", "quorum").unwrap();
    assert!(vhost.publish("", "handslag.q", "{}", b"lost").unwrap());
    eventually("the policy applies", || policy().is_some());
    infra.wipe_broker().unwrap();
    assert!(
        vhost.queues().unwrap().is_empty(),
        "the virtual host is there, and empty"
    );
    vhost.declare_queue("handslag.q", "quorum").unwrap();
    eventually("the policy is there", || {
        policy().as_deref() == Some(STANDARD_POLICY.name)
    });
    infra.vhost("never made").queues().unwrap_err();
}

#[test]
fn a_virtual_host_tells_and_loses_its_queues_bindings_and_messages() {
    let servers = handslag_local_infra::shared_for_tests().unwrap();
    let url = servers.fresh_vhost("interface").unwrap();
    let vhost = servers.vhost_of(&url).unwrap();
    vhost.declare_queue("q/1", "quorum").unwrap();
    vhost.bind("amq.topic", "q/1", "a.#").unwrap();
    assert!(vhost.publish("amq.topic", "a.b", "{}", b"taken").unwrap());
    assert!(!vhost.publish("amq.topic", "b", "{}", b"not taken").unwrap());
    assert!(
        vhost
            .publish("", "q/1", r#"{"message_id": "7"}"#, b"\xFF\x00")
            .unwrap()
    );
    let count = || {
        let queues = vhost.queues().unwrap();
        assert_eq!((queues.len(), queues[0].name.as_str()), (1, "q/1"));
        assert_eq!(queues[0].kind, "quorum");
        queues[0].messages
    };
    eventually("both are counted", || count() == Some(2));
    vhost.purge_queue("q/1").unwrap();
    eventually("none is counted", || count() == Some(0));
    assert_eq!(vhost.unbind("amq.topic", "q/1").unwrap(), 1);
    assert_eq!(vhost.unbind("amq.topic", "q/1").unwrap(), 0);
    assert!(
        !vhost
            .publish("amq.topic", "a.b", "{}", b"not taken any more")
            .unwrap()
    );
    assert!(
        vhost
            .bindings()
            .unwrap()
            .iter()
            .all(|one| one.source.is_empty())
    );
    vhost.delete_queue("q/1").unwrap();
    assert!(vhost.queues().unwrap().is_empty());
    let refusal = format!("{:#}", vhost.delete_queue("q/1").unwrap_err());
    assert!(
        refusal.contains("cannot delete the queue q/1") && refusal.contains("404"),
        "{refusal}"
    );
    vhost.delete_exchange("amq.topic").unwrap_err();
    assert!(vhost.publish("nowhere", "a", "{}", b"").is_err());
    assert_eq!(vhost.connections().unwrap(), []);
    assert_eq!(vhost.close_connections().unwrap(), 0);
}

#[test]
fn servers_live_on_a_small_disk_and_survive_that_it_is_full() {
    // Refused without root, which its own tests show.
    let Ok(disk) = Tmpfs::mount(1_024) else {
        return;
    };
    let own = Own::at(disk.path().join("servers"));
    let infra = &own.infra;
    infra.sql("postgres", "CREATE TABLE t (x text)").unwrap();
    let insert = "INSERT INTO t SELECT repeat(md5(n::text), 100) FROM generate_series(1, 2000) n";
    infra.sql("postgres", insert).unwrap();
    disk.fill().unwrap();
    let refusal = infra.sql("postgres", insert).unwrap_err().to_string();
    assert!(refusal.contains("No space left"), "{refusal}");
    disk.free().unwrap();
    eventually("there is room again", || {
        infra.sql("postgres", insert).is_ok()
    });
    let rows = infra.sql("postgres", "SELECT count(*) FROM t").unwrap();
    assert_eq!(rows.trim(), "4000");
}
