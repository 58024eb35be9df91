//! The city with TLS on every line: each side shows a certificate, and all of them are exchanged.

use handslag_platform::config::TlsConfig;
use handslag_platform::testing::{Authority, Mount, Signed};
use handslag_runner::{
    cli::{Check, DataDir},
    installation_works,
    reach::{Addresses, Tls},
};
use handslag_tests::{Town, eventually};
use serde_json::json;

/// What a mounted secret holds: a certificate, its key, and whom its owner trusts.
fn files<'a>(signed: &'a Signed, trusted: &'a str) -> [(&'static str, &'a str); 3] {
    [
        ("tls.crt", &signed.certificate),
        ("tls.key", &signed.key),
        ("ca.crt", trusted),
    ]
}

/// The mounted secrets of the services and of those who call them.
struct Secrets {
    services: Mount,
    callers: Mount,
}

impl Secrets {
    fn signed_by(authority: &Authority) -> Self {
        let mount = || {
            let signed = authority.sign().expect("a certificate");
            Mount::new(&files(&signed, &authority.pem)).expect("a mount")
        };
        Self {
            services: mount(),
            callers: mount(),
        }
    }

    fn exchange(&self, authority: &Authority, trusted: &str) {
        for mount in [&self.services, &self.callers] {
            let signed = authority.sign().expect("a certificate");
            mount.exchange(&files(&signed, trusted)).expect("exchanged");
        }
    }

    fn of_services(&self) -> TlsConfig {
        TlsConfig {
            tls_certificate_file: Some(self.services.path("tls.crt")),
            tls_key_file: Some(self.services.path("tls.key")),
            tls_client_authorities_file: Some(self.services.path("ca.crt")),
        }
    }
}

fn reach(mount: &Mount) -> Tls {
    Tls {
        authorities_file: Some(mount.path("ca.crt")),
        certificate_file: Some(mount.path("tls.crt")),
        key_file: Some(mount.path("tls.key")),
    }
}

async fn front_reaches_all(town: &Town) -> bool {
    let address = format!("http://{}/driftlage", town.city().web_address());
    let page = reqwest::get(address).await.expect("a page");
    let text = page.text().await.expect("a text");
    !text.contains("svarar inte")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_secured_and_every_certificate_is_exchanged() {
    let (former, new) = (
        Authority::new().expect("an authority"),
        Authority::new().expect("an authority"),
    );
    let secrets = Secrets::signed_by(&former);
    let mut town = Town::start_with(|plan| {
        plan.tls = secrets.of_services();
        plan.callers = reach(&secrets.callers);
    })
    .await;
    town.load(false).await;
    assert!(front_reaches_all(&town).await);

    // Who is of another authority comes in nowhere, and is told of it in words.
    let stranger = Mount::new(&files(&new.sign().expect("one"), &former.pem)).expect("a mount");
    assert!(!works(&town, reach(&stranger), 1).await);
    assert!(works(&town, reach(&secrets.callers), 60).await);

    // First both are trusted, then the certificates are exchanged, then the former is not any more.
    let both = format!("{}{}", former.pem, new.pem);
    secrets.exchange(&former, &both);
    let of_new = Mount::new(&files(&new.sign().expect("one"), &both)).expect("a mount");
    taken_over(&town, reach(&of_new)).await;
    secrets.exchange(&new, &both);
    let by_new = Mount::new(&files(&new.sign().expect("one"), &new.pem)).expect("a mount");
    taken_over(&town, reach(&by_new)).await;
    secrets.exchange(&new, &new.pem);
    assert!(front_reaches_all(&town).await);
    let areas = json!({"pageSize": 1});
    town.read("registry.ListAreas", areas).await;
    town.end().await;
}

/// Waits until every service takes this caller.
async fn taken_over(town: &Town, caller: Tls) {
    for (service, _) in town.city().urls() {
        let call = match service {
            "registry" => "registry.ListAreas",
            "commitments" => "commitments.ListCommitments",
            "reporting" => "reporting.ListReports",
            _ => "notifications.ListSubscribers",
        };
        let token = town.token("operator");
        eventually(&format!("{service} has taken the files over"), || async {
            let endpoints = caller.endpoints(&town.city().urls()).ok()?;
            handslag_runner::import::invoke(&endpoints, call, json!({}), &token)
                .await
                .ok()
        })
        .await;
    }
}

async fn works(town: &Town, tls: Tls, wait: u64) -> bool {
    let token_file = town.directory().join("operator.token");
    std::fs::write(&token_file, town.token("operator")).expect("written");
    let url = |service: &str| {
        town.city()
            .urls()
            .into_iter()
            .find_map(|(name, url)| (name == service).then_some(url))
    };
    let options = Check {
        addresses: Addresses {
            registry: url("registry"),
            commitments: url("commitments"),
            notifications: url("notifications"),
            reporting: url("reporting"),
        },
        tls,
        token_file,
        wait,
        data: DataDir { data_dir: None },
    };
    installation_works(&options).await.expect("it could look")
}
