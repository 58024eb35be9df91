//! A broker with TLS whose certificate the city's own authority signed.

use std::path::PathBuf;

use handslag_local_infra::{Infra, Options};
use handslag_platform::auth::{Principal, Role};
use handslag_platform::config::{BrokerConfig, Config};
use handslag_platform::messaging::Failure;
use handslag_platform::messaging::inspect;
use handslag_platform::testing::{Authority, Bed, Mount};
use handslag_proto::notifications::v1::RegisterSubscriberRequest;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;

use crate::probe::Probe;

const CA: &str = "ca.crt";

/// Servers of its own: the shared ones listen without TLS. Stopped and removed at the end, also of a
/// test that failed.
struct Own {
    infra: Infra,
    port: u16,
    data_dir: PathBuf,
}

impl Own {
    fn start(authority: &Authority) -> Self {
        let name = format!("/var/tmp/handslag-broker-tls-{}", std::process::id());
        let data_dir = PathBuf::from(name);
        let options = Options {
            data_dir: data_dir.clone(),
            port_base: None,
            durable: false,
            progress: &mut |_| {},
        };
        let signed = authority.sign().unwrap();
        let (infra, port) =
            Infra::start_with_broker_tls(options, &signed.certificate, &signed.key).unwrap();
        Self {
            infra,
            port,
            data_dir,
        }
    }

    /// The address of a fresh virtual host, without and with TLS.
    fn addresses(&self) -> (String, String) {
        let plain = self.infra.fresh_vhost("broker-tls").unwrap();
        let (before, vhost) = plain.rsplit_once('/').unwrap();
        let (login, _) = before.rsplit_once('@').unwrap();
        let login = login.replace("amqp://", "amqps://");
        let url = format!("{login}@localhost:{}/{vhost}", self.port);
        (plain, url)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.infra.stop();
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }
}

/// What the broker, reached so, says of a queue.
async fn look(url: &str, authorities: Option<PathBuf>) -> Result<(), Failure> {
    let mut broker = BrokerConfig::at(url);
    broker.amqp_ca_file = authorities;
    inspect::queues(&broker, "probe", &["registry"])
        .await
        .map(drop)
}

async fn refused(url: &str, authorities: Option<PathBuf>) -> String {
    let failure = look(url, authorities).await.unwrap_err();
    assert!(
        matches!(failure, Failure::Untrusted { .. }),
        "{failure:?} is another failure"
    );
    failure.to_string()
}

async fn write(bed: &Bed, name: &str) {
    let message = RegisterSubscriberRequest {
        request_id: handslag_platform::id::new().to_string(),
        display_name: name.to_owned(),
        district_board: String::new(),
    };
    let operator = Principal::of("an-operator").with_role(Role::Operator);
    let request = bed.request(&operator, message);
    let mut client = NotificationsServiceClient::new(bed.channel());
    client.register_subscriber(request).await.unwrap();
}

async fn published(bed: &Bed) -> bool {
    let waiting = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM outbox WHERE seq > (SELECT low_water FROM relay_mark)",
    );
    waiting.fetch_one(bed.database().pool()).await.unwrap() == 0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_of_the_citys_own_authority_is_believed_by_its_file_alone() {
    let (own, foreign) = (Authority::new().unwrap(), Authority::new().unwrap());
    let mount = Mount::new(&[(CA, &foreign.pem)]).unwrap();
    let pem = own.pem.clone();
    let (servers, plain, url) = tokio::task::spawn_blocking(move || {
        let servers = Own::start(&own);
        let (plain, url) = servers.addresses();
        (servers, plain, url)
    })
    .await
    .unwrap();
    let file = || Some(mount.path(CA));

    let port = servers.port;
    assert_eq!(
        refused(&url, None).await,
        format!(
            "the certificate of the broker at localhost:{port} is refused (invalid peer certificate: \
             UnknownIssuer); it was checked with those that browsers trust: HANDSLAG_AMQP_CA_FILE \
             names others"
        )
    );
    let sentence = refused(&url, file()).await;
    let with = format!("the authorities in {}", mount.path(CA).display());
    assert!(sentence.ends_with(&with), "{sentence}");

    // A service that runs takes the exchanged file.
    let bed = Bed::start_with::<Probe>("broker-tls", |config| Config {
        broker: BrokerConfig {
            amqp_ca_file: file(),
            ..BrokerConfig::at(&url)
        },
        ..config
    })
    .await;
    write(&bed, "one").await;
    assert!(!published(&bed).await, "the broker is not believed");
    mount.exchange(&[(CA, &pem)]).unwrap();
    look(&url, file()).await.unwrap();
    bed.eventually(|| published(&bed)).await;

    // Connections that there are go on without the file; new ones do not.
    mount.exchange(&[(CA, &foreign.pem)]).unwrap();
    write(&bed, "two").await;
    bed.eventually(|| published(&bed)).await;
    let vhost = servers.infra.vhost_of(&plain).unwrap();
    tokio::task::spawn_blocking(move || vhost.close_connections())
        .await
        .unwrap()
        .unwrap();
    refused(&url, file()).await;
    // Both of them, which is what is known in the place of one's own.
    mount
        .exchange(&[(CA, &format!("{}{pem}", foreign.pem))])
        .unwrap();
    write(&bed, "three").await;
    bed.eventually(|| published(&bed)).await;
    bed.end().await;
    tokio::task::spawn_blocking(move || drop(servers))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_that_are_none_end_the_start_with_a_sentence() {
    let mount = Mount::new(&[(CA, "nothing in PEM")]).unwrap();
    let mut config = Config::local(
        "postgres://me@127.0.0.1:1/nowhere",
        "amqps://me@127.0.0.1:1/nowhere",
    )
    .unwrap();
    config.broker.amqp_ca_file = Some(mount.path(CA));
    let error = handslag_platform::start::<Probe>(config).await.unwrap_err();
    let sentence = format!("{error:#}");
    assert!(
        sentence.ends_with("ca.crt holds no certificate in PEM"),
        "{sentence}"
    );
}
