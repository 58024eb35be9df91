//! `handslag doctor`: what is behind, parked, dead or not answering, in plain words, and what to do.

use std::{path::Path, process::ExitCode, time::Duration};

use handslag_platform::messaging::status::{self, Status};

use crate::{ports::SERVICES, show::Progress, state::CityState, verbs};

/// Age of an unpublished event from which something is wrong: the relay needs milliseconds, a restarted broker seconds.
const OLD_MS: i64 = 30_000;

/// Time for an admin port's answer.
const ANSWER: Duration = Duration::from_secs(3);

pub(super) async fn run(directory: &Path) -> anyhow::Result<ExitCode> {
    let state = CityState::load(directory)?;
    let show = Progress::new();
    let http = reqwest::Client::builder()
        .timeout(ANSWER)
        .no_proxy()
        .build()?;
    let mut healthy = true;
    for service in SERVICES {
        let mut findings = Vec::new();
        match state.admin.get(service) {
            Some(admin) => findings.extend(readiness(&http, admin).await),
            None => findings.push("is not known here".to_owned()),
        }
        match state.databases.get(service) {
            Some(url) => match read(url).await {
                Ok(status) => findings.extend(judge(service, &status)),
                Err(error) => findings.push(format!("its database does not answer ({error:#})")),
            },
            None => findings.push("its database is not known here".to_owned()),
        }
        if findings.is_empty() {
            show.line(&format!("{service}: well"));
        }
        for finding in &findings {
            healthy = false;
            show.line(&format!("{service}: {finding}"));
        }
    }
    Ok(if healthy {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn readiness(http: &reqwest::Client, admin: &str) -> Option<String> {
    match http.get(format!("{admin}/ready")).send().await {
        Ok(response) if response.status().is_success() => None,
        Ok(response) => {
            let why = response.text().await.unwrap_or_default();
            Some(format!(
                "is not ready: {}. It goes on by itself when what it needs is back.",
                why.trim()
            ))
        }
        Err(_) => Some("does not answer: start it with `cargo dev up`".to_owned()),
    }
}

pub(crate) async fn read(url: &str) -> anyhow::Result<Status> {
    let pool = verbs::pool(url).await?;
    let status = status::read(&pool).await?;
    pool.close().await;
    Ok(status)
}

fn judge(service: &str, status: &Status) -> Vec<String> {
    let mut findings = Vec::new();
    if status.outbox_age_ms > OLD_MS {
        findings.push(format!(
            "{} events wait to be published, the oldest for {} s: is the broker reachable?",
            status.unpublished,
            status.outbox_age_ms / 1_000
        ));
    }
    if status.parked > 0 {
        findings.push(format!(
            "{} events wait for their predecessors, which have been asked for from the producer's log; if that lasts, \
             look for a dead letter of the same aggregate",
            status.parked
        ));
    }
    if status.dead_letters > 0 {
        findings.push(format!(
            "{} dead letters: `handslag dead-letters list {service}`, then mend the cause and replay, or discard",
            status.dead_letters
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use handslag_platform::messaging::status::Status;

    use super::judge;

    fn status() -> Status {
        Status {
            newest: 9,
            low_water: 9,
            unpublished: 0,
            outbox_age_ms: 0,
            parked: 0,
            dead_letters: 0,
            producers: Vec::new(),
        }
    }

    #[test]
    fn says_nothing_of_what_is_well() {
        assert!(judge("registry", &status()).is_empty());
    }

    #[test]
    fn names_the_command_for_dead_letters() {
        let findings = judge(
            "reporting",
            &Status {
                dead_letters: 2,
                ..status()
            },
        );
        assert!(findings[0].contains("dead-letters list reporting"));
    }

    #[test]
    fn tells_a_backlog_from_what_is_under_way() {
        let under_way = Status {
            unpublished: 3,
            outbox_age_ms: 20,
            ..status()
        };
        assert!(judge("registry", &under_way).is_empty());
        let behind = Status {
            outbox_age_ms: 60_000,
            ..under_way
        };
        assert_eq!(judge("registry", &behind).len(), 1);
    }
}
