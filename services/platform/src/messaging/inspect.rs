//! What tables and broker say of a service's messaging, for whoever looks after it.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use serde::{Deserialize, Serialize};

use super::broker::{Failure, connect, within};
use super::status::Status;
use super::topology;
use crate::config::BrokerConfig;
use crate::id;

/// What was found; where nobody answered, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// Of the log and the inbox.
    pub tables: Result<Status, String>,
    /// The queues in which other services are heard.
    pub queues: Result<Vec<Queue>, String>,
}

/// A consumer's queue as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// The service that is heard in it.
    pub producer: String,
    /// Messages that wait, and consumers; nothing when the queue is not there.
    pub state: Option<QueueState>,
}

/// What a queue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueState {
    /// Messages that no consumer has yet.
    pub ready: u32,
    /// Consumers, of which one is active.
    pub consumers: u32,
}

/// Looks at the queues in which `consumer` hears `producers`. Nothing is declared by it.
///
/// # Errors
/// When the broker does not answer.
pub async fn queues(
    broker: &BrokerConfig,
    consumer: &str,
    producers: &[&str],
) -> Result<Vec<Queue>, Failure> {
    let name = format!("{consumer} inspection {}", id::encode(id::new()));
    let connection = connect(broker, name).await?;
    let mut queues = Vec::new();
    for producer in producers {
        // A channel for each: asking for a queue that is not there ends the channel.
        let channel = connection.create_channel().await?;
        let name = topology::events_queue(consumer, producer);
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel
            .queue_declare(name.as_str().into(), options, FieldTable::default())
            .await;
        let state = declared.ok().map(|queue| QueueState {
            ready: queue.message_count(),
            consumers: queue.consumer_count(),
        });
        let producer = (*producer).to_owned();
        queues.push(Queue {
            name,
            producer,
            state,
        });
    }
    // What was asked is answered; a channel that is closing at the same moment is no finding.
    let close = connection.close(200, "done".into());
    let _ = within(Duration::from_secs(1), "closing the connection", close).await;
    Ok(queues)
}
