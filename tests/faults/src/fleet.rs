//! The processes of a run, and the proxies before everything that they and their clients reach.

pub(crate) mod process;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use handslag_checker::record::QueueState;
use handslag_local_infra::{Servers, Standby};
use handslag_platform::database::migrations;
use handslag_platform::{Service, id};
use handslag_runner::issuer::Issuer;
use handslag_runner::ports::SERVICES;
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::proxy::{AmqpProxy, Proxy};
use crate::site::Site;
use process::{Orders, Process};

/// Replicas of each service, in the order of [`SERVICES`]: two of those whose leader is stopped and
/// whose consumer is taken over, one of the others, since the machine is small.
const REPLICAS: [usize; 4] = [2, 1, 2, 1];
/// The first port that is tried: below those that the system hands out for outgoing connections,
/// which could take a service's port while it is being started again.
const PORT_BASE: u16 = 23_000;
/// How long a dead process stays dead: what a kubelet takes at best.
const RESTART_PAUSE: Duration = Duration::from_millis(300);

/// Where the run's own questions to the databases go: to the first server, or to the standby that
/// has taken its place.
#[derive(Clone)]
pub(crate) struct Sql {
    servers: Servers,
    promoted: Arc<OnceLock<Arc<Standby>>>,
}

impl Sql {
    fn new(servers: &Servers) -> Self {
        Self {
            servers: servers.clone(),
            promoted: Arc::default(),
        }
    }

    /// Runs SQL text, as [`Servers::sql`] does.
    pub(crate) fn run(&self, database: &str, text: &str) -> Result<String> {
        match self.promoted.get() {
            Some(standby) => standby.sql(database, text),
            None => self.servers.sql(database, text),
        }
    }

    /// From now on the standby is asked.
    pub(crate) fn promoted(&self, standby: Arc<Standby>) {
        // A second one would need a third server.
        let _ = self.promoted.set(standby);
    }

    /// Takes the standby out, to be removed.
    pub(crate) fn into_promoted(self) -> Option<Arc<Standby>> {
        self.promoted.get().cloned()
    }
}

/// Where a run's data is, and through what it is reached.
pub(crate) struct Fleet {
    /// Asks the databases.
    pub(crate) sql: Sql,
    /// Base address of the broker's management interface.
    management_url: String,
    /// Name of each service's database.
    pub(crate) databases: [String; 4],
    /// Address of each service's database without a proxy between.
    pub(crate) database_urls: [String; 4],
    /// The virtual host without a proxy between.
    pub(crate) amqp_url: String,
    /// Before PostgreSQL.
    pub(crate) to_database: Proxy,
    /// Before RabbitMQ.
    pub(crate) to_broker: AmqpProxy,
    /// Before each process, for its clients.
    pub(crate) to_service: Vec<(usize, Proxy)>,
    /// The processes; a task starts again what has died.
    pub(crate) processes: Arc<Vec<Mutex<Process>>>,
    /// Signs the clients' tokens.
    pub(crate) issuer: Arc<Issuer>,
    /// Asks admin ports.
    pub(crate) http: reqwest::Client,
    watch: CancellationToken,
}

