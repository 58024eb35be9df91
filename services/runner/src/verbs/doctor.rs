//! `handslag doctor`: what is behind, parked, dead, differing or not answering, in plain words, and
//! what to do.
//!
//! # Design notes
//! It asks each service's admin port, each database and the broker, and judges what they say
//! together: that a consumer differs from a producer is seen only by looking at both. What heals by
//! itself is said to, since the best advice is then to wait.

use std::{collections::BTreeMap, path::Path, process::ExitCode, time::Duration};

use handslag_platform::{
    config::BrokerConfig,
    messaging::{
        inspect::{self, Queue},
        status::{self, Producer, Status, Waiting},
    },
};

use crate::{ports::SERVICES, show::Progress, state::CityState, verbs};

/// Age of an unpublished event from which something is wrong: the relay needs milliseconds, a restarted broker seconds.
const OLD_MS: i64 = 30_000;

/// How long a consumer may differ from its producer: a digest comes every 5 s, a replay is asked for after two
/// differences, and one that got lost is asked for again after 30 s.
const DIFFERS_MS: i64 = 60_000;

/// Messages in a queue from which a consumer is behind: some seconds of a debug build's work.
const BEHIND: u32 = 10_000;

/// Time for an admin port's answer.
const ANSWER: Duration = Duration::from_secs(3);

/// Whose events each service hears.
const HEARS: [(&str, &[&str]); 3] = [
    ("commitments", &["registry"]),
    ("notifications", &["registry", "commitments"]),
    ("reporting", &["registry", "commitments"]),
];

