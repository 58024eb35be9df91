//! Random publications under random faults, against a broker and a publisher that count.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// A broker that numbers what reaches it and confirms it, one by one or several at once.
struct Broker {
    splitter: Splitter,
    /// The bodies by its own number.
    got: Vec<u8>,
    confirmed: usize,
}

/// A publisher that knows what it has sent and believes every confirm, as long as it is possible.
#[derive(Default)]
struct Publisher {
    pending: BTreeMap<u64, u8>,
    sent: u64,
    acknowledged: BTreeSet<u8>,
    refused: BTreeSet<u8>,
    returned: usize,
}

impl Broker {
    fn hear(&mut self, bytes: &[u8]) {
        let got = &mut self.got;
        self.splitter.feed(bytes, |piece| {
            if let Piece::Frame(Frame {
                kind: BODY,
                payload,
                ..
            }) = piece
            {
                got.push(payload[0]);
            }
        });
    }

    fn answer(&mut self, chance: &mut StdRng) -> Vec<u8> {
        if self.confirmed == self.got.len() {
            return Vec::new();
        }
        let several = chance.random();
        self.confirmed = if several {
            chance.random_range(self.confirmed + 1..=self.got.len())
        } else {
            self.confirmed + 1
        };
        let number = if chance.random_bool(0.1) { 120 } else { 80 };
        settle(1, number, self.confirmed as u64, several)
    }
}

impl Publisher {
    fn say(&mut self, body: u8) -> Vec<u8> {
        self.sent += 1;
        self.pending.insert(self.sent, body);
        publish(1, EVENTS, &[body], 1)
    }

    fn hear(&mut self, bytes: &[u8]) {
        let mut splitter = Splitter::of_broker();
        splitter.feed(bytes, |piece| {
            let Piece::Frame(frame) = piece else {
                panic!("not a frame: {piece:?}");
            };
            match (frame.kind, frame.payload) {
                (METHOD, [0, 60, 0, number @ (80 | 120), arguments @ ..]) => {
                    self.settle(*number == 80, arguments);
                }
                (METHOD, [0, 60, 0, 50, ..]) => self.returned += 1,
                _ => assert_ne!(frame.kind, METHOD, "an unknown method"),
            }
        });
        assert_eq!(splitter.rest(), b"");
    }

    fn settle(&mut self, positive: bool, arguments: &[u8]) {
        let tag = u64::from_be_bytes(arguments[..8].try_into().unwrap());
        let several = arguments[8] & 1 == 1;
        let bodies: Vec<u8> = if several {
            let later = self.pending.split_off(&(tag + 1));
            std::mem::replace(&mut self.pending, later)
                .into_values()
                .collect()
        } else {
            vec![
                self.pending
                    .remove(&tag)
                    .expect("a confirm of something pending"),
            ]
        };
        let settled = if positive {
            &mut self.acknowledged
        } else {
            &mut self.refused
        };
        settled.extend(bodies);
    }
}

fn rule(chance: &mut StdRng) -> Rule {
    let fates = [
        Fate::SwallowConfirm,
        Fate::DelayConfirm(Duration::from_millis(chance.random_range(0..50))),
        Fate::Nack,
        Fate::Return,
        Fate::Duplicate,
        Fate::Postpone,
    ];
    let fate = fates[chance.random_range(0..fates.len())];
    Rule::new(fate, When::Chance(0.2))
}

/// Publishes `messages` bodies under the rules of a seed, until nothing more happens.
fn run(seed: u64) -> (Broker, Publisher, Counts) {
    let chance = &mut StdRng::seed_from_u64(seed);
    let rules: Vec<Rule> = (0..3).map(|_| rule(chance)).collect();
    let faults = Faults::default();
    rules.into_iter().for_each(|rule| faults.add(rule));
    let mut session = Session::new(faults.clone(), seed);
    let mut broker = Broker {
        splitter: Splitter::of_client(),
        got: Vec::new(),
        confirmed: 0,
    };
    let mut publisher = Publisher::default();
    broker.hear(&session.hear_client(&beginning()).to_broker);
    let mut now = Instant::now();
    // Longer than what is said, so that everything is answered.
    for step in 0..400_u64 {
        now += Duration::from_millis(1);
        let mut said = Output::default();
        if step < 120 {
            said = session.hear_client(&publisher.say(u8::try_from(step).unwrap()));
        }
        broker.hear(&said.to_broker);
        publisher.hear(&said.to_client);
        if step > 200 || chance.random_bool(0.3) {
            let answer = broker.answer(chance);
            publisher.hear(&session.hear_broker(&answer, now).to_client);
        }
    }
    (broker, publisher, faults.counts())
}

#[test]
fn no_publisher_believes_what_its_broker_does_not_know() {
    let mut struck = Counts::default();
    for seed in 0..300 {
        let (broker, publisher, counts) = run(seed);
        let got: BTreeSet<u8> = broker.got.iter().copied().collect();
        let unfounded = publisher.acknowledged.difference(&got).count();
        assert_eq!(unfounded, publisher.returned, "seed {seed}: {counts:?}");
        assert_eq!(publisher.returned as u64, counts.returned, "seed {seed}");
        let doubles = (broker.got.len() - got.len()) as u64;
        assert_eq!(doubles, counts.duplicated, "seed {seed}");
        // The last one may be waiting for a next one.
        let waiting = 120 - counts.returned - got.len() as u64;
        assert!(waiting <= 1, "seed {seed}: {waiting} messages are lost");
        let unanswered = publisher.pending.len() as u64;
        assert_eq!(
            unanswered,
            counts.swallowed + waiting,
            "seed {seed}: {counts:?}"
        );
        assert!(
            counts.nacked <= publisher.refused.len() as u64,
            "seed {seed}"
        );
        struck.swallowed += counts.swallowed;
        struck.delayed += counts.delayed;
        struck.nacked += counts.nacked;
        struck.returned += counts.returned;
        struck.duplicated += counts.duplicated;
        struck.postponed += counts.postponed;
    }
    let Counts {
        swallowed,
        delayed,
        nacked,
        returned,
        duplicated,
        postponed,
        ..
    } = struck;
    let all = [swallowed, delayed, nacked, returned, duplicated, postponed];
    assert!(all.iter().all(|count| *count > 100), "{struck:?}");
}
