//! `handslag up`: everything on this machine.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::Context;
use handslag_local_infra::{Infra, Options, STANDARD_POLICY};
use handslag_platform::config::{Secret, TlsConfig};

use crate::{
    city::{City, Plan},
    cli::Up,
    example,
    import::{self, Script},
    issuer::{Issuer, LocalCallers},
    ports::{Ports, SERVICES},
    reach::Tls,
    show::Progress,
    state::CityState,
};

/// Virtual host of a private broker.
const VHOST: &str = "handslag";

/// Held by the `up` that runs.
const LOCK: &str = "up.lock";

/// The servers that a city stands on.
struct Servers {
    databases: [Secret; 4],
    amqp_url: Secret,
    private: Option<Arc<Infra>>,
}

/// Starts everything, loads the record, and runs until it is told to stop.
///
/// # Errors
/// What keeps the city from starting, with what to do.
pub async fn up(options: Up) -> anyhow::Result<()> {
    let began = Instant::now();
    let show = Progress::new();
    let directory = options.data.path()?;
    fs::create_dir_all(&directory)
        .with_context(|| format!("{} cannot be made", directory.display()))?;
    let _alone = alone(&directory)?;
    if options.fresh {
        remove(&directory, &show).await?;
    }
    // Registered before the first server starts, so that an impatient Ctrl-C stops what has begun.
    let mut stop = Stop::listen()?;
    let servers = servers(&options, &directory, &show).await?;
    let outcome = tokio::select! {
        outcome = start_and_load(&options, &directory, &servers, &show) => outcome,
        () = stop.told() => Ok(None),
    };
    let result = match outcome {
        Ok(Some(city)) => {
            show.ready(&city, &directory, began.elapsed());
            stop.told().await;
            show.line("Stopping …");
            city.stop().await;
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Some(infra) = servers.private {
        tokio::task::spawn_blocking(move || infra.stop()).await??;
    }
    show.line("Stopped. The data is kept; `cargo dev up` goes on from here.");
    result
}

async fn start_and_load(
    options: &Up,
    directory: &Path,
    servers: &Servers,
    show: &Progress,
) -> anyhow::Result<Option<City>> {
    let ports = Ports::choose(options.port_base)?;
    if ports.base != options.port_base {
        show.line(&format!(
            "Ports from {} are taken; using those from {}.",
            options.port_base, ports.base
        ));
    }
    let issuer = Issuer::open(directory)?;
    let plan = Plan {
        databases: servers.databases.clone(),
        amqp_url: servers.amqp_url.clone(),
        grpc: [0, 1, 2, 3].map(|place| ports.grpc(place)),
        admin: [0, 1, 2, 3].map(|place| ports.admin(place)),
        web: ports.web(),
        jwks_file: issuer.jwks_file().to_owned(),
        token_key: token_key(directory)?,
        otlp_endpoint: std::env::var("HANDSLAG_OTLP_ENDPOINT").ok(),
        tls: TlsConfig::default(),
        callers: Tls::default(),
    };
    show.line("Migrating the databases and starting the services …");
    let city = City::start(&plan).await?;
    state(&city, &plan).save(directory)?;
    load(&city, issuer, !options.no_example, show).await?;
    Ok(Some(city))
}

/// Plays the record, and the example unless it is not wanted. Steps that are done answer at once.
///
/// # Errors
/// The first step that is refused.
pub async fn load(
    city: &City,
    issuer: Issuer,
    example: bool,
    show: &Progress,
) -> anyhow::Result<()> {
    let endpoints = city.endpoints()?;
    let callers = LocalCallers::new(issuer);
    let mut known = BTreeMap::new();
    let record = Script::record()?;
    import::run(&record, &mut known, &endpoints, &callers, |done, all| {
        show.bar("Record", done, all);
    })
    .await?;
    if example {
        let script = Script {
            title: "Exempel".to_owned(),
            steps: example::steps(),
        };
        import::run(&script, &mut known, &endpoints, &callers, |done, all| {
            show.bar("Example", done, all);
        })
        .await?;
    }
    Ok(())
}

fn state(city: &City, plan: &Plan) -> CityState {
    let named = |list: Vec<(&'static str, std::net::SocketAddr)>| {
        list.into_iter()
            .map(|(name, address)| (name.to_owned(), format!("http://{address}")))
            .collect()
    };
    CityState {
        web: format!("http://{}", city.web_address()),
        grpc: named(city.addresses()),
        admin: named(city.admin_addresses()),
        databases: SERVICES
            .iter()
            .zip(&plan.databases)
            .map(|(name, url)| ((*name).to_owned(), url.expose().to_owned()))
            .collect(),
        amqp_url: plan.amqp_url.expose().to_owned(),
    }
}

async fn servers(options: &Up, directory: &Path, show: &Progress) -> anyhow::Result<Servers> {
    if let (Some(postgres), Some(amqp)) = (&options.postgres_url, &options.amqp_url) {
        let databases = crate::given::databases(postgres).await?;
        return Ok(Servers {
            databases,
            amqp_url: Secret::new(amqp.clone()),
            private: None,
        });
    }
    let (data_dir, say) = (directory.join("servers"), show.clone());
    tokio::task::spawn_blocking(move || private(data_dir, &say)).await?
}

fn private(data_dir: PathBuf, show: &Progress) -> anyhow::Result<Servers> {
    let mut say = |text: &str| show.line(text);
    let infra = Infra::start(Options {
        data_dir,
        port_base: None,
        durable: true,
        progress: &mut say,
    })?;
    for service in SERVICES {
        infra.ensure_database(service)?;
    }
    infra.ensure_vhost(VHOST, &[STANDARD_POLICY])?;
    Ok(Servers {
        databases: SERVICES.map(|service| Secret::new(infra.postgres_url(service))),
        amqp_url: Secret::new(infra.amqp_url(VHOST)),
        private: Some(Arc::new(infra)),
    })
}

/// Two cities on the same data would each stop the servers under the other.
fn alone(directory: &Path) -> anyhow::Result<fs::File> {
    let lock = fs::File::create(directory.join(LOCK))?;
    lock.try_lock().with_context(|| {
        format!(
            "a city is already up on {}: stop it, or name another --data-dir",
            directory.display()
        )
    })?;
    Ok(lock)
}

/// Page and resume tokens outlive a restart, so their key does.
fn token_key(directory: &Path) -> anyhow::Result<Secret> {
    use std::os::unix::fs::PermissionsExt;
    let path = directory.join("token.key");
    if !path.exists() {
        let key: String = handslag_platform::id::random_bytes::<32>()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        fs::write(&path, key)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(Secret::new(fs::read_to_string(&path)?.trim().to_owned()))
}

/// Begins anew. Only a directory that a city was in is deleted: a slip of the hand in `--data-dir` must not cost
/// somebody a home directory.
async fn remove(directory: &Path, show: &Progress) -> anyhow::Result<()> {
    let ours = directory.join("city.json").exists() || directory.join("servers").exists();
    let empty =
        fs::read_dir(directory)?.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK));
    anyhow::ensure!(
        ours || empty,
        "{} holds no city: it is not deleted",
        directory.display()
    );
    show.line(&format!("Deleting the data in {} …", directory.display()));
    let servers = directory.join("servers");
    if servers.exists() {
        let stopped = tokio::task::spawn_blocking(move || {
            Infra::attach(&servers)?.map_or(Ok(()), |infra| infra.stop())
        });
        stopped.await??;
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.ends_with(LOCK) {
            continue;
        }
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Ctrl-C and SIGTERM.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
