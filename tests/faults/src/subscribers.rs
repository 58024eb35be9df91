//! Clients of the inbox: by stream with a resume token, and by pull with a cursor.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use handslag_checker::record::{SUBSCRIBERS, Seen};
use handslag_proto::notifications::v1::notifications_service_client::NotificationsServiceClient;
use handslag_proto::notifications::v1::{
    AckNotificationsRequest, Notification, PullNotificationsRequest, StreamNotificationsRequest,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use crate::history::Lines;
use crate::load::World;

/// Pause before a client connects again, or asks again when there was nothing.
const AGAIN: Duration = Duration::from_millis(200);
/// A stream that says nothing for so long is made anew, as a careful client would.
const SILENCE: Duration = Duration::from_secs(10);
/// Longest wait for the answer to a pull.
const PULL_LIMIT: Duration = Duration::from_secs(5);

/// How a client reads its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Stream,
    Pull,
}

/// A client that reads an inbox until it is stopped.
pub(crate) struct Reader {
    /// The subscriber's resource name.
    pub(crate) subscriber: String,
    /// The highest position that it has seen.
    pub(crate) position: Arc<AtomicI64>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    lines: Arc<Lines>,
}

struct Client {
    world: Arc<World>,
    subscriber: String,
    position: Arc<AtomicI64>,
    lines: Arc<Lines>,
    /// The resume token or cursor.
    place: String,
    connection: u32,
    chance: StdRng,
}

/// Starts the readers: each subscriber by stream, the first one by pull as well.
pub(crate) fn start(
    world: &Arc<World>,
    names: &[String],
    folder: &Path,
    seed: u64,
) -> Result<Vec<Reader>> {
    let streams = names.iter().map(|name| (name, How::Stream));
    let pulls = names.iter().take(1).map(|name| (name, How::Pull));
    let mut readers = Vec::new();
    for (number, (name, how)) in streams.chain(pulls).enumerate() {
        let file = folder
            .join(SUBSCRIBERS)
            .join(format!("{number}-{how:?}.jsonl"));
        let lines = Arc::new(Lines::create(&file)?);
        let position = Arc::new(AtomicI64::new(0));
        let stop = CancellationToken::new();
        let mut client = Client {
            world: Arc::clone(world),
            subscriber: name.clone(),
            position: Arc::clone(&position),
            lines: Arc::clone(&lines),
            place: String::new(),
            connection: 0,
            chance: StdRng::seed_from_u64(seed ^ number as u64),
        };
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.is_cancelled() {
                client.connection += 1;
                let session = async {
                    match how {
                        How::Stream => client.stream().await,
                        How::Pull => client.pull().await,
                    }
                };
                tokio::select! {
                    () = stopped.cancelled() => {}
                    outcome = session => {
                        if let Err(error) = outcome {
                            tracing::debug!(error = format!("{error:#}"), "a reader connects again");
                        }
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            }
        });
        readers.push(Reader {
            subscriber: name.clone(),
            position,
            stop,
            task,
            lines,
        });
    }
    Ok(readers)
}

impl Reader {
    /// Brings what it has seen into its file.
    pub(crate) fn flush(&self) -> Result<()> {
        self.lines.flush()
    }

    /// Stops it.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.task.await?;
        self.lines.flush()
    }
}

impl Client {
    async fn stream(&mut self) -> Result<()> {
        let mut client =
            NotificationsServiceClient::new(self.world.channel("notifications", &mut self.chance)?);
        let request = self.request(StreamNotificationsRequest {
            subscriber: self.subscriber.clone(),
            resume_token: self.place.clone(),
        })?;
        let open = client.stream_notifications(request);
        let mut stream = within(SILENCE, open).await?.into_inner();
        while let Some(item) = within(SILENCE, stream.message()).await? {
            self.set_back(item.restored_after);
            if let Some(notification) = &item.notification {
                self.saw(notification)?;
            }
            if !item.resume_token.is_empty() {
                self.place = item.resume_token;
            }
        }
        Ok(())
    }

    async fn pull(&mut self) -> Result<()> {
        let mut client =
            NotificationsServiceClient::new(self.world.channel("notifications", &mut self.chance)?);
        loop {
            let request = self.request(PullNotificationsRequest {
                subscriber: self.subscriber.clone(),
                cursor: self.place.clone(),
                limit: 100,
            })?;
            let answer = within(PULL_LIMIT, client.pull_notifications(request)).await?;
            let answer = answer.into_inner();
            self.set_back(answer.restored_after);
            for notification in &answer.notifications {
                self.saw(notification)?;
            }
            if let Some(last) = answer.notifications.last() {
                let request = self.request(AckNotificationsRequest {
                    subscriber: self.subscriber.clone(),
                    up_to_position: last.position,
                })?;
                self.place = answer.next_cursor;
                within(PULL_LIMIT, client.ack_notifications(request)).await?;
            }
            if !answer.more {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }

    fn request<T>(&self, message: T) -> Result<Request<T>> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.world.token("operator")?);
        request
            .metadata_mut()
            .insert("authorization", bearer.parse()?);
        Ok(request)
    }

    /// What this client has seen after a position never happened.
    fn set_back(&self, restored_after: Option<i64>) {
        if let Some(position) = restored_after {
            self.position.fetch_min(position, Ordering::Relaxed);
        }
    }

    fn saw(&self, notification: &Notification) -> Result<()> {
        self.position
            .fetch_max(notification.position, Ordering::Relaxed);
        let event_id = notification
            .event_id
            .parse()
            .context("an event id that is none")?;
        self.lines.write(&Seen {
            subscriber: self.subscriber.as_str().into(),
            event_id,
            event_type: notification.event_type.as_str().into(),
            subject: notification.subject.as_str().into(),
            subject_version: notification.subject_version,
            position: notification.position,
            connection: self.connection,
            at_ms: self.world.history.now_ms(),
        })
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Status>>) -> Result<T> {
    Ok(tokio::time::timeout(limit, work)
        .await
        .context("too long silent")??)
}
