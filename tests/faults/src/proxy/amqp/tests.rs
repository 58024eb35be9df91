//! The conversation as it is told to a made-up broker and publisher, and with the real ones.

mod broker;
mod model;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::Instant;

use super::super::conditions::Direction;
use super::frames::{BODY, Frame, HEADER, METHOD, Piece, Splitter, method};
use super::*;

const PROTOCOL: &[u8] = b"AMQP\x00\x00\x09\x01";

/// A frame of any type.
fn raw(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = method(channel, 0, 0, payload);
    frame[0] = kind;
    // Without class and number of a method.
    frame.drain(7..11);
    let size = u32::try_from(payload.len()).unwrap();
    frame[3..7].copy_from_slice(&size.to_be_bytes());
    frame
}

fn header(channel: u16, size: u64) -> Vec<u8> {
    let class = 60_u16.to_be_bytes();
    let fields = [&class[..], &[0, 0], &size.to_be_bytes(), &[0, 0]].concat();
    raw(HEADER, channel, &fields)
}

/// A message in so many frames of body.
fn message(channel: u16, begins_with: Vec<u8>, body: &[u8], parts: usize) -> Vec<u8> {
    let mut frames = begins_with;
    frames.extend(header(channel, body.len() as u64));
    for part in body.chunks(body.len().div_ceil(parts).max(1)) {
        frames.extend(raw(BODY, channel, part));
    }
    frames
}

fn publish(channel: u16, exchange: &str, body: &[u8], parts: usize) -> Vec<u8> {
    let mut arguments = vec![0, 0];
    for text in [exchange, "registry.thing"] {
        arguments.push(u8::try_from(text.len()).unwrap());
        arguments.extend(text.as_bytes());
    }
    arguments.push(1);
    message(channel, method(channel, 60, 40, &arguments), body, parts)
}

fn deliver(channel: u16, body: &[u8], parts: usize) -> Vec<u8> {
    message(channel, method(channel, 60, 60, b"whatever"), body, parts)
}

fn settle(channel: u16, number: u16, tag: u64, several: bool) -> Vec<u8> {
    let mut arguments = tag.to_be_bytes().to_vec();
    arguments.push(u8::from(several));
    method(channel, 60, number, &arguments)
}

fn ack(tag: u64, several: bool) -> Vec<u8> {
    settle(1, 80, tag, several)
}

/// A client's first words: a channel with confirms.
fn beginning() -> Vec<u8> {
    let open = method(1, 20, 10, &[0]);
    [PROTOCOL, &open, &method(1, 85, 10, &[0])].concat()
}

/// A session that has begun, and its faults.
fn session(rules: impl IntoIterator<Item = Rule>) -> (Session, Faults) {
    let faults = Faults::default();
    rules.into_iter().for_each(|rule| faults.add(rule));
    let mut session = Session::new(faults.clone(), 1);
    assert_eq!(session.hear_client(&beginning()).to_broker, beginning());
    (session, faults)
}

fn publishes(session: &mut Session, body: &[u8]) -> Output {
    session.hear_client(&publish(1, EVENTS, body, 2))
}

fn hears(session: &mut Session, frames: &[u8]) -> Vec<u8> {
    session.hear_broker(frames, Instant::now()).to_client
}

/// Cuts bytes at random places.
fn pieces<'a>(bytes: &'a [u8], chance: &mut StdRng) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let length = chance.random_range(1..=rest.len().min(40));
        let (piece, behind) = rest.split_at(length);
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

#[test]
fn any_split_of_the_stream_gives_the_same_frames() {
    let stream = [
        PROTOCOL.to_vec(),
        method(0, 10, 11, b"a table"),
        publish(3, "x", &[0xCE; 100], 3),
        raw(8, 0, b""),
        publish(65_535, "", b"", 1),
    ];
    let stream = stream.concat();
    let split = |pieces: &[&[u8]]| {
        let mut splitter = Splitter::of_client();
        let mut told = Vec::new();
        for piece in pieces {
            splitter.feed(piece, |piece| {
                told.push(match piece {
                    Piece::Frame(Frame {
                        kind,
                        channel,
                        payload,
                        raw,
                    }) => (Some((kind, channel, payload.to_vec())), raw.to_vec()),
                    Piece::Other(raw) => (None, raw.to_vec()),
                });
            });
        }
        assert_eq!(splitter.rest(), b"");
        told
    };
    let whole = split(&[&stream]);
    assert_eq!(whole.len(), 1 + 1 + 5 + 1 + 2);
    let together: Vec<u8> = whole.iter().flat_map(|(_, raw)| raw.clone()).collect();
    assert_eq!(together, stream);
    for length in 1..stream.len() {
        let pieces: Vec<&[u8]> = stream.chunks(length).collect();
        assert_eq!(split(&pieces), whole, "pieces of {length} bytes");
    }
    let mut chance = StdRng::seed_from_u64(4);
    for _ in 0..200 {
        assert_eq!(split(&pieces(&stream, &mut chance)), whole);
    }
}

