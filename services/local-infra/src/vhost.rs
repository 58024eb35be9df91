//! One virtual host over the management interface: what is in it, and what can be taken from it.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::address::percent_encode;
use crate::management::{Management, base64};

/// One virtual host of a broker, as its operator sees it.
///
/// It has no `Debug`, since it holds a password.
#[derive(Clone)]
pub struct Vhost {
    management: Management,
    name: String,
}

/// A queue. Its numbers are those of a few seconds ago, and none until they were counted once: who
/// needs those of now declares the queue passively over AMQP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// `classic`, `quorum` or `stream`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Messages in it.
    pub messages: Option<u64>,
    /// Those of them that no consumer has.
    #[serde(rename = "messages_ready")]
    pub ready: Option<u64>,
    /// Those of them that a consumer has and has not acknowledged.
    #[serde(rename = "messages_unacknowledged")]
    pub unacknowledged: Option<u64>,
    /// Its consumers.
    pub consumers: Option<u64>,
    /// The policy that applies to it.
    pub policy: Option<String>,
}

/// A binding of an exchange to a queue or to another exchange.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Binding {
    /// The exchange; empty for the default one, whose bindings cannot be deleted.
    pub source: String,
    /// The queue or exchange.
    pub destination: String,
    /// `queue` or `exchange`.
    pub destination_type: String,
    /// Its routing key.
    pub routing_key: String,
    /// What tells it from others between the same two.
    properties_key: String,
}

/// A connection of a client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Connection {
    /// The broker's name of it, with both addresses.
    pub name: String,
    /// The client's name of itself; empty when it has none.
    #[serde(default, rename = "user_provided_name")]
    pub client: String,
    /// `running`, `blocking`, `blocked` and others; none until it was counted once.
    pub state: Option<String>,
}

