//! `handslag check`: whether an installation works, asked from outside, as `helm test` does.
//!
//! # Design notes
//! Every command of the registry and of commitments leaves something that the public sees and that is never deleted, so
//! that none is a check. The one that is made here is of an inbox of the check's own, which its name says: a
//! subscription to nothing is begun and ended. It shows that a token is taken, a right held, and a change written; its
//! events go the way of all others.
//!
//! That events flow is asked of each service ([`DELIVERY`]): what it said is confirmed by the broker, and each digest
//! of those it hears, which comes each 5 s through the same exchange, queue and inbox as the events that it sums up,
//! agrees with what was heard. A flow that stopped is told within [`DELIVERY_TOLD_AFTER`], and so long the question waits
//! after the command. Nothing of it is left behind.

use std::{error::Error as _, fs, time::Duration};

use anyhow::{Context, bail};
use handslag_platform::{id, messaging::status::DELIVERY_TOLD_AFTER, server::DELIVERY};
use serde_json::{Value, json};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt as _;

use crate::{
    cli::Check,
    import::{Endpoints, Refusal, invoke, request_id},
    ports::SERVICES,
    show::Progress,
    state::CityState,
};

/// Pause between two questions while something does not hold yet.
const PAUSE: Duration = Duration::from_millis(500);
/// Time for one answer of the health service.
const ANSWER: Duration = Duration::from_secs(3);
/// The check's own inbox, by name.
const SUBSCRIBER: &str = "Handslag: kontroll av driften";

/// Looks, tells what it finds, and says whether all is well.
pub(super) async fn run(options: &Check) -> anyhow::Result<bool> {
    let known = options
        .data
        .path()
        .ok()
        .and_then(|directory| CityState::load(&directory).ok());
    let addresses = options.addresses.with(known.as_ref());
    for service in SERVICES {
        if !addresses.iter().any(|(name, _)| *name == service) {
            bail!(
                "no address of {service} is given: --{service}, or HANDSLAG_CLI_{}",
                service.to_uppercase()
            );
        }
    }
    let token = fs::read_to_string(&options.token_file)
        .with_context(|| format!("{} cannot be read", options.token_file.display()))?;
    let look = Look {
        endpoints: options.tls.endpoints(&addresses)?,
        token: token.trim().to_owned(),
        patience: Duration::from_secs(options.wait),
        show: Progress::new(),
    };
    let outcome = look.at_all().await;
    match &outcome {
        Ok(()) => look.show.line("The installation works."),
        Err(error) => look.show.line(&format!("FAILED: {error:#}")),
    }
    Ok(outcome.is_ok())
}

struct Look {
    endpoints: Endpoints,
    token: String,
    patience: Duration,
    show: Progress,
}

impl Look {
    async fn at_all(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + self.patience;
        for service in SERVICES {
            self.health(service, "", deadline)
                .await
                .with_context(|| format!("{service} does not serve"))?;
            self.show.line(&format!("{service}: serves"));
        }
        self.command().await.context("a command")?;
        self.show
            .line("notifications: took a command, wrote it, and took it back");
        let told = Instant::now() + DELIVERY_TOLD_AFTER;
        tokio::time::sleep_until(told).await;
        let deadline = told + self.patience;
        for service in SERVICES {
            self.health(service, DELIVERY, deadline)
                .await
                .with_context(|| {
                    format!(
                        "events do not flow at {service}: what it says is not published, or what it hears does not agree \
                         with what was said. Is RabbitMQ reachable, and do the other services run? Its log says more"
                    )
                })?;
            self.show.line(&format!(
                "{service}: its events flow, and it agrees with those it hears"
            ));
        }
        Ok(())
    }

