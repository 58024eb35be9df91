//! A city for one test: four services with databases and a virtual host of their own.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use handslag_platform::config::{Secret, TlsConfig};
use handslag_runner::{
    city::{City, Plan},
    example,
    import::{self, Callers, Refusal, Script},
    issuer::{Issuer, LocalCallers},
    reach::Tls,
};
use serde_json::Value;
use tonic::Status;

/// Patience of [`eventually`]: far above what a loaded two-core machine takes, so that only a fault exceeds it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A city that runs, with all that is needed to stop it and start it again.
pub struct Town {
    /// Where everything of it is.
    pub plan: Plan,
    /// Names of the resources that the script's steps made.
    pub known: BTreeMap<String, String>,
    city: Option<City>,
    callers: LocalCallers,
    directory: tempfile::TempDir,
}

impl Town {
    /// An empty city on the shared servers.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, as `shape` wants it.
    pub async fn start_with(shape: impl FnOnce(&mut Plan)) -> Self {
        let made = tokio::task::spawn_blocking(|| -> anyhow::Result<_> {
            let servers = handslag_local_infra::shared_for_tests()?;
            let database = |name: &str| servers.fresh_database(name).map(Secret::new);
            let databases = [
                database("registry")?,
                database("commitments")?,
                database("notifications")?,
                database("reporting")?,
            ];
            Ok((databases, Secret::new(servers.fresh_vhost("town")?)))
        });
        let (databases, amqp_url) = made.await.expect("joined").expect("servers for tests");
        Self::start_shaped(databases, amqp_url, shape).await
    }

    /// An empty city on servers of the test's own.
    pub async fn start_on(databases: [Secret; 4], amqp_url: Secret) -> Self {
        Self::start_shaped(databases, amqp_url, |_| {}).await
    }

    async fn start_shaped(
        databases: [Secret; 4],
        amqp_url: Secret,
        shape: impl FnOnce(&mut Plan),
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let issuer = Issuer::open(directory.path()).expect("an issuer");
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut plan = Plan {
            databases,
            amqp_url,
            grpc: [free; 4],
            admin: [free; 4],
            web: free,
            jwks_file: issuer.jwks_file().to_owned(),
            token_key: Secret::new("a key for tests that is long enough"),
            otlp_endpoint: None,
            tls: TlsConfig::default(),
            callers: Tls::default(),
        };
        shape(&mut plan);
        let city = City::start(&plan).await.expect("the city starts");
        Self {
            plan,
            known: BTreeMap::new(),
            city: Some(city),
            callers: LocalCallers::new(issuer),
            directory,
        }
    }

    /// Plays the record, and the example data if wanted.
    pub async fn load(&mut self, with_example: bool) {
        let endpoints = self.city().endpoints().expect("addresses");
        let mut known = std::mem::take(&mut self.known);
        let record = Script::record().expect("the record");
        import::run(&record, &mut known, &endpoints, &self.callers, |_, _| {})
            .await
            .expect("record loaded");
        if with_example {
            let script = Script {
                title: "Exempel".to_owned(),
                steps: example::steps(),
            };
            import::run(&script, &mut known, &endpoints, &self.callers, |_, _| {})
                .await
                .expect("example loaded");
        }
        self.known = known;
    }

    /// The services.
    pub fn city(&self) -> &City {
        self.city.as_ref().expect("the city runs")
    }

    /// The issuer whose tokens the city trusts.
    pub fn issuer(&self) -> &Issuer {
        self.callers.issuer()
    }

    /// A directory of the test's own.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// The name of what a step of the script made.
    pub fn name(&self, key: &str) -> &str {
        self.known
            .get(key)
            .unwrap_or_else(|| panic!("no step {key}"))
    }

    /// A token for `operator`, `city`, `sector` or `district:<code>`.
    pub fn token(&self, caller: &str) -> String {
        self.callers.token(caller).expect("a token")
    }

    /// Calls `<service>.<Method>` as a caller; nobody when the caller is empty.
    ///
    /// # Errors
    /// The status that the service refuses with.
    pub async fn call(
        &self,
        call: &str,
        caller: &str,
        request: Value,
    ) -> Result<Value, Box<Status>> {
        let token = if caller.is_empty() {
            String::new()
        } else {
            self.token(caller)
        };
        let endpoints = self.city().endpoints().expect("addresses");
        match import::invoke(&endpoints, call, request, &token).await {
            Ok(response) => Ok(response),
            Err(Refusal::Status(status)) => Err(status),
            Err(Refusal::Malformed(error)) => panic!("{call} does not fit the contract: {error:#}"),
        }
    }

    /// Reads without a token.
    pub async fn read(&self, call: &str, request: Value) -> Value {
        self.call(call, "", request)
            .await
            .unwrap_or_else(|status| panic!("{call}: {}", message(&status)))
    }

    /// A command with an identity of its own.
    ///
    /// # Errors
    /// The status that the service refuses with.
    pub async fn command(
        &self,
        call: &str,
        caller: &str,
        mut request: Value,
    ) -> Result<Value, Box<Status>> {
        request["requestId"] = handslag_platform::id::new().to_string().into();
        self.call(call, caller, request).await
    }

    /// Stops the services in order and starts them again on the same databases.
    pub async fn restart(&mut self) {
        self.city.take().expect("the city runs").stop().await;
        self.city = Some(
            City::start(&self.plan)
                .await
                .expect("the city starts again"),
        );
    }

    /// Ends the test: nothing may be left unpublished, parked or dead.
    pub async fn end(mut self) {
        for (place, service) in handslag_runner::ports::SERVICES.iter().enumerate() {
            let url = self.plan.databases[place].expose().to_owned();
            eventually(&format!("{service} has nothing left to do"), || async {
                let status = handslag_runner::messaging_status(&url).await.ok()?;
                (status.unpublished == 0 && status.parked == 0 && status.dead_letters == 0)
                    .then_some(())
            })
            .await;
        }
        if let Some(city) = self.city.take() {
            city.stop().await;
        }
    }
}

/// Waits until `condition` gives something, and fails after a minute.
pub async fn eventually<T, F>(what: &str, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "not within {} s: {what}",
            PATIENCE.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A status in one line, with its reason.
pub fn message(status: &Status) -> String {
    use tonic_types::StatusExt;
    let reason = status
        .get_details_error_info()
        .map(|info| info.reason)
        .unwrap_or_default();
    format!("{:?} {reason}: {}", status.code(), status.message())
}
