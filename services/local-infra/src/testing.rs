//! One set of servers for all tests of a user, started by the first that needs it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::account::own_user;
use crate::infra::{Infra, Options};
use crate::servers::Servers;

/// The servers that tests share. The first caller on the machine starts them (about 15 s), all
/// others attach; each test makes a database and a virtual host of its own on them.
///
/// `HANDSLAG_TEST_POSTGRES`, `HANDSLAG_TEST_AMQP` and `HANDSLAG_TEST_AMQP_ADMIN` (see
/// [`Servers::given`]) name other servers instead.
///
/// # Errors
///
/// When the servers cannot be installed or started.
pub fn shared_for_tests() -> Result<Servers> {
    static SHARED: Mutex<Option<Servers>> = Mutex::new(None);
    // A panic of another test while it waited here says nothing about the servers.
    let mut shared = SHARED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(servers) = &*shared {
        return Ok(servers.clone());
    }
    let servers = match given()? {
        Some(servers) => servers,
        None => start()?,
    };
    let swept = servers.clone();
    // Beside the tests: no test waits for what others left behind.
    std::thread::spawn(move || swept.drop_old_tests());
    Ok(shared.insert(servers).clone())
}

/// Stops the shared servers unless a test still uses them; answers whether it did.
///
/// # Errors
///
/// When they do not stop.
pub fn stop_test_servers() -> Result<bool> {
    let data_dir = test_data_dir()?;
    if !data_dir.exists() {
        return Ok(false);
    }
    if mark()?.try_lock().is_err() {
        return Ok(false);
    }
    let Some(infra) = Infra::attach(&data_dir)? else {
        return Ok(false);
    };
    infra.stop()?;
    Ok(true)
}

/// Where the shared servers keep their data. A fixed place and not the build's target folder,
/// which lies in a home that the servers' account may not enter when root runs the tests.
///
/// # Errors
///
/// When the user's number cannot be found.
pub fn test_data_dir() -> Result<PathBuf> {
    Ok(PathBuf::from(format!(
        "/var/tmp/handslag-test-{}",
        own_user()?
    )))
}

fn given() -> Result<Option<Servers>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(postgres) = variable("HANDSLAG_TEST_POSTGRES") else {
        return Ok(None);
    };
    let beside = "is needed beside HANDSLAG_TEST_POSTGRES";
    let amqp =
        variable("HANDSLAG_TEST_AMQP").with_context(|| format!("HANDSLAG_TEST_AMQP {beside}"))?;
    let admin = variable("HANDSLAG_TEST_AMQP_ADMIN")
        .with_context(|| format!("HANDSLAG_TEST_AMQP_ADMIN {beside}"))?;
    Servers::given(&postgres, &amqp, &admin).map(Some)
}

/// Servers that do not run any more are begun anew: a broker with the virtual hosts of some
/// hundred tests takes minutes to recover what nobody wants back.
fn start() -> Result<Servers> {
    let data_dir = test_data_dir()?;
    let alone = File::create(data_dir.with_extension("lock"))
        .context("cannot make the lock of the test servers")?;
    alone.lock().context("cannot lock the test servers")?;
    if data_dir.exists() && !Infra::attach(&data_dir)?.is_some_and(|infra| infra.is_whole()) {
        if let Some(infra) = Infra::attach(&data_dir)? {
            infra.stop()?;
        }
        fs::remove_dir_all(&data_dir)
            .with_context(|| format!("cannot remove {}", data_dir.display()))?;
    }
    let progress = &mut |text: &str| eprintln!("test servers: {text}");
    let infra = Infra::start(Options {
        data_dir,
        port_base: None,
        durable: false,
        progress,
    })?;
    let mark = mark()?;
    mark.lock_shared()
        .context("cannot mark the test servers as used")?;
    Ok(infra.servers().clone().with_mark(mark))
}

/// The file whose shared lock says that somebody uses the servers.
fn mark() -> Result<File> {
    let path = test_data_dir()?.join("in-use");
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))
}
