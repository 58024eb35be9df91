//! TLS on the gRPC port, with certificates that are exchanged under it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use handslag_platform::auth::{Principal, Role};
use handslag_platform::clock::Clock;
use handslag_platform::config::TlsConfig;
use handslag_platform::testing::{Authority, Bed, Mount, Signed};
use handslag_platform::tls::{ClientFiles, ClientTls, ServerTls};
use handslag_proto::notifications::v1::GetSubscriberRequest;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use time::macros::datetime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::probe::Probe;

/// A handshake that is not finished is given up in this time, and a process that keeps none of its
/// deadlines exceeds it.
const HANDSHAKE_TIME_MOST: Duration = Duration::from_secs(10);
/// The beginning of a client's first words in TLS: a record of 512 bytes that never comes whole.
const HALF_HELLO: &[u8] = &[
    0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03,
];

fn files<'a>(signed: &'a Signed, clients: &'a str) -> [(&'static str, &'a str); 3] {
    [
        ("tls.crt", &signed.certificate),
        ("tls.key", &signed.key),
        ("clients.crt", clients),
    ]
}

fn config(mount: &Mount, with_clients: bool) -> TlsConfig {
    TlsConfig {
        tls_certificate_file: Some(mount.path("tls.crt")),
        tls_key_file: Some(mount.path("tls.key")),
        tls_client_authorities_file: with_clients.then(|| mount.path("clients.crt")),
    }
}

async fn bed(name: &str, tls: TlsConfig) -> Bed {
    Bed::start_with::<Probe>(name, |mut config| {
        config.tls = tls;
        config
    })
    .await
}

/// Files of a client; they are read at once.
fn client(trusted: &str, shown: Option<&Signed>) -> anyhow::Result<ClientTls> {
    let mut content = vec![("ca.crt", trusted)];
    if let Some(shown) = shown {
        content.extend([("tls.crt", &*shown.certificate), ("tls.key", &*shown.key)]);
    }
    let mount = Mount::new(&content)?;
    ClientTls::new(ClientFiles {
        authorities: Some(mount.path("ca.crt")),
        certificate: shown.map(|_| mount.path("tls.crt")),
        key: shown.map(|_| mount.path("tls.key")),
    })
}

/// A connection of its own.
fn channel(bed: &Bed, client: &ClientTls) -> Channel {
    let address = format!("https://{}", bed.running().grpc_address);
    client.channel(&address, |endpoint| endpoint).unwrap()
}

async fn call(bed: &Bed, channel: Channel) -> Result<(), Status> {
    let operator = Principal::of("an-operator").with_role(Role::Operator);
    let name = "me".to_owned();
    let request = bed.request(&operator, GetSubscriberRequest { name });
    let mut client = NotificationsServiceClient::new(channel);
    client.get_subscriber(request).await.map(drop)
}

async fn reaches(bed: &Bed, client: &ClientTls) -> bool {
    call(bed, channel(bed, client)).await.is_ok()
}

