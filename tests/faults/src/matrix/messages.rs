//! Messages that no service of ours would send, put straight into the consumers' queues.

use anyhow::Result;
use futures_util::FutureExt as _;
use handslag_platform::id;
use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::time::Instant;

use super::Fault;
use crate::scene::Scene;

/// Beginning of the ids of aggregates that only forged events know.
pub(crate) const FORGED: &str = "forged";
/// A body larger than any event of ours.
const HUGE_BYTES: usize = 10 * 1_024 * 1_024;
/// Numbers of forged events in the log: far above what a run reaches, so that no digest counts
/// them.
const FORGED_SEQ: i64 = 1 << 50;
/// Longest pause between two messages.
const PAUSE_MOST: Duration = Duration::from_millis(400);

const KINDS: [&str; 6] = [
    "no-event",
    "cut",
    "random",
    "huge",
    "unknown-type",
    "future-version",
];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "poison",
            "cut, random, huge, unknown and future messages in the queues",
            |scene| poison(scene).boxed(),
        )
        .short(),
    ]
}

async fn poison(scene: &mut Scene) -> Result<()> {
    let properties = ConnectionProperties::default();
    let connection = Connection::connect(&scene.fleet.amqp_url, properties).await?;
    let channel = connection.create_channel().await?;
    let end = Instant::now() + scene.time;
    let mut number = 0;
    while Instant::now() < end {
        // The first round has each kind once.
        let kind = match KINDS.get(number) {
            Some(kind) => *kind,
            None => KINDS[scene.chance.random_range(0..KINDS.len())],
        };
        if kind != "huge" || number < KINDS.len() {
            one(scene, &channel, kind, number).await?;
            scene.struck += 1;
        }
        number += 1;
        scene.pause(PAUSE_MOST).await;
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}

async fn one(scene: &mut Scene, channel: &Channel, kind: &str, number: usize) -> Result<()> {
    let consumer = ["commitments", "notifications", "reporting"][scene.chance.random_range(0..3)];
    let event_id = id::new();
    let aggregate_id = format!("{FORGED}-{number}");
    let (event_type, version) = match kind {
        "unknown-type" => ("se.handslag.registry.area.painted.v9", 1),
        "future-version" => ("se.handslag.registry.area.created.v1", 1_000),
        _ => ("se.handslag.registry.area.created.v1", 1),
    };
    let body = match kind {
        // A length that promises more than follows.
        "cut" => vec![0x12, 0x7f, b'a'],
        "huge" => vec![0xff; HUGE_BYTES],
        "unknown-type" | "future-version" => Vec::new(),
        _ => (0..64)
            .map(|_| scene.chance.random::<u8>() | 0x80)
            .collect(),
    };
    let mut headers = FieldTable::default();
    let mut header = |name: &str, value: &str| {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    };
    if kind != "no-event" {
        header("cloudEvents_id", &event_id.to_string());
        header("cloudEvents_source", "/handslag/registry");
        header("cloudEvents_type", event_type);
        header("cloudEvents_subject", &format!("areas/{aggregate_id}"));
        header("cloudEvents_time", "2026-03-01T12:00:00Z");
        header("cloudEvents_specversion", "1.0");
        header("cloudEvents_sequence", &version.to_string());
        header("cloudEvents_seq", &(FORGED_SEQ + number as i64).to_string());
        header("cloudEvents_actor", "nobody");
        header("cloudEvents_aggregate", "area");
        header("cloudEvents_aggregateid", &aggregate_id);
    }
    let hash = Sha256::digest(&body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    scene.injected.event_ids.push(event_id);
    scene.injected.payload_hashes.push(hash);
    scene
        .injected
        .aggregates
        .push(format!("registry/area/{aggregate_id}"));
    let queue = format!("handslag.{consumer}.from.registry");
    channel
        .basic_publish(
            "".into(),
            queue.as_str().into(),
            BasicPublishOptions::default(),
            &body,
            BasicProperties::default()
                .with_headers(headers)
                .with_delivery_mode(2),
        )
        .await?;
    Ok(())
}
