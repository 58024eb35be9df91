//! The private servers, for real: start, attach, kill, start again.

#![expect(clippy::unwrap_used, reason = "in a test an unwrap is the assertion")]

mod faults;

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use handslag_local_infra::{Infra, Options, STANDARD_POLICY, Servers, shared_for_tests};

/// A set of servers of its own in a place that the servers' account may enter; stopped and removed
/// at the end of the test, also of one that failed.
struct Own {
    infra: Infra,
    data_dir: PathBuf,
}

impl Own {
    fn start(name: &str) -> Self {
        let name = format!("/var/tmp/handslag-{name}-{}", std::process::id());
        Self::at(PathBuf::from(name))
    }

    fn at(data_dir: PathBuf) -> Self {
        Self {
            infra: start(&data_dir),
            data_dir,
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.infra.stop();
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }
}

fn start(data_dir: &Path) -> Infra {
    let progress = &mut |_: &str| {};
    let data_dir = data_dir.to_owned();
    Infra::start(Options {
        data_dir,
        port_base: None,
        durable: false,
        progress,
    })
    .unwrap()
}

/// Host and port of a URL of ours.
fn place(url: &str) -> String {
    let authority = url.split("://").nth(1).unwrap().split('/').next().unwrap();
    authority.rsplit('@').next().unwrap().to_owned()
}

fn database_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

fn with_password(servers: &Servers, password: &str) -> Servers {
    let replace = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap();
        format!(
            "{scheme}://handslag:{password}@{}",
            rest.rsplit('@').next().unwrap()
        )
    };
    let [postgres, amqp, admin] = servers.environment().map(|(_, url)| replace(&url));
    Servers::given(&postgres, &amqp, &admin).unwrap()
}

#[test]
fn attaches_to_running_servers_and_survives_a_kill_of_both() {
    let own = Own::start("kill");
    let infra = &own.infra;
    infra.ensure_database("kept").unwrap();
    infra
        .sql("kept", "CREATE TABLE t (x int); INSERT INTO t VALUES (7)")
        .unwrap();
    infra.ensure_vhost("kept", &[STANDARD_POLICY]).unwrap();

    let started = Instant::now();
    let again = start(&own.data_dir);
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "attaching took {:?}",
        started.elapsed()
    );
    assert_eq!(again.postgres_url("kept"), infra.postgres_url("kept"));
    assert_eq!(again.amqp_url("kept"), infra.amqp_url("kept"));

    infra.kill_database().unwrap();
    infra.kill_broker().unwrap();
    assert!(TcpStream::connect(place(&infra.amqp_url("kept"))).is_err());
    let after = start(&own.data_dir);
    assert_eq!(after.postgres_url("kept"), infra.postgres_url("kept"));
    assert_eq!(after.sql("kept", "SELECT x FROM t").unwrap().trim(), "7");
    after.ensure_database("kept").unwrap();
    after.ensure_vhost("kept", &[STANDARD_POLICY]).unwrap();

    after.stop_broker().unwrap();
    assert!(TcpStream::connect(place(&infra.amqp_url("kept"))).is_err());
    after.start_broker().unwrap();
    assert!(TcpStream::connect(place(&infra.amqp_url("kept"))).is_ok());

    after.stop_database().unwrap();
    assert!(after.sql("kept", "SELECT 1").is_err());
    after.start_database().unwrap();
    assert_eq!(after.sql("kept", "SELECT x FROM t").unwrap().trim(), "7");

    // What a caller leaves that was killed between starting the servers and remembering them.
    let memory = own.data_dir.join("servers.json");
    let text = std::fs::read_to_string(&memory).unwrap();
    let mut state: serde_json::Value = serde_json::from_str(&text).unwrap();
    for name in ["postgres", "broker", "port_mapper"] {
        state[name] = serde_json::Value::Null;
    }
    std::fs::write(&memory, state.to_string()).unwrap();
    let started = Instant::now();
    let adopted = start(&own.data_dir);
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "adopting took {:?}",
        started.elapsed()
    );
    assert_eq!(adopted.postgres_url("kept"), infra.postgres_url("kept"));
}

#[test]
fn gives_each_test_a_database_and_a_virtual_host_of_its_own() {
    let servers = shared_for_tests().unwrap();
    let (one, other) = (
        servers.fresh_database("twin").unwrap(),
        servers.fresh_database("twin").unwrap(),
    );
    assert_ne!(one, other);
    servers
        .sql(database_of(&one), "CREATE TABLE mine (x int)")
        .unwrap();
    assert!(
        servers
            .sql(database_of(&other), "SELECT * FROM mine")
            .is_err()
    );
    let sorted = "SELECT string_agg(x, '' ORDER BY x COLLATE \"sv-x-icu\") \
                  FROM unnest('{ö,a,ä,z,å}'::text[]) AS x";
    assert_eq!(
        servers.sql(database_of(&one), sorted).unwrap().trim(),
        "azåäö"
    );

    let started = Instant::now();
    let (one, other) = (
        servers.fresh_vhost("twin").unwrap(),
        servers.fresh_vhost("twin").unwrap(),
    );
    assert_ne!(one, other);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "hosts took {:?}",
        started.elapsed()
    );
    servers
        .ensure_vhost(database_of(&one), &[STANDARD_POLICY])
        .unwrap();
}

#[test]
fn lets_nobody_in_without_the_password() {
    let servers = shared_for_tests().unwrap();
    for password in ["", "handslag", "guest"] {
        let stranger = with_password(&servers, password);
        assert!(
            stranger.sql("postgres", "SELECT 1").is_err(),
            "password {password:?}"
        );
        assert!(
            stranger.fresh_vhost("stranger").is_err(),
            "password {password:?}"
        );
    }
    let [_, amqp, admin] = servers.environment().map(|(_, url)| url);
    let postgres = format!(
        "postgres://postgres:x@{}",
        place(&servers.postgres_url("postgres"))
    );
    let guest = format!("http://guest:guest@{}", place(&admin));
    assert!(
        Servers::given(&postgres, &amqp, &guest)
            .unwrap()
            .fresh_vhost("guest")
            .is_err()
    );
}

#[test]
fn listens_on_this_machine_alone() {
    let servers = shared_for_tests().unwrap();
    let ports: Vec<String> = servers
        .environment()
        .iter()
        .map(|(_, url)| place(url).rsplit(':').next().unwrap().to_owned())
        .collect();
    // The kernel's own table: a port bound to 0.0.0.0 would stand there with address 00000000.
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    for port in ports {
        let everywhere = format!(
            " 00000000:{:04X} 00000000:0000 0A",
            port.parse::<u16>().unwrap()
        );
        assert!(
            !table.contains(&everywhere),
            "port {port} is open to the network"
        );
    }
}
