//! Whatever lies in a queue, the events among it have their effect, and the rest is a dead letter.

use handslag_platform::messaging::dead_letters;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldArray, FieldTable, LongString};
use lapin::{BasicProperties, Channel};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::bed::{Bed, QUEUE, eventually};

/// Everything is drawn from it.
const SEED: u64 = 1;
/// Messages that are no events.
const GARBAGE: usize = 150;
/// Between so many of them stands an event.
const EVENT_EVERY: usize = 10;

/// The headers of an event, and for each what is none.
const HEADERS: [(&str, &str, &[&str]); 11] = [
    (
        "cloudEvents_id",
        "",
        &["", "7", "0190a000-0000-7000-8000-00000000000g"],
    ),
    (
        "cloudEvents_source",
        "/handslag/registry",
        &["", "registry", "/handslag/", "/other/registry"],
    ),
    (
        "cloudEvents_type",
        "se.handslag.registry.area.created.v1",
        &[],
    ),
    ("cloudEvents_subject", "", &[]),
    (
        "cloudEvents_time",
        "2026-03-01T12:00:00Z",
        &["", "yesterday", "2026-02-30T12:00:00Z", "9"],
    ),
    (
        "cloudEvents_specversion",
        "1.0",
        &["", "0.3", "2.0", "1.0.0"],
    ),
    (
        "cloudEvents_sequence",
        "1",
        &["", "0", "-1", "1.5", "9223372036854775808", "one"],
    ),
    (
        "cloudEvents_seq",
        "1",
        &["", "0", "-9223372036854775808", "1e9"],
    ),
    ("cloudEvents_actor", "tester", &[]),
    ("cloudEvents_aggregate", "area", &[]),
    ("cloudEvents_aggregateid", "", &[]),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_lies_in_the_queue_the_events_flow_and_the_rest_is_dead() {
    let bed = Bed::new("fuzzed").await;
    let mut rng = StdRng::seed_from_u64(SEED);
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    let (_connection, channel) = bed.channel().await;
    bed.say("sound", 1).await;
    bed.heard("sound", &[1]).await;
    let mut version = 1;
    for number in 0..GARBAGE {
        let (properties, payload) = garbage(number, &mut rng);
        publish(&channel, properties, &payload).await;
        publish_control(&channel, &mut rng).await;
        if number % EVENT_EVERY == 0 {
            version += 1;
            bed.say("sound", version).await;
        }
    }
    bed.heard("sound", &(1..=version).collect::<Vec<_>>()).await;
    eventually("all of it is recorded", || async {
        letters(&bed).await.len() >= GARBAGE
    })
    .await;
    // The queue of dead letters brings each a second time, and none may be recorded twice.
    bed.say("sound", version + 1).await;
    bed.heard("sound", &(1..=version + 1).collect::<Vec<_>>())
        .await;
    eventually("the dead-letter queue is empty", || async {
        dead_waiting(&bed).await == 0
    })
    .await;
    let letters = letters(&bed).await;
    assert_eq!(letters.len(), GARBAGE, "one record for each");
    for letter in letters {
        assert!(
            ["malformed", "rejected"].contains(&letter.reason.as_str()),
            "{letter:?}"
        );
        let content = dead_letters::show(&bed.consumer, letter.id).await.unwrap();
        assert!(content.is_some());
        dead_letters::discard(&bed.consumer, letter.id)
            .await
            .unwrap();
    }
    consumer.stop().await;
    relay.stop().await;
}

async fn letters(bed: &Bed) -> Vec<dead_letters::DeadLetter> {
    dead_letters::list(&bed.consumer).await.unwrap()
}

async fn dead_waiting(bed: &Bed) -> u32 {
    let (_connection, channel) = bed.channel().await;
    let options = lapin::options::QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let declared = channel
        .queue_declare(
            "handslag.dead.reader".into(),
            options,
            FieldTable::default(),
        )
        .await;
    declared.unwrap().message_count()
}

async fn publish(channel: &Channel, properties: BasicProperties, payload: &[u8]) {
    channel
        .basic_publish(
            "".into(),
            QUEUE.into(),
            BasicPublishOptions::default(),
            payload,
            properties,
        )
        .await
        .unwrap();
}

/// A message between our own ends that says nothing: it is passed over, and is no dead letter.
async fn publish_control(channel: &Channel, rng: &mut StdRng) {
    let kinds = ["digest", "replayed", "nonsense", ""];
    let payloads: [&[u8]; 5] = [
        b"",
        b"{}",
        b"\xff\xfe",
        br#"{"producer":"another","seq":1,"count":1,"hash":1}"#,
        br#"{"producer":"registry","seq":1e400,"count":-1,"hash":null}"#,
    ];
    let mut headers = FieldTable::default();
    headers.insert("handslag_control".into(), text(kinds.choose(rng).unwrap()));
    let properties = BasicProperties::default().with_headers(headers);
    publish(channel, properties, payloads.choose(rng).unwrap()).await;
}

/// A message that is no event of the registry, each another one.
fn garbage(number: usize, rng: &mut StdRng) -> (BasicProperties, Vec<u8>) {
    let payload = noise(rng);
    let mut headers = event_headers(number);
    match rng.random_range(0..6) {
        0 => return (BasicProperties::default(), payload),
        // The payload is no message: only then may every header be right.
        1 => {}
        2 => {
            let (name, _, _) = HEADERS.choose(rng).unwrap();
            let left: FieldTable = headers
                .inner()
                .iter()
                .filter(|(own, _)| own.as_str() != *name)
                .fold(FieldTable::default(), |mut left, (own, value)| {
                    left.insert(own.clone(), value.clone());
                    left
                });
            headers = left;
        }
        3 => {
            let breakable: Vec<_> = HEADERS
                .iter()
                .filter(|(_, _, wrong)| !wrong.is_empty())
                .collect();
            let (name, _, wrong) = breakable.choose(rng).unwrap();
            headers.insert((*name).into(), text(wrong.choose(rng).unwrap()));
        }
        4 => {
            let (name, _, _) = HEADERS.choose(rng).unwrap();
            headers.insert((*name).into(), no_text(rng));
        }
        _ => {
            headers.insert("cloudEvents_source".into(), text("/handslag/another"));
            let name: String = (0..rng.random_range(1..120)).map(|_| 'å').collect();
            headers.insert(name.into(), no_text(rng));
        }
    }
    let properties = BasicProperties::default()
        .with_headers(headers)
        .with_content_type("text/\0html".into())
        .with_message_id("".into())
        .with_priority(200)
        .with_delivery_mode(2);
    (properties, payload)
}

fn event_headers(number: usize) -> FieldTable {
    let mut headers = FieldTable::default();
    for (name, value, _) in HEADERS {
        headers.insert(name.into(), text(value));
    }
    let id = uuid::Uuid::from_u128(number as u128 + 1).to_string();
    headers.insert("cloudEvents_id".into(), text(&id));
    // An aggregate of its own, so that it holds up nobody else.
    let aggregate = format!("garbage-{number}");
    headers.insert("cloudEvents_aggregateid".into(), text(&aggregate));
    headers.insert(
        "cloudEvents_subject".into(),
        text(&format!("areas/{aggregate}")),
    );
    // Beyond the log, whose account it must not disturb.
    let seq = (1_000_000 + number).to_string();
    headers.insert("cloudEvents_seq".into(), text(&seq));
    headers.insert("traceparent".into(), text("00-zz-\u{1}"));
    headers
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

/// A header that is no text that could be right, of every type that AMQP has.
fn no_text(rng: &mut StdRng) -> AMQPValue {
    let mut nested = FieldTable::default();
    nested.insert(
        "a".into(),
        AMQPValue::FieldArray(FieldArray::from(vec![text("b")])),
    );
    let values = [
        AMQPValue::Void,
        AMQPValue::Timestamp(u64::MAX),
        AMQPValue::FieldTable(nested),
        AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::Boolean(true)])),
        AMQPValue::ByteArray(vec![0, 255].into()),
        // What is no number ends the sender's own connection: the broker cannot read it.
        AMQPValue::Double(f64::MAX),
        AMQPValue::Float(1.0),
    ];
    values.choose(rng).unwrap().clone()
}

