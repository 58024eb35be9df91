//! Histories in which everything is right, for the judge's own tests and for measuring it.
//!
//! # Design notes
//! A small town is lived through, command by command: what each command says, what stands in the
//! owner's tables afterwards and what the others keep of it are written down side by side, and not
//! folded from the events, so that a fold of the judge that is wrong finds a breach where there is
//! none. Around it lies what a fault run brings along: numbers of the log that nobody got, relays
//! that take over and publish again, answers that never arrived, clients that come back, a service
//! whose clock is wrong, forged messages that are declared.
//!
//! What can still change is kept in memory and written at the end; the rest is written at once, so
//! that a million events fit. The same seed makes the same bytes.

mod chance;
mod clients;
mod commitments;
mod inboxes;
mod offices;
mod out;
mod platform;
mod registry;
mod tap;

use std::path::Path;

use anyhow::Result;

use self::chance::Chance;
use self::commitments::Commitments;
use self::inboxes::Inboxes;
use self::offices::Offices;
use self::out::Out;
use self::platform::Platform;
use self::registry::Registry;
use self::tap::Tap;
use crate::calendar::Moment;
use crate::contract::body::Body;
use crate::contract::{self, COMMITMENTS, NOTIFICATIONS, REGISTRY, REPORTING};
use crate::record::{
    BrokerState, Counters, DuplicateBound, Injected, Manifest, QueueState, Sample,
};

/// The services, in the order in which everything about them is kept.
const SERVICES: [&str; 4] = [REGISTRY, COMMITMENTS, NOTIFICATIONS, REPORTING];

/// 2026-03-01 12:00 UTC, in microseconds: when every history begins.
const BEGINNING: i64 = 1_772_366_400_000_000;
/// How far the registry's own clock is ahead, in seconds.
const SKEW: i64 = 3_600;

/// Writes the records of a right run with at least so many events; answers how many it has.
///
/// # Errors
/// When the directory cannot be written.
pub fn write(dir: &Path, events: u64, seed: u64) -> Result<u64> {
    let mut town = Town::new(dir, seed)?;
    town.found()?;
    while town.platform.events() < events {
        town.step()?;
    }
    town.rest()?;
    Ok(town.platform.events())
}

/// The town and everything that is kept of it.
struct Town {
    chance: Chance,
    /// The database's own time.
    now: Moment,
    out: Out,
    platform: Platform,
    tap: Tap,
    registry: Registry,
    commitments: Commitments,
    offices: Offices,
    inboxes: Inboxes,
}

/// Something that a service is about to say.
struct Said {
    service: &'static str,
    /// The command; empty for work that nobody asked for.
    method: &'static str,
    aggregate_id: String,
    version: i64,
    subject: String,
    body: Body,
}

impl Town {
    fn new(dir: &Path, seed: u64) -> Result<Self> {
        Ok(Self {
            chance: Chance::new(seed),
            now: Moment(BEGINNING),
            out: Out::create(dir)?,
            platform: Platform::default(),
            tap: Tap::default(),
            registry: Registry::default(),
            commitments: Commitments::default(),
            offices: Offices::default(),
            inboxes: Inboxes::default(),
        })
    }

    /// What must be there before anything can happen, and the subscribers that see all of it.
    fn found(&mut self) -> Result<()> {
        for _ in 0..3 {
            self.create_area()?;
            self.create_district_board()?;
        }
        for _ in 0..2 {
            self.create_party()?;
            self.create_board()?;
        }
        self.draft_agreement()?;
        self.adopt_agreement()?;
        for kind in 0..3 {
            self.register_known_subscriber(kind)?;
        }
        self.drain()?;
        self.inboxes.all_in_force();
        self.register_organisation()?;
        self.propose_commitment()?;
        self.draft_action_plan()?;
        clients::refused(&mut self.chance, &mut self.out, self.now)?;
        clients::lost(&mut self.chance, &mut self.out, self.now)
    }

    /// One command, or one refusal, or a while in which the messages move on.
    fn step(&mut self) -> Result<()> {
        match self.chance.below(100) {
            0..18 => self.register_organisation(),
            18..24 => self.update_organisation(),
            24..52 => self.step_signatory(),
            52..60 => self.propose_commitment(),
            60..68 => self.answer_commitment(),
            68..72 => self.add_action(),
            72..82 => self.report_progress(),
            82..84 => self.move_action_deadline(),
            84 => self.approve_action_plan(),
            85 => self.draft_action_plan(),
            86..88 => self.step_round(),
            88 => self.record_deliberation(),
            89..91 => self.record_proceeding(),
            91 => self.step_proposal(),
            92 => self.report_figure(),
            93 => self.step_reference(),
            94 => self.step_subscription(),
            95 => self.make_report(),
            96 => clients::refused(&mut self.chance, &mut self.out, self.now),
            97 => clients::lost(&mut self.chance, &mut self.out, self.now),
            _ => self.drain(),
        }?;
        self.deliver_some()
    }

