//! What is behind, parked, dead or differing, in sentences.

use handslag_platform::messaging::{
    inspect::Queue,
    status::{Producer, Status, Waiting},
};

/// Age of an unpublished event from which something is wrong: the relay needs milliseconds, a restarted broker seconds.
const OLD_MS: i64 = 30_000;

/// How long a consumer may differ from its producer: a digest comes every 5 s, a replay is asked for after two
/// differences, and one that got lost is asked for again after 30 s.
const DIFFERS_MS: i64 = 60_000;

/// Messages in a queue from which a consumer is behind: some seconds of a debug build's work.
const BEHIND: u32 = 10_000;

/// What a service's own tables tell.
pub(super) fn tables(service: &str, status: &Status) -> Vec<String> {
    let mut findings = Vec::new();
    if status.outbox_age_ms > OLD_MS {
        findings.push(format!(
            "{} events wait to be published, the oldest for {} s: is the broker reachable?",
            status.unpublished,
            status.outbox_age_ms / 1_000
        ));
    }
    findings.extend(status.waiting.iter().map(|waiting| waits(service, waiting)));
    if status.dead_letters > 0 {
        findings.push(format!(
            "{} dead letters: `handslag dead-letters list {service}`, then mend the cause and replay, or discard",
            status.dead_letters
        ));
    }
    findings
}

/// One aggregate that waits, and what for.
fn waits(service: &str, waiting: &Waiting) -> String {
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

/// What the broker tells of the queues in which a service hears others.
pub(super) fn queues(queues: &Result<Vec<Queue>, String>) -> Vec<String> {
    match queues {
        Ok(queues) => queues.iter().filter_map(queue).collect(),
        Err(error) => vec![format!(
            "the broker does not answer ({error}): commands go on, and events wait in the outbox until it is back"
        )],
    }
}

/// A queue that nobody empties.
fn queue(queue: &Queue) -> Option<String> {
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

/// A consumer and its producer of which only one was told of a restore, each given as what its tables tell.
pub(super) fn apart(producer: &str, theirs: &Status, ours: &Status) -> Option<String> {
    let (theirs, ours) = (theirs.incarnation, ours.incarnation);
    (theirs != ours).then(|| {
        let wanted = theirs.max(ours);
        let late = if theirs < ours { producer } else { "this service" };
        format!(
            "takes no message of {producer}, whose log is in incarnation {theirs} while this one's is {ours}: after a restore \
             every service begins the same incarnation. Stop {late}, run its `migrate --incarnation {wanted}`, start it \
             again; what was put aside then comes from the log"
        )
    })
}

/// A consumer that has not agreed with its producer for too long.
pub(super) fn differs(producer: &str, newest: i64, heard: Option<&Producer>) -> Option<String> {
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

    use super::{apart, differs, queue, tables};

    fn status() -> Status {
        Status {
            incarnation: 1,
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
        assert!(tables("registry", &status()).is_empty());
        assert_eq!(differs("registry", 9, Some(&heard())), None);
        let state = QueueState {
            ready: 3,
            consumers: 2,
        };
        let one = Queue {
            name: "q".to_owned(),
            producer: "registry".to_owned(),
            state: Some(state),
        };
        assert_eq!(queue(&one), None);
    }

    #[test]
    fn names_the_command_for_dead_letters() {
        let status = Status {
            dead_letters: 2,
            ..status()
        };
        assert!(tables("reporting", &status)[0].contains("dead-letters list reporting"));
    }

    #[test]
    fn names_what_an_aggregate_waits_for_and_what_to_do() {
        let said = |waiting| {
            let status = Status {
                waiting: vec![waiting],
                ..status()
            };
            tables("reporting", &status).remove(0)
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
        let nothing = differs("registry", 9, None).unwrap();
        assert!(nothing.contains("heard nothing"), "{nothing}");
    }

    #[test]
    fn names_who_was_not_told_of_a_restore() {
        let (former, next) = (
            status(),
            Status {
                incarnation: 2,
                ..status()
            },
        );
        assert_eq!(apart("registry", &next, &next), None);
        let said = apart("registry", &next, &former).unwrap();
        assert!(
            said.contains("Stop this service, run its `migrate --incarnation 2`"),
            "{said}"
        );
        let said = apart("registry", &former, &next).unwrap();
        assert!(said.contains("Stop registry, run its"), "{said}");
    }

    #[test]
    fn finds_a_queue_that_is_gone_or_that_nobody_empties() {
        let with = |state| Queue {
            name: "handslag.reporting.from.registry".to_owned(),
            producer: "registry".to_owned(),
            state,
        };
        assert!(queue(&with(None)).unwrap().contains("is not there"));
        let (ready, consumers) = (5, 0);
        let left = with(Some(QueueState { ready, consumers }));
        assert!(queue(&left).unwrap().contains("holds 5 messages"));
    }

    #[test]
    fn tells_a_backlog_from_what_is_under_way() {
        let under_way = Status {
            unpublished: 3,
            outbox_age_ms: 20,
            ..status()
        };
        assert!(tables("registry", &under_way).is_empty());
        let behind = Status {
            outbox_age_ms: 60_000,
            ..under_way
        };
        assert_eq!(tables("registry", &behind).len(), 1);
    }
}
