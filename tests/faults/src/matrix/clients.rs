//! What clients do to the services.

use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt as _;
use handslag_proto::notifications::v1::StreamNotificationsRequest;
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use tokio::time::Instant;
use tonic::Request;

use super::Fault;
use crate::load::Manner;
use crate::scene::Scene;

/// Clients that all change the same few organisations.
const CROWD: u32 = 100;
const CROWDED: usize = 5;
/// Subscribers that open a stream and never read it.
const DEAF: usize = 40;

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new("cancel", "clients cancel half of their calls", |scene| {
            ordinary(scene).boxed()
        })
        .manner(Manner {
            cancelled: 0.5,
            ..Manner::ORDINARY
        })
        .short(),
        Fault::new(
            "hurry",
            "half of the deadlines are shorter than a commit",
            |scene| ordinary(scene).boxed(),
        )
        .manner(Manner {
            hurried: 0.5,
            ..Manner::ORDINARY
        }),
        Fault::new("crowd", "100 clients on 5 aggregates", |scene| {
            crowd(scene).boxed()
        }),
        Fault::new(
            "deaf-subscribers",
            "streams that nobody reads, opened and dropped",
            |scene| deaf(scene).boxed(),
        ),
    ]
}

/// Load under which a defective build shows; what else happens, its failpoints do.
pub(super) fn for_defects() -> Vec<Fault> {
    vec![
        Fault::new("kill-in-effect", "ordinary load", |scene| {
            ordinary(scene).boxed()
        }),
        Fault::new(
            "crowded-writes",
            "many writers, no pause, some of which give up",
            |scene| ordinary(scene).boxed(),
        )
        .manner(Manner {
            clients: 40,
            pause_most: Duration::ZERO,
            cancelled: 0.1,
            ..Manner::ORDINARY
        }),
    ]
}

async fn ordinary(scene: &mut Scene) -> Result<()> {
    tokio::time::sleep(scene.time).await;
    scene.world.set_manner(Manner::ORDINARY);
    scene.struck = scene
        .world
        .tally
        .answered
        .load(std::sync::atomic::Ordering::Relaxed);
    Ok(())
}

async fn crowd(scene: &mut Scene) -> Result<()> {
    scene.world.set_manner(Manner {
        crowded: Some(CROWDED),
        ..Manner::ORDINARY
    });
    scene
        .load
        .add(&scene.world, 1_000..1_000 + CROWD, scene.seed);
    tokio::time::sleep(scene.time).await;
    scene.struck = u64::from(CROWD);
    Ok(())
}

/// Opens streams, reads the first message at most, and drops some while others just stay.
async fn deaf(scene: &mut Scene) -> Result<()> {
    let end = Instant::now() + scene.time;
    let subscriber = {
        let known = scene.world.known();
        known.subscribers.first().cloned()
    };
    let mut held = Vec::new();
    while Instant::now() < end {
        let channel = scene.world.channel("notifications", &mut scene.chance)?;
        let mut request = Request::new(StreamNotificationsRequest {
            subscriber: subscriber
                .clone()
                .unwrap_or_else(|| "subscribers/none".to_owned()),
            resume_token: String::new(),
        });
        let bearer = format!("Bearer {}", scene.world.token("operator")?);
        request
            .metadata_mut()
            .insert("authorization", bearer.parse()?);
        let mut client = NotificationsServiceClient::new(channel);
        if let Ok(Ok(stream)) =
            tokio::time::timeout(Duration::from_secs(3), client.stream_notifications(request)).await
        {
            scene.struck += 1;
            held.push(stream);
        }
        if held.len() > DEAF {
            held.drain(..DEAF / 2);
        }
        scene.pause(Duration::from_millis(200)).await;
    }
    Ok(())
}