impl Vhost {
    pub(crate) fn new(management: Management, name: &str) -> Self {
        Self {
            management,
            name: name.to_owned(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its queues.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or there is no such virtual host.
    pub fn queues(&self) -> Result<Vec<Queue>> {
        self.list(&self.path("queues", &[]))
            .with_context(|| format!("cannot list the queues of {}", self.name))
    }

    /// Declares a durable queue of a kind, as a client would.
    ///
    /// # Errors
    ///
    /// When the broker does not answer, or the queue exists with other properties.
    pub fn declare_queue(&self, queue: &str, kind: &str) -> Result<()> {
        let body = json!({"durable": true, "arguments": {"x-queue-type": kind}});
        self.send("PUT", "queues", &[queue], body)
            .with_context(|| format!("cannot declare the queue {queue} of {}", self.name))
    }

    /// Binds a queue to an exchange, as a client would.
    ///
    /// # Errors
    ///
    /// When the broker does not answer, or one of them does not exist.
    pub fn bind(&self, exchange: &str, queue: &str, routing_key: &str) -> Result<()> {
        let body = json!({"routing_key": routing_key});
        self.send("POST", "bindings", &["e", exchange, "q", queue], body)
            .with_context(|| format!("cannot bind {queue} to {exchange} of {}", self.name))
    }

    /// Deletes a queue with everything in it, whoever uses it.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or there is no such queue.
    pub fn delete_queue(&self, queue: &str) -> Result<()> {
        self.delete("queues", &[queue])
            .with_context(|| format!("cannot delete the queue {queue} of {}", self.name))
    }

    /// Throws away what waits in a queue; what its consumers have stays theirs.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or there is no such queue.
    pub fn purge_queue(&self, queue: &str) -> Result<()> {
        self.delete("queues", &[queue, "contents"])
            .with_context(|| format!("cannot purge the queue {queue} of {}", self.name))
    }

    /// Deletes an exchange with its bindings.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or there is no such exchange.
    pub fn delete_exchange(&self, exchange: &str) -> Result<()> {
        self.delete("exchanges", &[exchange])
            .with_context(|| format!("cannot delete the exchange {exchange} of {}", self.name))
    }

    /// Its bindings.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or there is no such virtual host.
    pub fn bindings(&self) -> Result<Vec<Binding>> {
        self.list(&self.path("bindings", &[]))
            .with_context(|| format!("cannot list the bindings of {}", self.name))
    }

    /// Deletes one binding.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or there is no such binding.
    pub fn delete_binding(&self, binding: &Binding) -> Result<()> {
        let Binding {
            source,
            destination,
            destination_type,
            routing_key,
            properties_key,
        } = binding;
        let kind = if destination_type == "queue" {
            "q"
        } else {
            "e"
        };
        self.delete(
            "bindings",
            &["e", source, kind, destination, properties_key],
        )
        .with_context(|| {
            format!(
                "cannot delete the binding {routing_key} from {source} to {destination} of {}",
                self.name
            )
        })
    }

    /// Deletes every binding from an exchange to a queue, and answers how many there were.
    ///
    /// # Errors
    ///
    /// When the broker does not answer.
    pub fn unbind(&self, exchange: &str, queue: &str) -> Result<usize> {
        let between = |binding: &Binding| {
            binding.source == exchange
                && binding.destination == queue
                && binding.destination_type == "queue"
        };
        let bindings: Vec<Binding> = self.bindings()?.into_iter().filter(between).collect();
        for binding in &bindings {
            self.delete_binding(binding)?;
        }
        Ok(bindings.len())
    }

    /// Publishes a message, and answers whether any queue took it. `properties` is a JSON object
    /// with the names of AMQP: `{"message_id": "…", "headers": {…}, "delivery_mode": 2}`.
    ///
    /// # Errors
    ///
    /// When the broker does not answer, there is no such exchange, or the properties are no JSON.
    pub fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        properties: &str,
        body: &[u8],
    ) -> Result<bool> {
        let wrong = || format!("cannot publish to {exchange} of {}", self.name);
        let properties: Value = serde_json::from_str(properties)
            .context("the properties are not JSON")
            .with_context(wrong)?;
        let message = json!({
            "properties": properties,
            "routing_key": routing_key,
            "payload": base64(body),
            "payload_encoding": "base64",
        });
        // The default exchange has no name, and this one in the interface.
        let name = if exchange.is_empty() {
            "amq.default"
        } else {
            exchange
        };
        let path = self.path("exchanges", &[name, "publish"]);
        let answer = self
            .management
            .request("POST", &path, Some(message))
            .with_context(wrong)?;
        Ok(answer.get("routed").and_then(Value::as_bool) == Some(true))
    }

    /// The clients' connections. A new one may be missing for a few seconds.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or there is no such virtual host.
    pub fn connections(&self) -> Result<Vec<Connection>> {
        self.list(&format!(
            "/api/vhosts/{}/connections",
            percent_encode(&self.name)
        ))
        .with_context(|| format!("cannot list the connections of {}", self.name))
    }

    /// Closes every connection of its clients, and answers how many there were.
    ///
    /// # Errors
    ///
    /// When the broker does not answer.
    pub fn close_connections(&self) -> Result<usize> {
        let connections = self.connections()?;
        let mut closed = 0;
        for connection in &connections {
            let path = format!("/api/connections/{}", percent_encode(&connection.name));
            let (status, answer) = self.management.exchange("DELETE", &path, None)?;
            match status {
                200..300 => closed += 1,
                // It ended by itself meanwhile.
                404 => {}
                _ => bail!("cannot close {}: {status} {answer}", connection.name),
            }
        }
        Ok(closed)
    }

    /// `/api/<kind>/<virtual host>/<rest>`, each part encoded.
    fn path(&self, kind: &str, rest: &[&str]) -> String {
        let mut path = format!("/api/{kind}/{}", percent_encode(&self.name));
        for part in rest {
            path.push('/');
            path.push_str(&percent_encode(part));
        }
        path
    }

    fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let list = self.management.request("GET", path, None)?;
        serde_json::from_value(list).context("the broker's answer has another form")
    }

    fn send(&self, method: &str, kind: &str, rest: &[&str], body: Value) -> Result<()> {
        let path = self.path(kind, rest);
        self.management.request(method, &path, Some(body)).map(drop)
    }

    fn delete(&self, kind: &str, rest: &[&str]) -> Result<()> {
        let path = self.path(kind, rest);
        self.management.request("DELETE", &path, None).map(drop)
    }
}
