//! What must hold at every step, and what must hold at the end.

use std::collections::BTreeSet;

use handslag_platform::messaging::relay::holes::Mark;

use crate::event::Event;
use crate::model::broker::Broker;
use crate::model::producer::Producer;
use crate::model::tables::{Tables, Writes};

/// Watches the world. The first breach is kept and ends the run.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    breach: Option<String>,
    /// The highest mark that was saved or said.
    settled: i64,
    /// Per service and number, what was written down as heard of.
    noted: BTreeSet<(usize, i64)>,
}

impl Judge {
    pub(crate) fn breach(&self) -> Option<&str> {
        self.breach.as_deref()
    }

    pub(crate) fn find(&mut self, breach: String) {
        self.breach.get_or_insert(breach);
    }

    /// An event has become visible.
    pub(crate) fn committed(&mut self, event: &Event) {
        if event.seq <= self.settled {
            let settled = self.settled;
            self.find(format!(
                "{event} was committed, and the relay has settled everything up to {settled}"
            ));
        }
    }

    /// The leader says something about everything up to a mark, in the database or in a digest.
    pub(crate) fn settled(
        &mut self,
        what: &str,
        mark: Mark,
        producer: &Producer,
        taken: &BTreeSet<i64>,
    ) {
        let unpublished = producer
            .log
            .range(..=mark.seq)
            .find(|(seq, _)| !taken.contains(*seq));
        if let Some((_, event)) = unpublished {
            self.find(format!(
                "{what} at {} passes {event}, which was never published",
                mark.seq
            ));
        }
        let truth = producer.truth(mark.seq);
        if mark != truth {
            self.find(format!(
                "{what} counts {} events up to {} and there are {}, or their hashes differ",
                mark.count, mark.seq, truth.count
            ));
        }
        self.settled = self.settled.max(mark.seq);
    }

    /// An effect has become visible.
    pub(crate) fn effected(
        &mut self,
        service: &str,
        event: &Event,
        tables: &mut Tables,
        producer: &Producer,
    ) {
        if producer.log.get(&event.seq) != Some(event) {
            self.find(format!(
                "{service} has applied {event}, which was never committed"
            ));
        }
        let before = tables.effects.insert(event.aggregate, event.version);
        let before = before.unwrap_or(0);
        if event.version <= before {
            self.find(format!("{service} has applied {event} twice"));
        } else if event.version > before + 1 {
            self.find(format!(
                "{service} has applied {event} before version {}",
                before + 1
            ));
        }
    }

    /// A transaction of a service has become visible: its marks tell what has had its effect.
    pub(crate) fn written(&mut self, service: usize, writes: &Writes, tables: &Tables) {
        let noted = writes.noted.iter().map(|seq| (service, *seq));
        self.noted.extend(noted);
        for (aggregate, _) in &writes.marks {
            let mark = tables.marks.get(aggregate).copied().unwrap_or(0);
            let effect = tables.effects.get(aggregate).copied().unwrap_or(0);
            if effect != mark {
                self.find(format!(
                    "service {service} has thing {aggregate} marked at version {mark}, its effects \
                     have come to {effect}"
                ));
            }
        }
    }

    /// A service has agreed on something.
    pub(crate) fn agreed(&mut self, service: usize, agreed: Mark, producer: &Producer) {
        if agreed != producer.truth(agreed.seq) {
            let Mark { seq, count, .. } = agreed;
            self.find(format!(
                "service {service} has agreed on {count} events up to {seq}, which is not so"
            ));
        }
    }

    /// The broker forgets a delivery, since its consumer said that it may.
    pub(crate) fn given_up(&mut self, service: usize, event: &Event) {
        if !self.noted.contains(&(service, event.seq)) {
            self.find(format!(
                "service {service} has acknowledged {event} without having written it down"
            ));
        }
    }

    /// What is missing until the world is as it must be in the end; nothing when it is.
    pub(crate) fn unfinished(
        producer: &Producer,
        services: &[Tables],
        broker: &Broker,
    ) -> Option<String> {
        let newest = producer.log.keys().next_back().copied().unwrap_or(0);
        if !producer.is_idle() {
            return Some("a command is open".to_owned());
        }
        if producer.mark.seq < newest {
            return Some(format!(
                "the durable mark is {} and the newest event {newest}",
                producer.mark.seq
            ));
        }
        for (service, tables) in services.iter().enumerate() {
            if let Some(what) = unfinished_service(tables, producer, newest) {
                return Some(format!("service {service}: {what}"));
            }
        }
        (!broker.is_quiet()).then(|| "events are under way".to_owned())
    }
}

fn unfinished_service(tables: &Tables, producer: &Producer, newest: i64) -> Option<String> {
    let versions = producer.versions.iter().enumerate();
    for (aggregate, version) in versions.filter(|(_, version)| **version > 0) {
        let effect = tables.effects.get(&aggregate).copied().unwrap_or(0);
        if effect != *version {
            return Some(format!(
                "thing {aggregate} has version {version}, its effects have come to {effect}"
            ));
        }
        if tables.marks.get(&aggregate) != Some(version) {
            return Some(format!(
                "the mark of thing {aggregate} is not its version {version}"
            ));
        }
    }
    if let Some(parked) = tables.parked.values().next() {
        return Some(format!("{} is parked", parked.event));
    }
    if let Some(dead) = tables.dead.values().next() {
        return Some(format!("{} is a dead letter", dead.event));
    }
    let agreed = tables.account.agreed;
    if agreed.seq < newest || agreed != producer.truth(agreed.seq) {
        return Some(format!(
            "agreed on {} events up to {}, the newest is {newest}",
            agreed.count, agreed.seq
        ));
    }
    (!tables.is_idle()).then(|| "a transaction is open".to_owned())
}
