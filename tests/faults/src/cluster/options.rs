//! What an installation of the deployment test is made of.

use std::path::PathBuf;

use clap::Parser;

/// Installs the chart on the cluster that KUBECONFIG names, and tries it there. Nothing outside of
/// the namespace, and of a second one with `-bad` at its end, is touched, but for what the four
/// commands for nodes do. This machine must reach the nodes' addresses.
#[derive(Clone, Debug, Parser)]
#[command(name = "deploy-test")]
pub(crate) struct Options {
    /// Rows by name [default: all]
    pub(crate) rows: Vec<String>,
    /// Lists the rows
    #[arg(long)]
    pub(crate) list: bool,
    /// The namespace; it is removed first, with all that is in it
    #[arg(long, default_value = "handslag-deploy-test")]
    pub(crate) namespace: String,
    /// Host of the registry that has the images; without one the nodes have them
    #[arg(long, default_value = "")]
    pub(crate) registry: String,
    /// Tag of the images [default: the chart's own version]
    #[arg(long, default_value = "")]
    pub(crate) tag: String,
    /// Tag of the version before, for the row `upgrade`
    #[arg(long)]
    pub(crate) previous_tag: Option<String>,
    /// Chart of the version before [default: this one]
    #[arg(long, requires = "previous_tag")]
    pub(crate) previous_chart: Option<PathBuf>,
    /// Image of PostgreSQL, with the official image's variables
    #[arg(long, env = "HANDSLAG_POSTGRESQL_IMAGE", default_value = "postgres:17")]
    pub(crate) postgresql_image: String,
    /// Image of RabbitMQ, with the official image's variables
    #[arg(long, env = "HANDSLAG_RABBITMQ_IMAGE", default_value = "rabbitmq:4.1")]
    pub(crate) rabbitmq_image: String,
    /// Number of the user that both images run as
    #[arg(long, env = "HANDSLAG_SERVERS_USER", default_value_t = 999)]
    pub(crate) servers_user: u32,
    /// More addresses, as CIDR, that callers from outside of the pods seem to come from; those of the
    /// nodes and of this machine are known
    #[arg(long)]
    pub(crate) from: Vec<String>,
    /// Command that ends a node at once; `{node}` stands for its name, in all four commands
    #[arg(long, env = "HANDSLAG_NODE_CRASH", requires = "node_start")]
    pub(crate) node_crash: Option<String>,
    /// Command that starts it again
    #[arg(long, env = "HANDSLAG_NODE_START")]
    pub(crate) node_start: Option<String>,
    /// Command that takes a node off the network
    #[arg(long, env = "HANDSLAG_NODE_CUT", requires = "node_heal")]
    pub(crate) node_cut: Option<String>,
    /// Command that puts it back
    #[arg(long, env = "HANDSLAG_NODE_HEAL")]
    pub(crate) node_heal: Option<String>,
    /// How often everything is restarted under load
    #[arg(long, default_value_t = 20)]
    pub(crate) restarts: u32,
    /// The seed of the load [default: drawn]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Where the records go
    #[arg(long, default_value = "/var/tmp/handslag-deploy-test")]
    pub(crate) folder: PathBuf,
    /// Leaves the installation where it is
    #[arg(long)]
    pub(crate) keep: bool,
}
