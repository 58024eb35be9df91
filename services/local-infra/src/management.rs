//! The broker's management interface: virtual hosts, permissions, policies.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::address::{Address, percent_encode};

/// An answer takes milliseconds; the first ones after a start take seconds.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The policy that every virtual host carries for the queues of Handslag.
///
/// It stands in a policy and not in the queues' arguments, since a queue that is declared again
/// with other arguments is refused, while a policy may change while everything runs. A delivery
/// limit because RabbitMQ before 4 has none; at-least-once dead-lettering, which demands
/// `reject-publish`, because a poisoned message must not be lost on its way to the dead letters.
pub const STANDARD_POLICY: Policy<'static> = Policy {
    name: "handslag",
    pattern: r"^handslag\.(?!dead|unrouted)",
    definition: r#"{
        "delivery-limit": 8,
        "dead-letter-exchange": "handslag.dead",
        "dead-letter-strategy": "at-least-once",
        "overflow": "reject-publish"
    }"#,
    apply_to: "queues",
};

/// A RabbitMQ policy.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// Its name, unique in the virtual host.
    pub name: &'a str,
    /// Regular expression over the names of queues or exchanges.
    pub pattern: &'a str,
    /// What it sets, as a JSON object.
    pub definition: &'a str,
    /// `queues`, `exchanges` or `all`; RabbitMQ 3.12 and later also know `quorum_queues`.
    pub apply_to: &'a str,
}

/// The management interface of one broker.
#[derive(Clone)]
pub(crate) struct Management(pub(crate) Address);

impl Management {
    /// The broker's version; an error while it does not answer.
    pub(crate) fn version(&self) -> Result<String> {
        let overview = self.request("GET", "/api/overview", None)?;
        let version = overview.get("rabbitmq_version").and_then(Value::as_str);
        Ok(version
            .context("the broker does not tell its version")?
            .to_owned())
    }

    /// The names of all virtual hosts.
    pub(crate) fn vhosts(&self) -> Result<Vec<String>> {
        let list = self.request("GET", "/api/vhosts?columns=name", None)?;
        let names = list.as_array().into_iter().flatten();
        Ok(names
            .filter_map(|vhost| vhost.get("name").and_then(Value::as_str).map(str::to_owned))
            .collect())
    }

    /// Makes the virtual host unless it exists, lets our user do everything there, and sets the
    /// policies.
    pub(crate) fn ensure_vhost(&self, name: &str, policies: &[Policy<'_>]) -> Result<()> {
        let vhost = percent_encode(name);
        self.request("PUT", &format!("/api/vhosts/{vhost}"), Some(json!({})))?;
        let user = percent_encode(&self.0.user);
        let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
        self.request(
            "PUT",
            &format!("/api/permissions/{vhost}/{user}"),
            Some(everything),
        )?;
        for policy in policies {
            let definition: Value = serde_json::from_str(policy.definition)
                .with_context(|| format!("policy {} is not JSON", policy.name))?;
            let body = json!({
                "pattern": policy.pattern,
                "definition": definition,
                "apply-to": policy.apply_to,
            });
            let path = format!("/api/policies/{vhost}/{}", percent_encode(policy.name));
            self.request("PUT", &path, Some(body))?;
        }
        Ok(())
    }

    /// What the operator has defined: users, virtual hosts, permissions, policies. What clients
    /// declare is left out, and so are the global parameters, which say who the node is.
    pub(crate) fn definitions(&self) -> Result<Value> {
        let mut definitions = self.request("GET", "/api/definitions", None)?;
        let all = definitions
            .as_object_mut()
            .context("the broker tells no definitions")?;
        for declared in ["queues", "exchanges", "bindings", "global_parameters"] {
            all.remove(declared);
        }
        Ok(definitions)
    }

    /// Defines it all again.
    pub(crate) fn define(&self, definitions: Value) -> Result<()> {
        self.request("POST", "/api/definitions", Some(definitions))
            .map(drop)
    }

    /// Whether the node is short of memory or disk.
    pub(crate) fn has_alarm(&self) -> Result<bool> {
        let path = "/api/health/checks/local-alarms";
        match self.exchange("GET", path, None)? {
            (200, _) => Ok(false),
            (503, _) => Ok(true),
            (status, body) => bail!("the broker answers {status} to GET {path}: {body}"),
        }
    }

    /// Removes a virtual host with all its queues.
    pub(crate) fn delete_vhost(&self, name: &str) -> Result<()> {
        self.request(
            "DELETE",
            &format!("/api/vhosts/{}", percent_encode(name)),
            None,
        )?;
        Ok(())
    }

    /// One request that must succeed.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<Value>) -> Result<Value> {
        let (status, body) = self.exchange(method, path, body)?;
        if !(200..300).contains(&status) {
            bail!("the broker answers {status} to {method} {path}: {body}");
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&body).with_context(|| format!("{method} {path} answers no JSON"))
    }

    /// One request on one connection. HTTP/1.0, so that the answer is neither chunked nor kept
    /// open and ends where the connection ends.
    pub(crate) fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<(u16, String)> {
        let Address {
            user,
            password,
            host,
            port,
        } = &self.0;
        let address = (host.as_str(), *port)
            .to_socket_addrs()
            .with_context(|| format!("cannot resolve {host}"))?
            .next()
            .with_context(|| format!("{host} has no address"))?;
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))
            .context("the broker's management interface does not answer")?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let body = body.map(|value| value.to_string()).unwrap_or_default();
        let login = base64(format!("{user}:{password}").as_bytes());
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Basic {login}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        )?;
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .with_context(|| format!("{method} {path}"))?;
        let (status, body) = parse_answer(&answer)?;
        Ok((status, body.to_owned()))
    }
}

fn parse_answer(answer: &str) -> Result<(u16, &str)> {
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no end of headers")?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    Ok((status.context("the answer has no status")?, body.trim()))
}

/// Base64 with padding, for logins and bodies of messages: not worth a dependency in a crate that
/// must compile in seconds.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
            } else {
                let index = (group >> (18 - 6 * place)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_logins_as_the_standard_says() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("guest:guest", "Z3Vlc3Q6Z3Vlc3Q="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn reads_status_and_body_of_an_answer() {
        let answer = "HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(parse_answer(answer).unwrap(), (201, "{}"));
        assert!(parse_answer("nonsense").is_err());
    }

    #[test]
    fn carries_a_standard_policy_that_is_json() {
        assert!(serde_json::from_str::<Value>(STANDARD_POLICY.definition).is_ok());
    }
}