pub(super) async fn run(directory: &Path) -> anyhow::Result<ExitCode> {
    let state = CityState::load(directory)?;
    let show = Progress::new();
    let http = handslag_platform::authorities::http_client(None)?
        .timeout(ANSWER)
        .no_proxy()
        .build()?;
    let mut findings: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut statuses = BTreeMap::new();
    for service in SERVICES {
        let found = findings.entry(service).or_default();
        match state.admin.get(service) {
            Some(admin) => found.extend(readiness(&http, admin).await),
            None => found.push("is not known here".to_owned()),
        }
        match state.databases.get(service) {
            Some(url) => match read(url).await {
                Ok(status) => {
                    found.extend(judge(service, &status));
                    statuses.insert(service, status);
                }
                Err(error) => found.push(format!("its database does not answer ({error:#})")),
            },
            None => found.push("its database is not known here".to_owned()),
        }
    }
    let broker = BrokerConfig::at(&state.amqp_url);
    for (consumer, producers) in HEARS {
        let found = findings.entry(consumer).or_default();
        match inspect::queues(&broker, consumer, producers).await {
            Ok(queues) => found.extend(queues.iter().filter_map(judge_queue)),
            Err(error) => found.push(format!(
                "the broker does not answer ({error}): commands go on, and events wait in the outbox until it is back"
            )),
        }
        found.extend(producers.iter().filter_map(|producer| {
            let newest = statuses.get(producer)?.newest;
            let heard = &statuses.get(consumer)?.producers;
            differs(
                producer,
                newest,
                heard.iter().find(|one| one.producer == **producer),
            )
        }));
    }
    let healthy = findings.values().all(Vec::is_empty);
    for service in SERVICES {
        let found = findings.get(service).map(Vec::as_slice).unwrap_or_default();
        if found.is_empty() {
            show.line(&format!("{service}: well"));
        }
        for finding in found {
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
    findings.extend(
        status
            .waiting
            .iter()
            .map(|waiting| judge_waiting(service, waiting)),
    );
    if status.dead_letters > 0 {
        findings.push(format!(
            "{} dead letters: `handslag dead-letters list {service}`, then mend the cause and replay, or discard",
            status.dead_letters
        ));
    }
    findings
}

/// One aggregate that waits, and what for.
fn judge_waiting(service: &str, waiting: &Waiting) -> String {
    let Waiting {
        producer,
        aggregate,
        aggregate_id,
        missing,
        parked,
        waits_ms,
        dead_letter,
    } = waiting;
    let what = format!(
        "{parked} events of the {aggregate} {aggregate_id} are parked for {} s, since version {missing} of it is missing",
        waits_ms / 1_000
    );
    match dead_letter {
        Some(id) => format!(
            "{what}: that one is dead letter {id}. `handslag dead-letters show {service} --id {id}`, mend the cause, \
             then `replay` or `discard` it; the parked ones follow"
        ),
        None if *waits_ms < DIFFERS_MS => {
            format!("{what}: it has been asked for from {producer}'s log and comes by itself")
        }
        None => format!(
            "{what}, and {producer} has not sent it: is {producer} running, and does its log have that version?"
        ),
    }
}

/// A queue that nobody empties.
fn judge_queue(queue: &Queue) -> Option<String> {
    let name = &queue.name;
    match queue.state {
        None => Some(format!(
            "the queue {name} is not there: it is made again within seconds by the service, and what it held comes from \
             the producer's log"
        )),
        Some(state) if state.consumers == 0 => Some(format!(
            "nobody consumes the queue {name}, which holds {} messages: is the service running?",
            state.ready
        )),
        Some(state) if state.ready > BEHIND => Some(format!(
            "is {} messages behind in {name}; it works them off by itself",
            state.ready
        )),
        Some(_) => None,
    }
}

/// A consumer that has not agreed with its producer for too long.
fn differs(producer: &str, newest: i64, heard: Option<&Producer>) -> Option<String> {
    let Some(heard) = heard else {
        return (newest > 0).then(|| {
            format!("has heard nothing of {producer} yet, which has said {newest} events: it asks for them by itself")
        });
    };
    let old = heard.agreed_ms_ago.is_none_or(|age| age > DIFFERS_MS);
    if heard.agreed_seq >= newest || !old {
        return None;
    }
    let since = heard.agreed_ms_ago.map_or_else(
        || "never".to_owned(),
        |age| format!("{} s ago", age / 1_000),
    );
    let what = format!(
        "differs from {producer}: both agree up to event {} of {newest}, and last did {since}",
        heard.agreed_seq
    );
    Some(if heard.replay_wanted {
        format!("{what}; a replay of the whole log is under way")
    } else {
        format!(
            "{what}. It asks for what is missing by itself; if that does not help, is {producer} running and ready? A read \
             model can be made anew with `handslag read-model rebuild`"
        )
    })
}

#[cfg(test)]
mod tests {
    use handslag_platform::messaging::inspect::{Queue, QueueState};
    use handslag_platform::messaging::status::{Producer, Status, Waiting};

    use super::{differs, judge, judge_queue};

    fn status() -> Status {
        Status {
            newest: 9,
            low_water: 9,
            unpublished: 0,
            outbox_age_ms: 0,
            parked: 0,
            dead_letters: 0,
            sealed: 9,
            waiting: Vec::new(),
            producers: Vec::new(),
        }
    }

    fn waiting() -> Waiting {
        Waiting {
            producer: "registry".to_owned(),
            aggregate: "area".to_owned(),
            aggregate_id: "social".to_owned(),
            missing: 3,
            parked: 2,
            waits_ms: 4_000,
            dead_letter: None,
        }
    }

    fn heard() -> Producer {
        Producer {
            producer: "registry".to_owned(),
            agreed_seq: 9,
            agreed_count: 9,
            since: 0,
            aggregates: 4,
            agreed_ms_ago: Some(2_000),
            replay_wanted: false,
        }
    }

    #[test]
    fn says_nothing_of_what_is_well() {
        assert!(judge("registry", &status()).is_empty());
        assert_eq!(differs("registry", 9, Some(&heard())), None);
        let state = QueueState {
            ready: 3,
            consumers: 2,
        };
        let queue = Queue {
            name: "q".to_owned(),
            state: Some(state),
        };
        assert_eq!(judge_queue(&queue), None);
    }

    #[test]
    fn names_the_command_for_dead_letters() {
        let status = Status {
            dead_letters: 2,
            ..status()
        };
        assert!(judge("reporting", &status)[0].contains("dead-letters list reporting"));
    }

    #[test]
    fn names_what_an_aggregate_waits_for_and_what_to_do() {
        let said = |waiting| {
            let status = Status {
                waiting: vec![waiting],
                ..status()
            };
            judge("reporting", &status).remove(0)
        };
        assert!(said(waiting()).contains("comes by itself"));
        let dead = Waiting {
            dead_letter: Some(7),
            ..waiting()
        };
        assert!(said(dead).contains("dead-letters show reporting --id 7"));
        let long = Waiting {
            waits_ms: 600_000,
            ..waiting()
        };
        assert!(said(long).contains("has not sent it"));
    }

    #[test]
    fn tells_a_difference_that_lasts_from_one_that_heals() {
        let behind = Producer {
            agreed_seq: 5,
            ..heard()
        };
        assert_eq!(differs("registry", 9, Some(&behind)), None);
        let lasting = Producer {
            agreed_ms_ago: Some(90_000),
            ..behind
        };
        let said = differs("registry", 9, Some(&lasting)).unwrap();
        assert!(
            said.contains("up to event 5 of 9") && said.contains("90 s ago"),
            "{said}"
        );
        assert!(
            differs("registry", 9, None)
                .unwrap()
                .contains("heard nothing")
        );
    }

    #[test]
    fn finds_a_queue_that_is_gone_or_that_nobody_empties() {
        let queue = |state| Queue {
            name: "handslag.reporting.from.registry".to_owned(),
            state,
        };
        assert!(judge_queue(&queue(None)).unwrap().contains("is not there"));
        let (ready, consumers) = (5, 0);
        let left = queue(Some(QueueState { ready, consumers }));
        assert!(judge_queue(&left).unwrap().contains("holds 5 messages"));
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