impl Fleet {
    /// Makes databases and a virtual host, and starts every process with `failpoints`, a list of
    /// service and value.
    pub(crate) async fn start(
        servers: &Servers,
        folder: &Path,
        seed: u64,
        failpoints: &[(&str, String)],
    ) -> Result<Self> {
        let made = servers.clone();
        let (database_urls, amqp_url) = tokio::task::spawn_blocking(move || -> Result<_> {
            let urls = [0, 1, 2, 3].map(|place: usize| made.fresh_database(SERVICES[place]));
            let [a, b, c, d] = urls;
            Ok(([a?, b?, c?, d?], made.fresh_vhost("faults")?))
        })
        .await??;
        migrate_all(&database_urls).await?;
        let issuer = Arc::new(Issuer::open(folder)?);
        let to_database = Proxy::before(&database_urls[0], seed)?;
        let to_broker = AmqpProxy::before(&amqp_url, seed)?;
        let name = |url: &String| url.rsplit('/').next().unwrap_or_default().to_owned();
        let databases = [0, 1, 2, 3].map(|place: usize| name(&database_urls[place]));
        let mut processes = Vec::new();
        let mut to_service = Vec::new();
        let mut port = PORT_BASE;
        for (place, replicas) in REPLICAS.into_iter().enumerate() {
            for replica in 0..replicas {
                let orders = Orders {
                    place,
                    grpc: free(&mut port)?,
                    admin: free(&mut port)?,
                    environment: vec![
                        (
                            "HANDSLAG_DATABASE_URL",
                            to_database.through(&database_urls[place])?,
                        ),
                        ("HANDSLAG_AMQP_URL", to_broker.through(&amqp_url)?),
                        (
                            "HANDSLAG_JWKS_FILE",
                            issuer.jwks_file().display().to_string(),
                        ),
                    ],
                    log: folder.join(format!("{}-{replica}.log", SERVICES[place])),
                };
                to_service.push((place, Proxy::start(orders.grpc, seed)?));
                let mut process = Process::new(orders);
                let given = failpoints.iter().find(|(name, _)| *name == SERVICES[place]);
                process.failpoints = given.map(|(_, value)| value.clone()).unwrap_or_default();
                process.start()?;
                processes.push(Mutex::new(process));
            }
        }
        let fleet = Self {
            sql: Sql::new(servers),
            management_url: servers.management_url(),
            databases,
            database_urls,
            amqp_url,
            to_database,
            to_broker,
            to_service,
            processes: Arc::new(processes),
            issuer,
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(3))
                .no_proxy()
                .build()?,
            watch: CancellationToken::new(),
        };
        fleet.ready().await?;
        fleet.start_again_what_dies();
        Ok(fleet)
    }

    /// Waits until every process is ready.
    pub(crate) async fn ready(&self) -> Result<()> {
        for process in self.processes.iter() {
            process.lock().await.ready(&self.http).await?;
        }
        Ok(())
    }

    /// The places in the list of processes of a service.
    pub(crate) async fn of_service(&self, service: &str) -> Vec<usize> {
        let mut found = Vec::new();
        for (number, process) in self.processes.iter().enumerate() {
            if process.lock().await.service() == service {
                found.push(number);
            }
        }
        found
    }

    /// The process that leads a service's relay, by what it says of itself.
    pub(crate) async fn leader_of(&self, service: &str) -> Option<usize> {
        for number in self.of_service(service).await {
            let admin = self.processes[number].lock().await.orders.admin;
            if self.metric(admin, "handslag_relay_leader").await == Some(1) {
                return Some(number);
            }
        }
        None
    }

    /// A metric of a process, if it answers.
    pub(crate) async fn metric(&self, admin: SocketAddr, name: &str) -> Option<u64> {
        let url = format!("http://{admin}/metrics");
        let text = self.http.get(url).send().await.ok()?.text().await.ok()?;
        metric_of(&text, name)
    }

    /// Starts every process again without failpoints and with the machine's clock, whatever it was
    /// told before.
    pub(crate) async fn heal(&self) -> Result<()> {
        for process in self.processes.iter() {
            let mut process = process.lock().await;
            process.signal("CONT")?;
            if !process.failpoints.is_empty() || !process.extra.is_empty() {
                process.failpoints.clear();
                process.extra.clear();
                process.kill()?;
            }
            process.start()?;
        }
        self.ready().await
    }

    /// Stops everything in order.
    pub(crate) async fn stop(self) -> Result<()> {
        self.watch.cancel();
        for process in self.processes.iter() {
            process.lock().await.stop().await?;
        }
        Ok(())
    }

    fn start_again_what_dies(&self) {
        let (processes, watch) = (Arc::clone(&self.processes), self.watch.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = watch.cancelled() => return,
                    () = tokio::time::sleep(RESTART_PAUSE) => {}
                }
                for process in processes.iter() {
                    // A process that is locked is somebody's business at this moment.
                    let Ok(mut process) = process.try_lock() else {
                        continue;
                    };
                    if !process.is_alive()
                        && let Err(error) = process.start()
                    {
                        tracing::warn!(error = format!("{error:#}"), "not started again");
                    }
                }
            }
        });
    }
}

impl Site for Fleet {
    fn sql(&self, place: usize, text: &str) -> Result<String> {
        self.sql.run(&self.databases[place], text)
    }

    fn queues(&self) -> BoxFuture<'_, Result<Vec<QueueState>>> {
        async move {
            let vhost = self.amqp_url.rsplit('/').next().unwrap_or_default();
            let url = format!("{}/api/queues/{vhost}", self.management_url);
            let answer = self.http.get(url).send().await?.error_for_status()?;
            let answer: Value = answer.json().await?;
            let list = answer.as_array().context("the broker lists no queues")?;
            Ok(list.iter().map(queue_state).collect())
        }
        .boxed()
    }
}

/// A queue as the broker tells of it.
pub(crate) fn queue_state(queue: &Value) -> QueueState {
    QueueState {
        name: queue["name"].as_str().unwrap_or_default().to_owned(),
        ready: queue["messages_ready"].as_u64().unwrap_or(0),
        unacknowledged: queue["messages_unacknowledged"].as_u64().unwrap_or(0),
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.watch.cancel();
    }
}

/// The sum of a metric's values in Prometheus' text.
pub(crate) fn metric_of(text: &str, name: &str) -> Option<u64> {
    let values = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = rest.strip_prefix("_total").unwrap_or(rest);
        if !rest.starts_with([' ', '{']) {
            return None;
        }
        rest.rsplit(' ').next()?.parse::<f64>().ok()
    });
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counters and ages are whole, positive and far below 2^52"
    )]
    values
        .reduce(|sum, value| sum + value)
        .map(|sum| sum as u64)
}

fn free(port: &mut u16) -> Result<SocketAddr> {
    loop {
        *port = port.checked_add(1).context("no port is free")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
}

async fn migrate_all(urls: &[String; 4]) -> Result<()> {
    migrate::<handslag_registry::Registry>(&urls[0]).await?;
    migrate::<handslag_commitments::Commitments>(&urls[1]).await?;
    migrate::<handslag_notifications::Notifications>(&urls[2]).await?;
    migrate::<handslag_reporting::Reporting>(&urls[3]).await
}

async fn migrate<S: Service>(url: &str) -> Result<()> {
    let pool = PgPoolOptions::new().max_connections(1).connect(url).await?;
    migrations::run(&pool, S::migrations()).await?;
    pool.close().await;
    Ok(())
}

/// A fresh request id.
pub(crate) fn request_id() -> uuid::Uuid {
    id::new()
}