#[test]
fn without_a_fault_every_byte_passes_as_it_came() {
    let publications: Vec<u8> = (0..20_u8)
        .flat_map(|number| publish(1, EVENTS, &[number; 30], 3))
        .collect();
    let answers = [
        deliver(1, b"interleaved", 2),
        ack(4, true),
        ack(6, false),
        settle(1, 120, 5, false),
        ack(0, true),
    ];
    let answers = answers.concat();
    let mut chance = StdRng::seed_from_u64(5);
    for _ in 0..100 {
        let (mut session, faults) = session([Rule::new(Fate::Return, When::Next(0))]);
        let (mut to_broker, mut to_client) = (Vec::new(), Vec::new());
        for piece in pieces(&publications, &mut chance) {
            to_broker.extend(session.hear_client(piece).to_broker);
        }
        for piece in pieces(&answers, &mut chance) {
            to_client.extend(hears(&mut session, piece));
        }
        assert_eq!(to_broker, publications);
        assert_eq!(to_client, answers);
        assert_eq!(
            (faults.counts().published, faults.counts().confirmed),
            (20, 19)
        );
    }
}

#[test]
fn what_is_no_amqp_passes_as_it_came() {
    let mut session = Session::new(Faults::default(), 1);
    let hello = b"\x16\x03\x01 something encrypted \x01\x00\x00";
    for byte in hello {
        assert_eq!(session.hear_client(&[*byte]).to_broker, [*byte]);
    }
    assert_eq!(hears(&mut session, PROTOCOL), PROTOCOL);
    // A frame that breaks off goes on when its sender is done.
    let mut session = Session::new(Faults::default(), 1);
    let broken = &beginning()[..20];
    let mut passed = session.hear_client(broken).to_broker;
    passed.extend(session.end(Direction::ToServer).to_broker);
    assert_eq!(passed, broken);
}

#[test]
fn a_swallowed_confirm_is_not_given_by_a_later_one_for_all() {
    let (mut session, faults) = session([Rule::new(Fate::SwallowConfirm, When::Next(1))]);
    for number in 0..5 {
        publishes(&mut session, &[number]);
    }
    assert_eq!(hears(&mut session, &ack(2, true)), ack(2, false));
    assert_eq!(
        hears(&mut session, &ack(4, true)),
        [ack(3, false), ack(4, false)].concat()
    );
    assert_eq!(hears(&mut session, &ack(5, false)), ack(5, false));
    assert_eq!(faults.counts().swallowed, 1);
    assert_eq!(faults.counts().confirmed, 5);
}

#[test]
fn every_third_confirm_becomes_a_refusal_until_it_is_taken_back() {
    let every = When::Every(NonZeroU64::new(3).unwrap());
    let (mut session, faults) = session([Rule::new(Fate::Nack, every)]);
    for number in 0..8 {
        publishes(&mut session, &[number]);
    }
    let told = [
        ack(1, false),
        ack(2, false),
        settle(1, 120, 3, false),
        ack(4, false),
        ack(5, false),
        settle(1, 120, 6, false),
    ];
    assert_eq!(hears(&mut session, &ack(6, true)), told.concat());
    faults.clear();
    assert_eq!(hears(&mut session, &ack(8, true)), ack(8, true));
    assert_eq!(faults.counts().nacked, 2);
}

#[test]
fn a_returned_message_comes_back_whole_and_shifts_the_numbers() {
    let (mut session, faults) = session([Rule::new(Fate::Return, When::Next(1))]);
    let Output {
        to_broker,
        to_client,
    } = publishes(&mut session, b"body");
    assert_eq!(to_broker, b"");
    let begins = [
        &312_u16.to_be_bytes()[..],
        b"\x08NO_ROUTE\x0fhandslag.events\x0eregistry.thing",
    ];
    let returned = message(1, method(1, 60, 50, &begins.concat()), b"body", 2);
    assert_eq!(to_client, [returned, ack(1, false)].concat());
    assert_ne!(publishes(&mut session, b"next").to_broker, b"");
    assert_eq!(hears(&mut session, &ack(1, true)), ack(2, false));
    assert_eq!(faults.counts().returned, 1);
}

