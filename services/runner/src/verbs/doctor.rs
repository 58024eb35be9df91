//! `handslag doctor`: what is behind, parked, dead, differing or not answering, in plain words, and
//! what to do.
//!
//! # Design notes
//! Each service's admin port is asked what its tables and the broker say of it, so that no password
//! is needed, here or on a cluster; what they say is judged together, since that a consumer differs
//! from a producer is seen only by looking at both. A service that does not run is looked for in its
//! database, where that is known. What heals by itself is said to, since the best advice is then to
//! wait.

mod judge;

use std::{process::ExitCode, time::Duration};

use anyhow::Context as _;
use futures_util::future::join_all;
use handslag_platform::messaging::{Inspection, Status};

use crate::{cli, show::Progress, state::CityState, verbs};

/// Time for an admin port's answer: it asks database and broker, each of which may be slow to say that it is not there.
const ANSWER: Duration = Duration::from_secs(12);

pub(super) async fn run(options: &cli::Doctor) -> anyhow::Result<ExitCode> {
    let known = options
        .data
        .path()
        .and_then(|directory| CityState::load(&directory));
    let addresses = options.addresses.with(known.as_ref().ok());
    let known = match known {
        Ok(city) => Some(city),
        Err(error) if addresses.iter().all(|(_, address)| address.is_none()) => return Err(error),
        Err(_) => None,
    };
    let http = handslag_platform::authorities::http_client(None)?
        .timeout(ANSWER)
        .no_proxy()
        .build()?;
    // All at once: each may have to wait for something that does not answer.
    let looks = addresses.iter().map(|(service, address)| {
        let database = known.as_ref().and_then(|city| city.databases.get(*service));
        look(&http, service, address.as_deref(), database)
    });
    let seen = join_all(looks).await;
    let show = Progress::new();
    let mut healthy = true;
    for one in &seen {
        let differing = one.heard.iter().filter_map(|producer| {
            let (theirs, ours) = (of(&seen, producer)?, one.status.as_ref()?);
            let heard = ours
                .producers
                .iter()
                .find(|heard| heard.producer == *producer);
            judge::apart(producer, theirs, ours)
                .or_else(|| judge::differs(producer, theirs.newest, heard))
        });
        let findings: Vec<String> = one.findings.iter().cloned().chain(differing).collect();
        healthy &= findings.is_empty();
        if findings.is_empty() {
            show.line(&format!("{}: well", one.service));
        }
        for finding in findings {
            show.line(&format!("{}: {finding}", one.service));
        }
    }
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A service as it was found.
struct Seen {
    service: &'static str,
    findings: Vec<String>,
    status: Option<Status>,
    /// Whom it hears.
    heard: Vec<String>,
}

fn of<'a>(seen: &'a [Seen], service: &str) -> Option<&'a Status> {
    let one = seen.iter().find(|one| one.service == service)?;
    one.status.as_ref()
}

async fn look(
    http: &reqwest::Client,
    service: &'static str,
    address: Option<&str>,
    database: Option<&String>,
) -> Seen {
    let mut seen = Seen {
        service,
        findings: Vec::new(),
        status: None,
        heard: Vec::new(),
    };
    let Some(address) = address else {
        let unknown = format!("is not known here: --{service}-admin says where it is");
        seen.findings.push(unknown);
        return seen;
    };
    let status = match ask(http, address).await {
        Ok((waits_for, inspection)) => {
            seen.findings.extend(waits_for);
            seen.findings.extend(judge::queues(&inspection.queues));
            let queues = inspection.queues.into_iter().flatten();
            seen.heard = queues.map(|queue| queue.producer).collect();
            inspection.tables.map_err(anyhow::Error::msg)
        }
        Err(error) => {
            seen.findings.push(error.to_string());
            match database {
                Some(url) => verbs::messaging_status(url).await,
                None => return seen,
            }
        }
    };
    match status {
        Ok(status) => {
            seen.findings.extend(judge::tables(service, &status));
            seen.status = Some(status);
        }
        Err(error) => {
            let silent = format!("its database does not answer ({error:#})");
            seen.findings.push(silent);
        }
    }
    seen
}

/// What the service waits for before it is ready, if for anything, and what it sees.
async fn ask(
    http: &reqwest::Client,
    address: &str,
) -> anyhow::Result<(Option<String>, Inspection)> {
    let get = |page: &str| {
        http.get(format!("{}/{page}", address.trim_end_matches('/')))
            .send()
    };
    let ready = get("ready")
        .await
        .ok()
        .with_context(|| format!("does not answer at {address}: is it running?"))?;
    let waits_for = if ready.status().is_success() {
        None
    } else {
        let why = ready.text().await.unwrap_or_default();
        Some(format!(
            "is not ready: {}. It goes on by itself when what it needs is back.",
            why.trim()
        ))
    };
    let said = get("status").await.ok();
    let said = said.and_then(|answer| answer.error_for_status().ok());
    let said = said.with_context(|| format!("does not say at {address} how it goes"))?;
    let inspection = serde_json::from_slice(&said.bytes().await?)
        .with_context(|| format!("says at {address} what this version does not understand"))?;
    Ok((waits_for, inspection))
}
