//! What the command line understands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use handslag_platform::dev_issuer::{AUDIENCE, ISSUER};

use crate::{
    ports::DEFAULT_BASE,
    reach::{Addresses, AdminAddresses, Tls},
};

/// Handslag on one machine, and the tools of those who operate it.
#[derive(Debug, Parser)]
#[command(name = "handslag", version, about)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Starts everything on this machine, loads the record, and runs until Ctrl-C
    Up(Up),
    /// Brings the database of a service to the newest schema
    Migrate(Migrate),
    /// Plays a script of calls against running services
    Import(Import),
    /// Makes an issuer of tokens for a trial, where there is no identity provider yet
    Issuer(IssuerFolder),
    /// Prints a token of the development issuer that `up` started, or of one that `issuer` made
    Token(Token),
    /// Looks after messages that a consumer could not take
    DeadLetters(DeadLetters),
    /// Looks after read models
    ReadModel(ReadModel),
    /// Checks the audit chain of a service: whether its log says what it always said
    Audit(ServiceDatabase),
    /// Says in plain words what is behind, parked, dead or not answering, and what to do
    Doctor(Doctor),
    /// Checks from outside whether an installation works: health, a command, and that events flow
    Check(Check),
}

/// Where the data of a local city lies.
#[derive(Debug, Clone, Args)]
pub struct DataDir {
    /// Directory of the data [default: ~/.local/share/handslag, or /var/lib/handslag for root]
    #[arg(long, env = "HANDSLAG_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

impl DataDir {
    /// The directory.
    ///
    /// # Errors
    /// When none is given and the user has no home directory.
    pub fn path(&self) -> anyhow::Result<PathBuf> {
        self.data_dir
            .clone()
            .map_or_else(handslag_local_infra::default_data_dir, Ok)
    }
}

/// `handslag up`
#[derive(Debug, Clone, Args)]
pub struct Up {
    /// Where the data lies.
    #[command(flatten)]
    pub data: DataDir,
    /// First port: web front; registry, commitments, notifications and reporting follow
    #[arg(long, default_value_t = DEFAULT_BASE)]
    pub port_base: u16,
    /// Begins anew: deletes the data of the directory first
    #[arg(long, conflicts_with_all = ["postgres_url", "amqp_url"])]
    pub fresh: bool,
    /// Loads the record alone, without example data
    #[arg(long)]
    pub no_example: bool,
    /// A PostgreSQL of your own, whose user may create databases, instead of a private one
    #[arg(
        long,
        env = "HANDSLAG_POSTGRES_URL",
        requires = "amqp_url",
        hide_env_values = true
    )]
    pub postgres_url: Option<String>,
    /// A RabbitMQ of your own, with its virtual host, instead of a private one
    #[arg(
        long,
        env = "HANDSLAG_AMQP_URL",
        requires = "postgres_url",
        hide_env_values = true
    )]
    pub amqp_url: Option<String>,
    /// What is logged to standard error, as tracing's directives; by default warnings, but not that a consumer asks for
    /// what it missed before its queue stood, which each first start does
    #[arg(
        long,
        env = "HANDSLAG_LOG",
        default_value = "warn,lapin=off,handslag_platform::messaging::consumer=error"
    )]
    pub log: String,
}

/// A service of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ServiceName {
    /// Signatory registry
    Registry,
    /// Commitments and action plan
    Commitments,
    /// Notifications
    Notifications,
    /// Reporting
    Reporting,
}

/// Where a service's database is.
#[derive(Debug, Clone, Args)]
pub struct ServiceDatabase {
    /// Which service
    pub service: ServiceName,
    /// Its database [default: that of the city `up` runs]
    #[arg(long, env = "HANDSLAG_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where the city's data lies.
    #[command(flatten)]
    pub data: DataDir,
}

/// `handslag migrate`
#[derive(Debug, Clone, Args)]
pub struct Migrate {
    /// Which database
    #[command(flatten)]
    pub database: ServiceDatabase,
    /// Only says whether the schema is the newest; exits with 1 when it is not
    #[arg(long)]
    pub check: bool,
}

/// `handslag import`
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// The script, in the form of services/runner/record/2012.json
    pub file: PathBuf,
    /// Where the city's data lies.
    #[command(flatten)]
    pub data: DataDir,
    /// Where the services are.
    #[command(flatten)]
    pub addresses: Addresses,
    /// How they are reached.
    #[command(flatten)]
    pub tls: Tls,
    /// File with a token that may do every step, for services that do not trust the development issuer
    #[arg(long)]
    pub token_file: Option<PathBuf>,
}

