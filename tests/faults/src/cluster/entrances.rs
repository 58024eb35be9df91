//! How this machine reaches the services: a port of every node for each.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use anyhow::{Context as _, Result};
use handslag_runner::ports::SERVICES;
use serde_json::{Value, json};

use super::install::RELEASE;
use super::kube::Kube;

/// Connections to each service: a node port sends all calls of a connection to one pod, so that one
/// alone would try a single replica.
const CONNECTIONS: usize = 3;

/// Ready nodes, with their addresses, in the order of their names.
pub(crate) fn nodes(kube: &Kube) -> Result<Vec<(String, IpAddr)>> {
    let mut nodes = Vec::new();
    for node in kube.list(&["nodes"])? {
        let name = super::install::name_of(&node).to_owned();
        let addresses = node["status"]["addresses"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let internal = addresses.iter().find(|one| one["type"] == "InternalIP");
        let address = internal.and_then(|one| one["address"].as_str());
        let address = address.with_context(|| format!("node {name} has no address"))?;
        nodes.push((name, address.parse()?));
    }
    nodes.sort();
    Ok(nodes)
}

/// The address that this machine has for a node.
pub(crate) fn own_address(node: IpAddr) -> Result<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0))?;
    socket.connect((node, 9))?;
    Ok(socket.local_addr()?.ip())
}

/// Ports of the nodes.
#[derive(Clone, Debug)]
pub(crate) struct Entrances {
    node: IpAddr,
    ports: Vec<(String, u16)>,
}

impl Entrances {
    /// Makes the node ports; calls go to this node's.
    pub(crate) fn make(kube: &Kube, node: IpAddr) -> Result<Self> {
        let mut objects: Vec<Value> = SERVICES
            .iter()
            .map(|name| entrance(name, &ours(name), 50_051))
            .collect();
        let admin = |name: &&str| entrance(&admin(name), &ours(name), 9_090);
        objects.extend(SERVICES.iter().map(admin));
        objects.push(entrance("web", &ours("web"), 8_080));
        objects.push(entrance(
            "amqp",
            &json!({"app.kubernetes.io/name": "rabbitmq"}),
            5_672,
        ));
        kube.apply(&objects)?;
        let mut ports = Vec::new();
        for service in kube.list(&["services", "-l", "handslag.se/entrance"])? {
            let name = service["metadata"]["labels"]["handslag.se/entrance"].as_str();
            let port = service["spec"]["ports"][0]["nodePort"].as_u64();
            let port = u16::try_from(port.context("no node port was given")?)?;
            ports.push((name.unwrap_or_default().to_owned(), port));
        }
        Ok(Self { node, ports })
    }

    /// Where a service is reached.
    pub(crate) fn address(&self, name: &str) -> Result<SocketAddr> {
        let port = self.ports.iter().find(|(known, _)| known == name);
        let (_, port) = port.with_context(|| format!("there is no entrance to {name}"))?;
        Ok(SocketAddr::new(self.node, *port))
    }

    /// The addresses of the four services, each as often as there shall be connections.
    pub(crate) fn services(&self) -> Result<Vec<(&'static str, SocketAddr)>> {
        let mut addresses = Vec::new();
        for service in SERVICES {
            let address = self.address(service)?;
            addresses.extend([(service, address); CONNECTIONS]);
        }
        Ok(addresses)
    }
}

/// The entrance to a service's admin port.
pub(crate) fn admin(service: &str) -> String {
    format!("admin-{service}")
}

fn ours(component: &str) -> Value {
    json!({"app.kubernetes.io/name": "handslag", "app.kubernetes.io/instance": RELEASE,
        "app.kubernetes.io/component": component})
}

fn entrance(name: &str, selector: &Value, port: u16) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": format!("entrance-{name}"), "labels": {"handslag.se/entrance": name}},
        "spec": {"type": "NodePort", "selector": selector,
            "ports": [{"name": name, "port": port, "targetPort": port}]}})
}
