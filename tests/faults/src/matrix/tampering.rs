//! Somebody with the owner's rights changes the log. That cannot be withstood; it must be found.

use anyhow::{Context as _, Result};
use futures_util::FutureExt as _;
use handslag_checker::Invariant;
use rand::RngExt as _;

use super::Fault;
use crate::scene::Scene;

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "tampering",
            "an event of the log is changed, taken away or doubled",
            |scene| tamper(scene).boxed(),
        )
        .found_as(Invariant::I13)
        .short(),
    ]
}

async fn tamper(scene: &mut Scene) -> Result<()> {
    tokio::time::sleep(scene.time).await;
    let place = scene.chance.random_range(0..2);
    let database = scene.fleet.databases[place].clone();
    let sealed = "SELECT seq FROM outbox WHERE seq <= (SELECT max(last_seq) FROM audit_seal)
        ORDER BY random() LIMIT 1";
    let seq: i64 = scene
        .fleet
        .sql
        .run(&database, sealed)?
        .trim()
        .parse()
        .context("no seal")?;
    let (what, change) = match scene.chance.random_range(0..3) {
        0 => (
            "changed",
            format!("UPDATE outbox SET actor = 'somebody else' WHERE seq = {seq}"),
        ),
        1 => (
            "taken away",
            format!("DELETE FROM outbox WHERE seq = {seq}"),
        ),
        _ => (
            "changed in its content",
            format!("UPDATE outbox SET payload = payload || '\\x00' WHERE seq = {seq}"),
        ),
    };
    let statement = format!("SET session_replication_role = replica; {change}");
    scene.fleet.sql.run(&database, &statement)?;
    scene.struck = 1;
    let service = handslag_runner::ports::SERVICES[place];
    scene.remark = format!("event {seq} of {service} was {what}");
    Ok(())
}