    /// A service says something: the log, the request log, the client, the tap and the listeners.
    /// Answers when it was decided.
    fn say(&mut self, said: &Said) -> Result<Moment> {
        self.now = self.now.plus(1_000 + self.chance.up_to(20_000_000));
        let ahead = if said.service == REGISTRY {
            SKEW * 1_000_000
        } else {
            0
        };
        // A decision comes a moment after its transaction has begun.
        let decided = self.now.plus(ahead + self.chance.up_to(5_000));
        let request = clients::command(said, self.now, &mut self.chance, &mut self.out)?;
        let event = self.platform.append(
            said,
            request.as_ref(),
            (self.now, decided),
            &mut self.chance,
            &mut self.out,
        )?;
        self.tap.publish(&event, &mut self.chance, &mut self.out)?;
        if [REGISTRY, COMMITMENTS].contains(&said.service) {
            self.inboxes.queue(event, &said.body);
        }
        Ok(decided)
    }

    /// Everything comes to rest: what waits is delivered, what can change no more is written.
    fn rest(&mut self) -> Result<()> {
        self.drain()?;
        self.tap.flush(&mut self.out)?;
        self.now = self.now.plus(10_000_000);
        self.write_registry()?;
        self.write_commitments()?;
        self.write_offices()?;
        self.inboxes.finish(&mut self.out)?;
        self.forge()?;
        self.platform.finish(self.now, &mut self.out)?;
        self.samples()?;
        let (manifest, broker) = (self.manifest(), broker());
        self.out.finish(&manifest, &broker)
    }

    /// Messages that the run itself put into the broker, and what they left behind.
    fn forge(&mut self) -> Result<()> {
        let forged = self.chance.id(self.now);
        self.tap.forge(forged, &mut self.out)?;
        self.platform.forge(forged, self.now, &mut self.out)
    }

    fn samples(&mut self) -> Result<()> {
        for at_ms in [0, 1_000, 2_000] {
            for service in SERVICES {
                self.out.sample(&Sample {
                    at_ms,
                    service: service.into(),
                    resident_bytes: 20_000_000 + self.chance.next() % 10_000_000,
                    sockets: 10 + self.chance.next() % 20,
                    in_transaction: 0,
                    outbox_age_ms: Some(self.chance.next() % 1_000),
                })?;
            }
        }
        Ok(())
    }

    fn manifest(&self) -> Manifest {
        let services: Vec<String> = SERVICES
            .iter()
            .map(|service| (*service).to_owned())
            .collect();
        let counters = services.iter().map(|service| {
            let none = Counters {
                replayed: Some(0),
                dead_letters: Some(0),
            };
            (service.clone(), none)
        });
        Manifest {
            counters: counters.collect(),
            recovered_within_seconds: 30.0,
            quiet_seconds: Some(4.5),
            duplicates: DuplicateBound {
                sightings_per_event: tap::SIGHTINGS_MOST,
                leaderships: self.tap.leaderships,
                duplicates_per_leadership: tap::WINDOW as u64,
            },
            memory_bytes_most: Some(64_000_000),
            sockets_most: Some(100),
            outbox_age_ms_most: Some(5_000),
            injected: Injected {
                event_ids: self.tap.forged.clone(),
                payload_hashes: vec![tap::poison_hash()],
                fingerprints: vec![platform::FINGERPRINT.to_owned()],
                aggregates: vec![platform::FORGED_AGGREGATE.to_owned()],
                repeated_event_ids: Vec::new(),
            },
            subscribers: self.inboxes.known(),
            clock_skew_seconds: [(REGISTRY.to_owned(), SKEW)].into(),
            services,
            ..Manifest::default()
        }
    }
}

/// Every queue, and nothing in it.
fn broker() -> BrokerState {
    let heard = contract::HEARS.iter();
    let names = heard.map(|(consumer, producer)| format!("handslag.{consumer}.from.{producer}"));
    let empty = |name| QueueState {
        name,
        ready: 0,
        unacknowledged: 0,
    };
    BrokerState {
        queues: names
            .chain(["handslag.unrouted".to_owned()])
            .map(empty)
            .collect(),
    }
}