#[test]
fn what_the_client_is_told_waits_for_the_end_of_a_delivery() {
    let (mut session, _) = session([Rule::new(Fate::Return, When::Always)]);
    let delivery = deliver(1, b"a delivery", 2);
    let (begun, rest) = delivery.split_at(delivery.len() - 3);
    let mut told = hears(&mut session, begun);
    told.extend(publishes(&mut session, b"").to_client);
    assert!(
        begun.starts_with(&told),
        "whole frames of the delivery and nothing else"
    );
    told.extend(hears(&mut session, rest));
    let behind = told
        .strip_prefix(&delivery[..])
        .expect("the delivery is whole");
    assert!(behind.ends_with(&ack(1, false)));
}

#[test]
fn a_double_is_confirmed_once() {
    let (mut session, faults) = session([Rule::new(Fate::Duplicate, When::Next(1))]);
    let once = publish(1, EVENTS, b"twice", 2);
    assert_eq!(
        publishes(&mut session, b"twice").to_broker,
        [once.clone(), once].concat()
    );
    publishes(&mut session, b"next");
    assert_eq!(hears(&mut session, &ack(1, false)), ack(1, false));
    assert_eq!(hears(&mut session, &ack(3, true)), ack(2, false));
    assert_eq!(faults.counts().duplicated, 1);
}

#[test]
fn a_postponed_message_follows_the_next_one() {
    let (mut session, faults) = session([Rule::new(Fate::Postpone, When::Always)]);
    assert_eq!(publishes(&mut session, b"first").to_broker, b"");
    let swapped = [
        publish(1, EVENTS, b"second", 2),
        publish(1, EVENTS, b"first", 2),
    ];
    assert_eq!(
        publishes(&mut session, b"second").to_broker,
        swapped.concat()
    );
    assert_eq!(hears(&mut session, &ack(1, false)), ack(2, false));
    assert_eq!(hears(&mut session, &ack(2, false)), ack(1, false));
    assert_eq!(faults.counts().postponed, 1);
}

#[test]
fn a_delayed_confirm_comes_later_and_delays_nothing_else() {
    let delay = Duration::from_secs(5);
    let (mut session, faults) = session([Rule::new(Fate::DelayConfirm(delay), When::Next(1))]);
    publishes(&mut session, b"slow");
    publishes(&mut session, b"fast");
    let now = Instant::now();
    assert_eq!(
        session.hear_broker(&ack(2, true), now).to_client,
        ack(2, false)
    );
    assert_eq!(session.next_due(), Some(now + delay));
    assert_eq!(session.hear_broker(b"", now + delay / 2).to_client, b"");
    assert_eq!(
        session.hear_broker(b"", now + delay).to_client,
        ack(1, false)
    );
    assert_eq!(session.next_due(), None);
    assert_eq!(faults.counts().delayed, 1);
}

#[test]
fn only_publications_with_confirms_to_the_exchange_are_concerned() {
    let faults = Faults::default();
    faults.add(Rule::new(Fate::Return, When::Always));
    faults.add(Rule::new(Fate::Duplicate, When::Always).of_exchange("other"));
    let mut session = Session::new(faults.clone(), 1);
    let unconfirmed = [
        PROTOCOL,
        &method(1, 20, 10, &[0]),
        &publish(1, EVENTS, b"x", 1),
    ]
    .concat();
    assert_eq!(session.hear_client(&unconfirmed).to_broker, unconfirmed);
    session.hear_client(&method(1, 85, 10, &[0]));
    let elsewhere = publish(1, "elsewhere", b"x", 1);
    assert_eq!(session.hear_client(&elsewhere).to_broker, elsewhere);
    session.hear_client(&publish(1, "other", b"x", 1));
    publishes(&mut session, b"x");
    faults.clear();
    faults.add(Rule::new(Fate::Return, When::Always).everywhere());
    assert_eq!(session.hear_client(&elsewhere).to_broker, b"");
    let counts = faults.counts();
    assert_eq!(
        (counts.published, counts.returned, counts.duplicated),
        (4, 2, 1)
    );
}