/// Bytes that are no message: a text field that is cut, after what nobody else has.
fn noise(rng: &mut StdRng) -> Vec<u8> {
    let length = *[16, 64, 300, 200_000].choose(rng).unwrap();
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    // Field 1, and a length above what follows.
    bytes.splice(0..0, [0x0a, 0xff, 0xff, 0xff, 0x7f]);
    bytes
}

/// A long text that is no UTF-8 is read as far as it goes, and does not stop the consumer.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_no_text_stops_nobody() {
    let bed = Bed::new("fuzzed-header").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    let (_connection, channel) = bed.channel().await;
    bed.say("sound", 1).await;
    bed.heard("sound", &[1]).await;
    for (number, bytes) in [&b"\xff\xfe"[..], b"a\0b", b""].into_iter().enumerate() {
        let mut headers = event_headers(number);
        let value = AMQPValue::LongString(LongString::from(bytes.to_vec()));
        headers.insert("cloudEvents_actor".into(), value.clone());
        headers.insert("cloudEvents_id".into(), value);
        let properties = BasicProperties::default().with_headers(headers);
        publish(&channel, properties, b"\x0a\x01a").await;
    }
    eventually("all three are recorded", || async {
        letters(&bed).await.len() == 3
    })
    .await;
    bed.say("sound", 2).await;
    bed.heard("sound", &[1, 2]).await;
    for letter in letters(&bed).await {
        dead_letters::discard(&bed.consumer, letter.id)
            .await
            .unwrap();
    }
    consumer.stop().await;
    relay.stop().await;
}

/// The version after it is no number of the database, so that it is no event.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_the_last_version_that_there_can_be_stops_nobody() {
    let bed = Bed::new("fuzzed-version").await;
    let (relay, consumer) = (bed.start_relay(), bed.start_consumer());
    let (_connection, channel) = bed.channel().await;
    bed.say("sound", 1).await;
    bed.heard("sound", &[1]).await;
    let mut headers = event_headers(1);
    headers.insert("cloudEvents_sequence".into(), text(&i64::MAX.to_string()));
    let properties = BasicProperties::default().with_headers(headers);
    publish(&channel, properties, b"").await;
    bed.say("sound", 2).await;
    bed.heard("sound", &[1, 2]).await;
    eventually("it is dead", || async {
        letters(&bed)
            .await
            .first()
            .is_some_and(|letter| letter.reason == "malformed")
    })
    .await;
    bed.say("sound", 3).await;
    bed.heard("sound", &[1, 2, 3]).await;
    consumer.stop().await;
    relay.stop().await;
}
