//! Passwords and keys that are exchanged at the server and in their files, under a running service.

use handslag_local_infra::{Login, Servers, shared_for_tests};
use handslag_platform::auth::{Principal, Role};
use handslag_platform::config::Secret;
use handslag_platform::testing::{Bed, Mount};
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use handslag_proto::notifications::v1::{ListSubscribersRequest, RegisterSubscriberRequest};
use tonic::Status;

use crate::probe::Probe;

const PASSWORD: &str = "password";

fn operator() -> Principal {
    Principal::of("an-operator").with_role(Role::Operator)
}

async fn write(bed: &Bed, name: &str) -> Result<(), Status> {
    let message = RegisterSubscriberRequest {
        request_id: handslag_platform::id::new().to_string(),
        display_name: name.to_owned(),
        district_board: String::new(),
    };
    let request = bed.request(&operator(), message);
    let mut client = NotificationsServiceClient::new(bed.channel());
    client.register_subscriber(request).await.map(drop)
}

/// Does something at the servers, on a thread that may wait.
async fn at_servers<T: Send + 'static>(
    what: impl FnOnce(&Servers) -> anyhow::Result<T> + Send + 'static,
) -> T {
    tokio::task::spawn_blocking(move || what(&shared_for_tests()?))
        .await
        .unwrap()
        .unwrap()
}

/// The login that stands in a URL.
fn login(url: &str) -> Login {
    let (_, rest) = url.split_once("://").unwrap();
    let (user, rest) = rest.split_once(':').unwrap();
    let (password, _) = rest.split_once('@').unwrap();
    Login {
        user: user.to_owned(),
        password: password.to_owned(),
    }
}

fn nameless(login: &Login) -> Login {
    Login {
        user: login.user.clone(),
        password: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_password_is_exchanged_without_a_restart() {
    let mut role = None;
    let mount = Mount::new(&[(PASSWORD, "not known yet")]).unwrap();
    let bed = Bed::start_with::<Probe>("secrets-database", |mut config| {
        let url = config.database.url().unwrap();
        let given = login(url.expose());
        mount.exchange(&[(PASSWORD, &given.password)]).unwrap();
        let without = nameless(&given).within(url.expose()).unwrap();
        config.database.database_url = Some(Secret::new(without));
        config.database.database_password_file = Some(mount.path(PASSWORD));
        role = Some(given);
        config
    })
    .await;
    let role = role.unwrap();
    write(&bed, "one").await.unwrap();

    let changed = role.changed().unwrap();
    let at_server = changed.clone();
    at_servers(move |servers| servers.set_role_password(&at_server)).await;
    // The connections that there are go on.
    write(&bed, "two").await.unwrap();
    // Without them there is a new one, and it has the former password.
    let at_server = changed.clone();
    at_servers(move |servers| servers.end_sessions_of(&at_server)).await;
    bed.eventually(|| async { write(&bed, "three").await.is_err() })
        .await;
    mount.exchange(&[(PASSWORD, &changed.password)]).unwrap();
    bed.eventually(|| async { write(&bed, "four").await.is_ok() })
        .await;
    // The relay, whose connection is its own, is back as well: the end of the bed waits for it.
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_password_is_exchanged_without_a_restart() {
    let mut url = None;
    let mount = Mount::new(&[(PASSWORD, "not known yet")]).unwrap();
    let mut user = None;
    let bed = Bed::start_with::<Probe>("secrets-broker", |mut config| {
        let given = config.broker.amqp_url.clone().unwrap();
        let servers = shared_for_tests().unwrap();
        let login = servers.fresh_user(given.expose()).unwrap();
        mount.exchange(&[(PASSWORD, &login.password)]).unwrap();
        let without = nameless(&login).within(given.expose()).unwrap();
        config.broker.amqp_url = Some(Secret::new(without));
        config.broker.amqp_password_file = Some(mount.path(PASSWORD));
        user = Some(login);
        url = Some(given);
        config
    })
    .await;
    let (user, url) = (user.unwrap(), url.unwrap());
    let published = async || {
        let waiting = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM outbox WHERE seq > (SELECT low_water FROM relay_mark)",
        );
        waiting.fetch_one(bed.database().pool()).await.unwrap() == 0
    };
    write(&bed, "one").await.unwrap();
    bed.eventually(&published).await;

    let changed = user.changed().unwrap();
    let at_server = changed.clone();
    at_servers(move |servers| {
        servers.set_user_password(&at_server)?;
        servers.vhost_of(url.expose())?.close_connections()
    })
    .await;
    write(&bed, "two").await.unwrap();
    assert!(
        !published().await,
        "the former password does not open the broker any more"
    );
    mount.exchange(&[(PASSWORD, &changed.password)]).unwrap();
    bed.eventually(&published).await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_its_content_ends_the_start_with_a_sentence() {
    let mount = Mount::new(&[(PASSWORD, "\n")]).unwrap();
    let mut config = handslag_platform::config::Config::local(
        "postgres://me@127.0.0.1:1/nowhere",
        "amqp://me@127.0.0.1:1/nowhere",
    )
    .unwrap();
    config.broker.amqp_password_file = Some(mount.path(PASSWORD));
    let said = async |config| {
        let error = handslag_platform::start::<Probe>(config).await.unwrap_err();
        format!("{error:#}")
    };
    let sentence = said(config.clone()).await;
    assert!(
        sentence.contains("is empty, and should hold a password"),
        "{sentence}"
    );
    config.broker.amqp_password_file = Some(mount.path("missing"));
    let sentence = said(config).await;
    assert!(sentence.contains("missing cannot be read"), "{sentence}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_key_is_exchanged_without_a_restart() {
    let former = "a former key of at least 32 bytes";
    let new = "another new key of more than 32 bytes";
    let mount = Mount::new(&[("key", former)]).unwrap();
    let bed = Bed::start_with::<Probe>("secrets-token-key", |mut config| {
        config.token_key = None;
        config.token_key_file = Some(mount.path("key"));
        config
    })
    .await;
    let page = async |token: &str| {
        let message = ListSubscribersRequest {
            page_token: token.to_owned(),
            ..Default::default()
        };
        let mut client = NotificationsServiceClient::new(bed.channel());
        let request = bed.request(&operator(), message);
        let answer = client.list_subscribers(request).await?.into_inner();
        Ok::<_, Status>(answer.next_page_token)
    };
    let old = page("").await.unwrap();
    mount
        .exchange(&[("key", &format!("{new}\n{former}\n"))])
        .unwrap();
    // Signed otherwise from now on, and the former are read.
    bed.eventually(|| async { page("").await.is_ok_and(|token| token != old) })
        .await;
    page(&old).await.unwrap();
    mount.exchange(&[("key", new)]).unwrap();
    bed.eventually(|| async { page(&old).await.is_err() }).await;
    bed.end().await;
}