    /// Asks until the answer is good, or the time is up.
    async fn health(&self, service: &str, what: &str, deadline: Instant) -> anyhow::Result<()> {
        let mut client = HealthClient::new(self.endpoints.channel(service)?);
        loop {
            let request = HealthCheckRequest {
                service: what.to_owned(),
            };
            let answer = tokio::time::timeout(ANSWER, client.check(request)).await;
            let wrong = match answer {
                Ok(Ok(answer)) => match answer.into_inner().status() {
                    ServingStatus::Serving => return Ok(()),
                    _ if what.is_empty() => {
                        "it answers, and is not ready: /ready on its admin port says what for"
                            .to_owned()
                    }
                    _ => "it says that it does not hold".to_owned(),
                },
                Ok(Err(status)) => explained(&status),
                Err(_) => format!("it gave no answer within {} s", ANSWER.as_secs()),
            };
            if Instant::now() + PAUSE > deadline {
                bail!(wrong);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A subscription to nothing, begun and ended.
    async fn command(&self) -> anyhow::Result<()> {
        let subscriber = match self.subscriber().await? {
            Some(name) => name,
            None => self.register().await?,
        };
        let nothing = format!("agreements/{}", id::encode(id::new()));
        let begun = json!({
            "requestId": id::new().to_string(),
            "subscriber": subscriber,
            "filter": {"agreements": [nothing]},
        });
        let answer = self.call("notifications.Subscribe", begun.clone()).await?;
        let again = self.call("notifications.Subscribe", begun).await?;
        if answer != again {
            bail!("the same command was answered otherwise when it was repeated");
        }
        let subscription = &answer["subscription"]["name"];
        let ended = json!({"requestId": id::new().to_string(), "subscription": subscription});
        let answer = self.call("notifications.Unsubscribe", ended).await?;
        if answer["subscription"]["active"] == true {
            bail!("a subscription was ended and is in force all the same");
        }
        Ok(())
    }

    /// The check's inbox, if an earlier check made it.
    async fn subscriber(&self) -> anyhow::Result<Option<Value>> {
        let mut token = Value::from("");
        loop {
            let question = json!({"pageSize": 500, "pageToken": token});
            let page = self.call("notifications.ListSubscribers", question).await?;
            let ours = page["subscribers"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["displayName"] == SUBSCRIBER);
            if let Some(ours) = ours {
                return Ok(Some(ours["name"].clone()));
            }
            token = page["nextPageToken"].clone();
            if token.as_str().is_none_or(str::is_empty) {
                return Ok(None);
            }
        }
    }

    /// Two checks at once make one inbox: the command has the same identity in both.
    async fn register(&self) -> anyhow::Result<Value> {
        let command = json!({"requestId": request_id("check"), "displayName": SUBSCRIBER});
        let answer = self
            .call("notifications.RegisterSubscriber", command)
            .await?;
        Ok(answer["subscriber"]["name"].clone())
    }

    async fn call(&self, call: &str, request: Value) -> anyhow::Result<Value> {
        match invoke(&self.endpoints, call, request, &self.token).await {
            Ok(answer) => Ok(answer),
            Err(Refusal::Status(status)) => bail!("{call}: {}", explained(&status)),
            Err(Refusal::Malformed(error)) => Err(error),
        }
    }
}

/// What a status means for whoever installs.
fn explained(status: &Status) -> String {
    let reason = status
        .get_details_error_info()
        .map(|info| format!(" [{}]", info.reason))
        .unwrap_or_default();
    let said = format!("{}{reason}", status.message());
    match status.code() {
        // What the connection fails of, TLS among it, comes without details.
        Code::Unavailable | Code::Unknown if status.details().is_empty() => {
            format!("it does not answer: {}", causes(status))
        }
        Code::Unauthenticated => {
            format!(
                "the token is not taken ({said}): is it of the identity provider that the services trust?"
            )
        }
        Code::PermissionDenied => {
            format!("the token may not do that ({said}): the check needs the role operator")
        }
        code => format!("{code:?}: {said}"),
    }
}

/// The status, and what lies under it: that a certificate is not trusted stands at the bottom.
fn causes(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