/// `handslag issuer`
#[derive(Debug, Clone, Args)]
pub struct IssuerFolder {
    /// Folder of its keys: jwks.json for the services, and the private key, which stays there. Both are made when there
    /// are none
    #[arg(long)]
    pub folder: PathBuf,
}

/// `handslag token`
#[derive(Debug, Clone, Args)]
pub struct Token {
    /// A role: city-officer, sector-representative, working-group, district-board, organisation, system-reader,
    /// auditor, operator; may be repeated
    #[arg(long, required = true)]
    pub role: Vec<String>,
    /// Code of the party that is acted for [default: city for city-officer, sector for sector-representative]
    #[arg(long)]
    pub party: Option<String>,
    /// Code of the board
    #[arg(long)]
    pub board: Option<String>,
    /// Code of the district board
    #[arg(long)]
    pub district: Option<String>,
    /// Id of the organisation
    #[arg(long)]
    pub organisation: Option<String>,
    /// Whom the token is about
    #[arg(long, default_value = "developer")]
    pub subject: String,
    /// Minutes that it holds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: u32,
    /// Folder of an issuer that `handslag issuer` made [default: the issuer of the city `up` runs]
    #[arg(long, conflicts_with = "data_dir")]
    pub issuer_folder: Option<PathBuf>,
    /// The `iss`, as the services were told it
    #[arg(long, env = "HANDSLAG_JWT_ISSUER", default_value = ISSUER)]
    pub issuer: String,
    /// The `aud`, as the services were told it
    #[arg(long, env = "HANDSLAG_JWT_AUDIENCE", default_value = AUDIENCE)]
    pub audience: String,
    /// Where the city's data lies.
    #[command(flatten)]
    pub data: DataDir,
}

/// `handslag dead-letters`
#[derive(Debug, Clone, Args)]
pub struct DeadLetters {
    /// What to do with them
    #[command(subcommand)]
    pub verb: DeadLetterVerb,
}

/// What can be done with dead letters.
#[derive(Debug, Clone, Subcommand)]
pub enum DeadLetterVerb {
    /// Lists them, oldest first
    List(ServiceDatabase),
    /// Shows one with its reason
    Show(OneDeadLetter),
    /// Takes one again, when what stood in its way is mended
    Replay(OneDeadLetter),
    /// Gives one up, so that the aggregate's later events go on without it
    Discard(OneDeadLetter),
}

/// One dead letter.
#[derive(Debug, Clone, Args)]
pub struct OneDeadLetter {
    /// Which service
    #[command(flatten)]
    pub database: ServiceDatabase,
    /// Its id, as `list` shows it
    #[arg(long)]
    pub id: i64,
}

/// `handslag read-model`
#[derive(Debug, Clone, Args)]
pub struct ReadModel {
    /// What to do with it
    #[command(subcommand)]
    pub verb: ReadModelVerb,
}

/// What can be done with a read model.
#[derive(Debug, Clone, Subcommand)]
pub enum ReadModelVerb {
    /// Drops reporting's read model and rebuilds it from the logs of the services it hears
    Rebuild {
        /// Reporting's database [default: that of the city `up` runs]
        #[arg(long, env = "HANDSLAG_DATABASE_URL", hide_env_values = true)]
        database_url: Option<String>,
        /// Where the city's data lies.
        #[command(flatten)]
        data: DataDir,
    },
}

/// `handslag doctor`
#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// Where the services are asked.
    #[command(flatten)]
    pub addresses: AdminAddresses,
    /// Where the city's data lies.
    #[command(flatten)]
    pub data: DataDir,
}

/// `handslag check`
#[derive(Debug, Clone, Args)]
pub struct Check {
    /// Where the services are.
    #[command(flatten)]
    pub addresses: Addresses,
    /// How they are reached.
    #[command(flatten)]
    pub tls: Tls,
    /// Address of the web front, which is asked for its first page; left out when missing
    #[arg(long, env = "HANDSLAG_CLI_WEB")]
    pub web: Option<String>,
    /// File with a token of the role operator; without it no command is tried
    #[arg(long, env = "HANDSLAG_CLI_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Seconds that are waited for what does not hold yet
    #[arg(long, env = "HANDSLAG_CLI_WAIT", default_value_t = 60)]
    pub wait: u64,
    /// Where the city's data lies.
    #[command(flatten)]
    pub data: DataDir,
}
