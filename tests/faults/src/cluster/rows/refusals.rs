//! Wrong installations: each must end in a clear sentence, in what helm says, in an event or in a log.
//!
//! # Design notes
//! They stand in a namespace of their own, with the servers of the first one: a wrong installation
//! beside a running one must not disturb it either.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;
use handslag_platform::clock::Clock;
use handslag_platform::testing::Authority;
use serde_json::{Value, json};

use super::{Row, Said, Stage};
use crate::cluster::install::{Installer, RELEASE, name_of, secret};
use crate::cluster::kube::Kube;
use crate::cluster::site::ClusterSite;

/// How long until the sentence must be there.
const SAID_MOST: Duration = Duration::from_secs(90);
const WAY_IN: &str = "deploy-test-bad";
/// A version that no image of ours has.
const NEWER: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
     VALUES (99999999999999, 'contract of a later version', true, '\\x00', 0)";

/// A wrong installation: what is set, and what must be said about it.
struct Wrong {
    what: &'static str,
    sets: &'static [&'static str],
    said: &'static str,
}

const WRONG: [Wrong; 5] = [
    Wrong {
        what: "a database that is down",
        sets: &["postgresql.host=nowhere.invalid"],
        said: "at nowhere.invalid:5432 does not answer",
    },
    Wrong {
        what: "a secret without the key",
        sets: &["services.registry.database.key=absent"],
        said: "references non-existent secret key: absent",
    },
    Wrong {
        what: "a secret that is not there",
        sets: &["services.registry.broker.existingSecret=absent"],
        said: "secret \"absent\" not found",
    },
    Wrong {
        what: "an image of a version that does not exist",
        sets: &["image.tag=0.0.0-absent", "image.pullPolicy=Never"],
        said: "0.0.0-absent",
    },
    Wrong {
        what: "a password that is wrong",
        sets: &["services.registry.database.key=username"],
        said: "password authentication failed",
    },
];

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "refusals",
        what: "wrong installations, a second release, a newer schema, an expired certificate",
        aim: "a clear sentence for each",
        run: |stage| refusals(stage).boxed(),
    }]
}

async fn refusals(stage: &mut Stage) -> Result<Said> {
    stage.installed().await?;
    let namespace = format!("{}-bad", stage.installer.kube.namespace);
    let bad = Installer {
        kube: stage.installer.kube.other(&namespace),
        ..stage.installer.clone()
    };
    bad.kube.remove_namespace()?;
    bad.kube.make_namespace()?;
    let copied = copy_secrets(&stage.installer.kube, &bad.kube);
    stage.installer.kube.apply(&[way_in(&namespace)])?;
    let outcome = async {
        copied?;
        let mut wrong = Vec::new();
        for case in &WRONG {
            let sets: Vec<String> = common(stage)
                .into_iter()
                .chain(case.sets.iter().map(|set| (*set).to_owned()))
                .collect();
            wrong.extend(said(&bad, &sets, case.what, case.said).await?);
        }
        wrong.extend(expired_certificate(stage, &bad).await?);
        wrong.extend(second_release(&stage.installer)?);
        wrong.extend(newer_schema(stage).await?);
        Ok::<_, anyhow::Error>(wrong)
    }
    .await;
    bad.kube.remove_namespace()?;
    stage
        .installer
        .kube
        .kubectl(&["delete", "networkpolicy", WAY_IN])?;
    let wrong = outcome?;
    let cases = WRONG.len() + 3;
    Ok(if wrong.is_empty() {
        Said::Held(format!("{cases} cases"))
    } else {
        Said::Failed(wrong.join("; "))
    })
}

/// Where the servers of the first namespace are, and short waits.
fn common(stage: &Stage) -> Vec<String> {
    let first = &stage.installer.kube.namespace;
    vec![
        format!("postgresql.host=postgresql.{first}.svc"),
        format!("rabbitmq.host=rabbitmq.{first}.svc"),
        "migrations.waitSeconds=5".to_owned(),
        "web.enabled=false".to_owned(),
        "tests.existingSecret=".to_owned(),
    ]
}

