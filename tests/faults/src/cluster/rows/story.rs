//! From nothing to an installation that works, and the main job by clients outside of the pods.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::FutureExt as _;
use handslag_runner::example;
use handslag_runner::import::{self, Endpoints, Script};
use handslag_runner::issuer::{Issuer, LocalCallers};
use handslag_runner::ports::SERVICES;

use super::{Row, Said, Stage};
use crate::cluster::install::{RELEASE, root};

/// From the first word of `helm install` to the last of `helm test`.
const INSTALL_MOST: Duration = Duration::from_secs(60);

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "install",
            what: "helm install to all ready and helm test passed, migrations included",
            aim: "< 60 s",
            run: |stage| install(stage).boxed(),
        },
        Row {
            name: "story",
            what: "the main job by clients outside of the pods: record, example, every figure",
            aim: "every figure right",
            run: |stage| story(stage).boxed(),
        },
    ]
}

async fn install(stage: &mut Stage) -> Result<Said> {
    let installer = &stage.installer;
    installer
        .kube
        .helm(&["uninstall", RELEASE, "--ignore-not-found", "--wait"])?;
    let began = Instant::now();
    installer.release(None, &installer.options.tag, &[])?;
    installer.ready().await?;
    let ready = began.elapsed();
    let tested = installer.kube.helm(&["test", RELEASE, "--logs"]);
    let took = began.elapsed();
    let text = format!(
        "ready after {:.1} s, tested after {:.1} s",
        ready.as_secs_f64(),
        took.as_secs_f64()
    );
    match tested {
        Ok(said) if !said.contains("The installation works.") => Ok(Said::Failed(said)),
        Ok(_) if took < INSTALL_MOST => Ok(Said::Held(text)),
        Ok(_) => Ok(Said::Failed(text)),
        Err(error) => Ok(Said::Failed(format!("{text}; {error:#}"))),
    }
}

async fn story(stage: &mut Stage) -> Result<Said> {
    stage.installed().await?;
    let mut addresses = Vec::new();
    for service in SERVICES {
        addresses.push((
            service,
            format!("http://{}", stage.entrances.address(service)?),
        ));
    }
    let endpoints = Endpoints::new(&addresses)?;
    let callers = LocalCallers::new(Issuer::open(&stage.folder)?);
    let began = Instant::now();
    let mut known = BTreeMap::new();
    let record = Script::record()?;
    let example = Script {
        title: "Exempel".to_owned(),
        steps: example::steps(),
    };
    let mut calls = 0;
    for script in [&record, &example] {
        calls += script.steps.len();
        import::run(script, &mut known, &endpoints, &callers, |_, _| {}).await?;
    }
    let took = began.elapsed();
    let mut said = vec![format!("{calls} calls in {:.1} s", took.as_secs_f64())];
    for (name, command) in clients(stage, &addresses)? {
        match command {
            Some(mut command) => said.push(format!("{name}: {}", last_line(&mut command)?)),
            None => said.push(format!("{name} left out")),
        }
    }
    Ok(Said::Held(said.join("; ")))
}

/// The clients of other languages that a local city is tested with, told where this one is.
fn clients(
    stage: &Stage,
    addresses: &[(&str, String)],
) -> Result<Vec<(&'static str, Option<Command>)>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let program = variable("HANDSLAG_PROGRAM");
    let folder = stage.folder.display();
    let mut environment = vec![(
        "HANDSLAG_WEB_URL".to_owned(),
        format!("http://{}", stage.entrances.address("web")?),
    )];
    for (service, address) in addresses {
        let plain = address.trim_start_matches("http://").to_owned();
        environment.push((format!("HANDSLAG_{}", service.to_uppercase()), plain));
    }
    let python = variable("HANDSLAG_PYTHON")
        .zip(program.clone())
        .map(|(python, program)| {
            let mut command = Command::new(python);
            command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
            command
                .current_dir(root().join("tests/python"))
                .envs(environment.clone());
            command.env(
                "HANDSLAG_TOKEN_COMMAND",
                format!("'{program}' token --data-dir '{folder}'"),
            );
            command
        });
    let browser = variable("HANDSLAG_CHROMIUM").map(|_| {
        let mut command = Command::new("npm");
        command
            .args(["test", "--silent"])
            .current_dir(root().join("tests/browser"));
        command.envs(environment.clone());
        command
    });
    Ok(vec![("Python", python), ("browser", browser)])
}

/// Runs a client's tests; answers the last line of what they print.
fn last_line(command: &mut Command) -> Result<String> {
    let output = tokio::task::block_in_place(|| command.stdin(Stdio::null()).output());
    let output = output.context("a client cannot be run")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    if !output.status.success() {
        let end = &lines[lines.len().saturating_sub(25)..];
        bail!("a client is not content:\n{}", end.join("\n"));
    }
    let counted = lines
        .iter()
        .rev()
        .find(|line| line.contains("passed") || line.contains("pass "));
    Ok(counted
        .or(lines.last())
        .copied()
        .unwrap_or_default()
        .trim()
        .to_owned())
}