async fn metric(bed: &Bed, name: &str) -> f64 {
    let address = format!("http://{}/metrics", bed.running().admin_address);
    let text = reqwest::get(address).await.unwrap().text().await.unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_else(|| panic!("{name} is missing in\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_certificate_is_taken_over_and_old_connections_go_on() {
    let (former, new) = (Authority::new().unwrap(), Authority::new().unwrap());
    let soon = datetime!(2038-01-19 03:14:07 UTC);
    let mount = Mount::new(&files(&former.sign_until(Some(soon)).unwrap(), "")).unwrap();
    let bed = bed("tls-changed", config(&mount, false)).await;
    let of_former = client(&former.pem, None).unwrap();
    let of_new = client(&new.pem, None).unwrap();
    let old_connection = channel(&bed, &of_former);
    call(&bed, old_connection.clone()).await.unwrap();
    assert!(!reaches(&bed, &of_new).await);
    let expiry = metric(&bed, "handslag_tls_certificate_expiry").await;
    assert!((expiry - 2_147_483_647.0).abs() < 0.5, "{expiry}");

    let later = datetime!(2040-01-01 00:00 UTC);
    let signed = new.sign_until(Some(later)).unwrap();
    mount.exchange(&files(&signed, "")).unwrap();
    bed.eventually(|| reaches(&bed, &of_new)).await;
    assert!(!reaches(&bed, &of_former).await);
    call(&bed, old_connection).await.unwrap();
    assert!(metric(&bed, "handslag_tls_certificate_expiry").await > expiry);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_leaves_the_former_in_place_and_is_told() {
    let authority = Authority::new().unwrap();
    let first = authority.sign().unwrap();
    let mount = Mount::new(&files(&first, "")).unwrap();
    let bed = bed("tls-broken", config(&mount, false)).await;
    let client = client(&authority.pem, None).unwrap();
    let refused = async || metric(&bed, "handslag_tls_certificate_refused").await > 0.5;
    assert!(!refused().await);
    let expired = datetime!(2020-01-01 00:00 UTC);
    let mixed = Signed {
        key: authority.sign().unwrap().key,
        ..first.clone()
    };
    let cut = Signed {
        certificate: first.certificate[..200].to_owned(),
        ..first.clone()
    };
    for broken in [mixed, cut, authority.sign_until(Some(expired)).unwrap()] {
        mount.exchange(&files(&broken, "")).unwrap();
        bed.eventually(&refused).await;
        assert!(reaches(&bed, &client).await);
        mount.exchange(&files(&first, "")).unwrap();
        bed.eventually(|| async { !refused().await }).await;
    }
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_show_a_certificate_of_an_authority_that_may_change() {
    let (servers, clients) = (Authority::new().unwrap(), Authority::new().unwrap());
    let others = Authority::new().unwrap();
    let signed = servers.sign().unwrap();
    let mount = Mount::new(&files(&signed, &clients.pem)).unwrap();
    let bed = bed("tls-clients", config(&mount, true)).await;
    let ours = client(&servers.pem, Some(&clients.sign().unwrap())).unwrap();
    let theirs = client(&servers.pem, Some(&others.sign().unwrap())).unwrap();
    let nameless = client(&servers.pem, None).unwrap();
    assert!(reaches(&bed, &ours).await);
    assert!(!reaches(&bed, &theirs).await && !reaches(&bed, &nameless).await);

    // Both for a while, then the new one alone: so that an authority is exchanged.
    let both = format!("{}{}", clients.pem, others.pem);
    mount.exchange(&files(&signed, &both)).unwrap();
    bed.eventually(|| reaches(&bed, &theirs)).await;
    assert!(reaches(&bed, &ours).await);
    mount.exchange(&files(&signed, &others.pem)).unwrap();
    bed.eventually(|| async { !reaches(&bed, &ours).await })
        .await;
    assert!(reaches(&bed, &theirs).await && !reaches(&bed, &nameless).await);
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_takes_its_own_changed_files_over() {
    let (former, new) = (Authority::new().unwrap(), Authority::new().unwrap());
    let mount = Mount::new(&files(&former.sign().unwrap(), "")).unwrap();
    let bed = bed("tls-client-files", config(&mount, false)).await;
    let trusted = Mount::new(&[("ca.crt", &former.pem)]).unwrap();
    let client = ClientTls::new(ClientFiles {
        authorities: Some(trusted.path("ca.crt")),
        ..ClientFiles::default()
    })
    .unwrap();
    let followed = client.clone();
    let following = tokio::spawn(async move { followed.follow(std::future::pending()).await });
    assert!(reaches(&bed, &client).await);
    mount.exchange(&files(&new.sign().unwrap(), "")).unwrap();
    bed.eventually(|| async { !reaches(&bed, &client).await })
        .await;
    trusted.exchange(&[("ca.crt", &new.pem)]).unwrap();
    bed.eventually(|| reaches(&bed, &client)).await;
    following.abort();
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_handshake_is_hung_up_on() {
    let authority = Authority::new().unwrap();
    let mount = Mount::new(&files(&authority.sign().unwrap(), "")).unwrap();
    let bed = bed("tls-unfinished", config(&mount, false)).await;
    let began = Instant::now();
    let address = bed.running().grpc_address;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut dawdling = TcpStream::connect(address).await.unwrap();
    dawdling.write_all(HALF_HELLO).await.unwrap();
    // HTTP/2 without TLS is no handshake, and is turned away at once.
    let plain = format!("http://{address}");
    let plain = tonic::transport::Endpoint::from_shared(plain).unwrap();
    let refusal = call(&bed, plain.connect_lazy()).await.unwrap_err();
    assert_ne!(refusal.code(), Code::Ok);
    for stream in [&mut silent, &mut dawdling] {
        let mut said = Vec::new();
        let closed = tokio::time::timeout(HANDSHAKE_TIME_MOST, stream.read_to_end(&mut said)).await;
        assert!(closed.is_ok(), "the server keeps who does not shake hands");
    }
    assert!(
        began.elapsed() < HANDSHAKE_TIME_MOST,
        "{:?}",
        began.elapsed()
    );
    let client = client(&authority.pem, None).unwrap();
    assert!(reaches(&bed, &client).await);
    bed.end().await;
}

#[test]
fn what_is_wrong_with_the_files_is_said_in_a_sentence() {
    let authority = Authority::new().unwrap();
    let good = authority.sign().unwrap();
    let other_key = authority.sign().unwrap().key;
    let expired = authority.sign_until(Some(datetime!(2020-01-01 00:00 UTC)));
    let expired = expired.unwrap();
    let said = |certificate: &str, key: &str, clients: Option<&str>| {
        let signed = Signed {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let mount = Mount::new(&files(&signed, clients.unwrap_or_default())).unwrap();
        let config = config(&mount, clients.is_some());
        match ServerTls::new(&config, Clock::system()) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:#}"),
        }
    };
    assert_eq!(said(&good.certificate, &good.key, None), "");
    assert_eq!(said(&good.certificate, &good.key, Some(&authority.pem)), "");
    for (sentence, part) in [
        (said(&good.certificate, &other_key, None), "does not fit"),
        (
            said(&expired.certificate, &expired.key, None),
            "expired on 2020-01-01",
        ),
        (said("", &good.key, None), "holds no certificate in PEM"),
        (said(&good.key, &good.key, None), "holds no certificate"),
        (said(&good.certificate, "", None), "holds no private key"),
        (
            said(&good.certificate, &good.key, Some("")),
            "clients.crt holds no certificate",
        ),
    ] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
    let missing = TlsConfig {
        tls_certificate_file: Some(PathBuf::from("/nowhere/tls.crt")),
        tls_key_file: Some(PathBuf::from("/nowhere/tls.key")),
        tls_client_authorities_file: None,
    };
    let sentence = ServerTls::new(&missing, Clock::system()).unwrap_err();
    let sentence = format!("{sentence:#}");
    assert!(
        sentence.contains("/nowhere/tls.crt cannot be read"),
        "{sentence}"
    );
}