/// Installs something wrong, and waits for the sentence; answers what is missing.
async fn said(
    bad: &Installer,
    sets: &[String],
    what: &str,
    sentence: &str,
) -> Result<Option<String>> {
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    bad.release(None, &bad.options.tag, &sets)?;
    let mut heard = String::new();
    let look = || {
        heard = everything_said(&bad.kube)?;
        Ok(heard.contains(sentence))
    };
    let found = bad.kube.until(what, SAID_MOST, look).await;
    bad.kube.helm(&["uninstall", RELEASE, "--wait"])?;
    bad.kube.kubectl(&[
        "delete",
        "pods,events",
        "--all",
        "--force",
        "--grace-period=0",
    ])?;
    Ok(found.err().map(|_| {
        let end: String = heard
            .chars()
            .rev()
            .take(400)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        format!("{what}: nobody said `{sentence}`, but: {end}")
    }))
}

/// Events, and the logs of all containers.
fn everything_said(kube: &Kube) -> Result<String> {
    let mut text = String::new();
    for event in kube.list(&["events"])? {
        text.push_str(event["message"].as_str().unwrap_or_default());
        text.push('\n');
    }
    for pod in kube.list(&["pods"])? {
        text.push_str(&kube.logs(name_of(&pod))?);
    }
    Ok(text)
}

/// The servers' own policies let in pods of their namespace alone.
fn way_in(namespace: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": WAY_IN},
        "spec": {"podSelector": {"matchExpressions": [
                {"key": "app.kubernetes.io/name", "operator": "In", "values": ["postgresql", "rabbitmq"]}]},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]}]}})
}

fn copy_secrets(from: &Kube, to: &Kube) -> Result<()> {
    let mut copies = Vec::new();
    for mut secret in from.list(&["secrets"])? {
        if secret["type"] == "Opaque" {
            secret["metadata"] = json!({"name": secret["metadata"]["name"]});
            copies.push(secret);
        }
    }
    to.apply(&copies)
}

/// Certificates that ended before they are used.
async fn expired_certificate(stage: &Stage, bad: &Installer) -> Result<Option<String>> {
    let authority = Authority::new()?;
    let ended = Clock::system().now() - time::Duration::days(1);
    let signed = authority.sign_until(Some(ended))?;
    let mut secrets = Vec::new();
    for name in [
        "registry",
        "commitments",
        "notifications",
        "reporting",
        "check",
    ] {
        let mut made = secret(
            &format!("{RELEASE}-{name}-tls"),
            "tls.crt",
            &signed.certificate,
        );
        made["stringData"]["tls.key"] = json!(signed.key);
        made["stringData"]["ca.crt"] = json!(authority.pem);
        secrets.push(made);
    }
    bad.kube.apply(&secrets)?;
    let mut sets = common(stage);
    // The databases are up to date: the pods get as far as their certificates.
    sets.push("tls.mode=existingSecret".to_owned());
    said(bad, &sets, "an expired certificate", "expired").await
}

/// A release of another name beside the first.
fn second_release(installer: &Installer) -> Result<Option<String>> {
    let chart = crate::cluster::install::root()
        .join("helm/handslag")
        .display()
        .to_string();
    let base = crate::cluster::install::root()
        .join("k8s/base/values.yaml")
        .display()
        .to_string();
    let second = installer
        .kube
        .helm(&["install", "second", &chart, "-f", &base]);
    Ok(match second {
        Err(error) if format!("{error:#}").contains("runs in the namespace") => None,
        Err(error) => Some(format!("a second release: {error:#}")),
        Ok(_) => Some("a second release was installed".to_owned()),
    })
}

/// A database that a later version has changed: a new pod refuses it, and running ones go on.
async fn newer_schema(stage: &Stage) -> Result<Option<String>> {
    let kube = &stage.installer.kube;
    let site = ClusterSite(kube.clone());
    site.sql_in("handslag_reporting", NEWER)?;
    kube.kubectl(&["rollout", "restart", "deployment/handslag-reporting"])?;
    let look = || {
        let pods: Vec<Value> = stage.installer.pods()?;
        for pod in pods
            .iter()
            .filter(|pod| name_of(pod).contains("-reporting-"))
        {
            let log = kube.logs(name_of(pod))?;
            if log.contains("newer") && log.contains("99999999999999") {
                return Ok(true);
            }
        }
        Ok(false)
    };
    let found = kube.until("a newer schema", SAID_MOST, look).await;
    site.sql_in(
        "handslag_reporting",
        "DELETE FROM _sqlx_migrations WHERE version = 99999999999999",
    )?;
    kube.kubectl(&["rollout", "restart", "deployment/handslag-reporting"])?;
    stage.installer.ready().await?;
    Ok(found
        .err()
        .map(|error| format!("{error:#}: no log speaks of a newer schema")))
}
