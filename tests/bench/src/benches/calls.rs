//! A registry with its clients, as several benches need it.

use std::time::Duration;

use handslag_platform::config::Config;
use handslag_platform::{Running, id};
use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::registry_service_client::RegistryServiceClient;
use handslag_registry::Registry;
use rand::RngExt as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sqlx::{PgConnection, PgPool};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use crate::benches::CONNECTIONS;
use crate::benches::stock::{self, Stock};
use crate::generator::Answer;
use crate::stage::{Stage, channels, with_bearer};

/// Connections of the clients; each carries 200 calls at most.
const CHANNELS: usize = 4;

/// A registry that runs, filled.
pub(crate) struct Desk {
    /// The service.
    pub(crate) running: Running,
    /// What is in it.
    pub(crate) stock: Stock,
    /// Connections beside the service's own.
    pub(crate) pool: PgPool,
    /// The address of its database.
    pub(crate) database: String,
    /// Its clients.
    pub(crate) clients: Clients,
    /// Ends with its connection.
    _lock: Option<PgConnection>,
}

/// Whether the service's relay publishes while calls are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayIs {
    /// It does not lead: another session holds its lock.
    Held,
    /// It publishes, as in production.
    Running,
}

/// The lock by which a relay leads, as the platform has it: the letters "handslag".
const RELAY_LOCK: i64 = 0x6861_6e64_736c_6167;

impl Desk {
    /// Starts a registry with so many organisations.
    pub(crate) async fn open(
        stage: &Stage,
        name: &str,
        organisations: i64,
        relay: RelayIs,
    ) -> anyhow::Result<Self> {
        Self::open_with(stage, name, organisations, relay, |_| {}).await
    }

    /// As [`Self::open`], with a configuration changed by the bench.
    pub(crate) async fn open_with(
        stage: &Stage,
        name: &str,
        organisations: i64,
        relay: RelayIs,
        tune: impl FnOnce(&mut Config),
    ) -> anyhow::Result<Self> {
        let database = stage.database_of::<Registry>(name).await?;
        let pool = stage.pool(&database, 4).await?;
        let lock = match relay {
            RelayIs::Held => Some(hold_relay(&pool).await?),
            RelayIs::Running => None,
        };
        let amqp = stage.vhost(name).await?;
        let mut config = stage.config(&database, &amqp)?;
        config.database.pool_size = CONNECTIONS;
        tune(&mut config);
        let running = handslag_platform::start::<Registry>(config).await?;
        let stock = Stock::fill(stage, running.grpc_address, &pool, organisations).await?;
        // Connections are served where they are made.
        let channels = {
            let _there = stage.outside().callers.enter();
            channels(running.grpc_address, CHANNELS)?
        };
        let clients = Clients {
            bearer: stage.bearer()?,
            channels,
            agreement: stock.agreement.clone(),
            organisations,
        };
        Ok(Self {
            running,
            stock,
            pool,
            database,
            clients,
            _lock: lock,
        })
    }

    /// Ends it in order.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.pool.close().await;
        drop(self.clients);
        self.running.stop().await
    }
}

/// Takes the relay's place without doing its work.
async fn hold_relay(pool: &PgPool) -> anyhow::Result<PgConnection> {
    let mut connection = pool.acquire().await?.detach();
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(RELAY_LOCK)
        .execute(&mut connection)
        .await?;
    Ok(connection)
}

/// Clients of a registry; clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    bearer: MetadataValue<Ascii>,
    channels: Vec<Channel>,
    agreement: String,
    organisations: i64,
}

impl Clients {
    /// The connection of a caller.
    pub(crate) fn channel(&self, caller: usize) -> Channel {
        self.channels[caller % self.channels.len()].clone()
    }

    fn client(&self, caller: usize) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel(caller))
    }

    /// A random organisation's number.
    fn any(&self) -> i64 {
        let seed = id::random_bytes();
        StdRng::from_seed(seed).random_range(0..self.organisations)
    }

    /// A command: corrects the name of some organisation.
    pub(crate) async fn update(&self, caller: usize) -> Answer {
        let request = proto::UpdateOrganisationRequest {
            request_id: id::new().to_string(),
            name: stock::organisation(self.any()),
            display_name: "Föreningen för den idéburna sektorn i Stockholm".to_owned(),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["display_name".to_owned()],
            }),
            ..Default::default()
        };
        let request = with_bearer(&self.bearer, request);
        self.client(caller)
            .update_organisation(request)
            .await
            .into()
    }

    /// What a look-up asks.
    pub(crate) fn question(&self) -> proto::LookUpOrganisationRequest {
        proto::LookUpOrganisationRequest {
            number: stock::organisation_number(self.any()),
            agreement: self.agreement.clone(),
            ..Default::default()
        }
    }

    /// A look-up, without a token: it is public.
    pub(crate) async fn look_up(&self, caller: usize) -> Answer {
        match self
            .client(caller)
            .look_up_organisation(self.question())
            .await
        {
            Ok(answer)
                if answer
                    .get_ref()
                    .look_up
                    .as_ref()
                    .is_some_and(|one| one.signatory) =>
            {
                Answer::Done
            }
            Ok(_) => Answer::Failed("the organisation is not known".to_owned()),
            Err(status) => Err::<(), _>(status).into(),
        }
    }

    /// The answer to a look-up.
    pub(crate) async fn answer(&self) -> Result<proto::LookUpOrganisationResponse, tonic::Status> {
        let answer = self.client(0).look_up_organisation(self.question()).await?;
        Ok(answer.into_inner())
    }

    /// A page of the signatories.
    pub(crate) async fn page(
        &self,
        caller: usize,
        size: i32,
        token: &str,
    ) -> Result<proto::ListSignatoriesResponse, tonic::Status> {
        let request = proto::ListSignatoriesRequest {
            agreement: self.agreement.clone(),
            page_size: size,
            page_token: token.to_owned(),
            ..Default::default()
        };
        let answer = self.client(caller).list_signatories(request).await?;
        Ok(answer.into_inner())
    }
}

/// A load that nobody counts: connections are made, statements prepared, caches filled. Then the
/// statistics are made, as autovacuum does within a minute: a plan that was kept from a time when a
/// table was empty reads all of it.
pub(crate) async fn warm_up(desk: &Desk, time: Duration) -> anyhow::Result<()> {
    let (update, look_up) = (desk.clients.clone(), desk.clients.clone());
    crate::generator::closed(8, time / 2, move |caller| {
        let clients = update.clone();
        async move { clients.update(caller).await }
    })
    .await;
    crate::generator::closed(8, time / 2, move |caller| {
        let clients = look_up.clone();
        async move { clients.look_up(caller).await }
    })
    .await;
    sqlx::query("ANALYZE").execute(&desk.pool).await?;
    Ok(())
}
