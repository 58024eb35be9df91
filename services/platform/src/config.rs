//! What a process is told at its start.
//!
//! # Design notes
//! One structure for command line and environment, so that there is one list of what can be said.
//! Secrets can come from files, which is how Kubernetes gives them; printed they show as
//! `[redacted]`. Addresses and passwords are read anew for each connection, so that a password is
//! changed without a restart.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Context as _;
use clap::{ArgAction, Args};
use lapin::uri::{AMQPScheme, AMQPUri};
use rustls::ClientConfig;
use sqlx::postgres::PgConnectOptions;

use crate::tls;

/// A text that must not be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being printed.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// The service's database.
#[derive(Clone, Debug, Args)]
pub struct DatabaseConfig {
    /// Address of the service's own PostgreSQL database, postgres://user:password@host/database
    #[arg(long, env = "HANDSLAG_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// File with that address, instead
    #[arg(long, env = "HANDSLAG_DATABASE_URL_FILE")]
    pub database_url_file: Option<PathBuf>,
    /// File with the password alone, which takes the place of the one in the address
    #[arg(long, env = "HANDSLAG_DATABASE_PASSWORD_FILE")]
    pub database_password_file: Option<PathBuf>,
    /// Most connections of one replica to its database
    // Small pools: 3 replicas of 4 services stay below PostgreSQL's default of 100 connections.
    #[arg(long, env = "HANDSLAG_POOL_SIZE", default_value_t = 8)]
    pub pool_size: u32,
}

/// The broker.
#[derive(Clone, Debug, Args)]
pub struct BrokerConfig {
    /// Address of RabbitMQ, amqp://user:password@host/vhost
    #[arg(long, env = "HANDSLAG_AMQP_URL", hide_env_values = true)]
    pub amqp_url: Option<Secret>,
    /// File with that address, instead
    #[arg(long, env = "HANDSLAG_AMQP_URL_FILE")]
    pub amqp_url_file: Option<PathBuf>,
    /// File with the password alone, which takes the place of the one in the address
    #[arg(long, env = "HANDSLAG_AMQP_PASSWORD_FILE")]
    pub amqp_password_file: Option<PathBuf>,
    /// File with the authorities (PEM) that the certificate of an amqps:// broker is checked with,
    /// instead of those that browsers trust
    #[arg(long, env = "HANDSLAG_AMQP_CA_FILE")]
    pub amqp_ca_file: Option<PathBuf>,
}

/// TLS of the gRPC port.
#[derive(Clone, Debug, Default, Args)]
pub struct TlsConfig {
    /// File with the certificate and its chain (PEM); with it TLS is served on the gRPC port
    #[arg(long, env = "HANDSLAG_TLS_CERTIFICATE_FILE", requires = "tls_key_file")]
    pub tls_certificate_file: Option<PathBuf>,
    /// File with the certificate's key (PEM)
    #[arg(long, env = "HANDSLAG_TLS_KEY_FILE", requires = "tls_certificate_file")]
    pub tls_key_file: Option<PathBuf>,
    /// File with authorities (PEM): clients must show a certificate of one of them
    #[arg(
        long,
        env = "HANDSLAG_TLS_CLIENT_AUTHORITIES_FILE",
        requires = "tls_certificate_file"
    )]
    pub tls_client_authorities_file: Option<PathBuf>,
}

/// Who may call.
#[derive(Clone, Debug, Args)]
pub struct AccessConfig {
    /// The `iss` of tokens
    #[arg(
        long,
        env = "HANDSLAG_JWT_ISSUER",
        default_value = "https://handslag.local"
    )]
    pub jwt_issuer: String,
    /// The `aud` that tokens must have
    #[arg(long, env = "HANDSLAG_JWT_AUDIENCE", default_value = "handslag")]
    pub jwt_audience: String,
    /// Address of the identity provider's keys (JWKS)
    #[arg(long, env = "HANDSLAG_JWKS_URL", conflicts_with = "jwks_file")]
    pub jwks_url: Option<String>,
    /// File with the identity provider's keys (JWKS)
    #[arg(long, env = "HANDSLAG_JWKS_FILE")]
    pub jwks_file: Option<PathBuf>,
    /// File with the authorities (PEM) that the identity provider's certificate is checked with,
    /// instead of those that browsers trust and the system's
    #[arg(long, env = "HANDSLAG_JWKS_AUTHORITIES_FILE")]
    pub jwks_authorities_file: Option<PathBuf>,
    /// Whether methods marked public answer without a token
    #[arg(long, env = "HANDSLAG_PUBLIC_READS", default_value_t = true, action = ArgAction::Set)]
    pub public_reads: bool,
}

/// How much at once.
#[derive(Clone, Copy, Debug, Args)]
pub struct LimitsConfig {
    /// Most calls under way in one replica; more are refused at once with LOAD_SHED
    // With 8 connections and calls of about 10 ms, 256 wait at most a third of a second for the
    // database; of a slower one's queue fewer are let in (`database::pace`).
    #[arg(long, env = "HANDSLAG_MAX_CALLS", default_value_t = 256)]
    pub max_calls: usize,
    /// Most streams open in one replica
    #[arg(long, env = "HANDSLAG_MAX_STREAMS", default_value_t = 1_000)]
    pub max_streams: usize,
    /// Calls that one caller may make in a second, on average; more are refused with RATE_LIMITED
    #[arg(long, env = "HANDSLAG_CALLS_PER_SECOND", default_value_t = 100)]
    pub calls_per_second: u32,
    /// Calls that one caller may make at once after a pause
    #[arg(long, env = "HANDSLAG_CALLS_BURST", default_value_t = 400)]
    pub calls_burst: u32,
    /// Seconds after which a connection is asked to be made anew, so that clients spread over new
    /// replicas
    #[arg(long, env = "HANDSLAG_CONNECTION_AGE_SECONDS", default_value_t = 300)]
    pub connection_age_seconds: u64,
    /// Seconds that the end of the process waits for the work under way
    #[arg(long, env = "HANDSLAG_SHUTDOWN_SECONDS", default_value_t = 20)]
    pub shutdown_seconds: u64,
}

/// Everything that a service's process is told.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// The database.
    #[command(flatten)]
    pub database: DatabaseConfig,
    /// The broker.
    #[command(flatten)]
    pub broker: BrokerConfig,
    /// TLS of the gRPC port.
    #[command(flatten)]
    pub tls: TlsConfig,
    /// Where gRPC is served
    #[arg(long, env = "HANDSLAG_GRPC_ADDRESS", default_value = "0.0.0.0:50051")]
    pub grpc_address: SocketAddr,
    /// Where /live, /ready, /metrics and a plaintext gRPC health service are served
    #[arg(long, env = "HANDSLAG_ADMIN_ADDRESS", default_value = "0.0.0.0:9090")]
    pub admin_address: SocketAddr,
    /// Who may call.
    #[command(flatten)]
    pub access: AccessConfig,
    /// Whether gRPC reflection answers
    #[arg(long, env = "HANDSLAG_REFLECTION", default_value_t = true, action = ArgAction::Set)]
    pub reflection: bool,
    /// Key of page and resume tokens, at least 32 bytes, the same in all replicas; made at random
    /// when missing, which is right for one replica only. Of several lines the first is the key, and
    /// tokens of the others are still read
    #[arg(long, env = "HANDSLAG_TOKEN_KEY", hide_env_values = true)]
    pub token_key: Option<Secret>,
    /// File with that key, instead
    #[arg(long, env = "HANDSLAG_TOKEN_KEY_FILE")]
    pub token_key_file: Option<PathBuf>,
    /// Where traces are sent, as OTLP over http/protobuf: http://collector:4318; nowhere when
    /// missing
    #[arg(long, env = "HANDSLAG_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// What is logged, as tracing's directives
    #[arg(
        long,
        env = "HANDSLAG_LOG",
        // lapin calls each end of a connection an error, wanted ones too; our supervisor says what matters.
        default_value = "info,sqlx=warn,lapin=off,h2=warn"
    )]
    pub log: String,
    /// How much at once.
    #[command(flatten)]
    pub limits: LimitsConfig,
    /// A setting of the service's own, name=value; may be repeated
    #[arg(
        long = "setting",
        env = "HANDSLAG_SETTINGS",
        value_delimiter = ',',
        hide_env_values = true
    )]
    pub settings: Vec<Setting>,
}

/// A setting of the service's own. Its value may be a secret, so it is not printed.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Secret,
}

impl FromStr for Setting {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("a setting is name=value")?;
        Ok(Self {
            name: name.trim().to_owned(),
            value: Secret::new(value),
        })
    }
}

impl Config {
    /// The defaults, with these addresses; what another process that runs services inside itself
    /// starts from. Serves on free ports of the loopback address.
    ///
    /// # Errors
    /// When the environment holds something unreadable.
    pub fn local(database_url: &str, amqp_url: &str) -> anyhow::Result<Self> {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            config: Config,
        }
        let mut config = <Alone as clap::Parser>::try_parse_from(["handslag"])?.config;
        config.database.database_url = Some(Secret::new(database_url));
        config.broker = BrokerConfig::at(amqp_url);
        config.grpc_address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.admin_address = SocketAddr::from(([127, 0, 0, 1], 0));
        Ok(config)
    }

    /// The key of tokens, if one is given.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn token_key(&self) -> anyhow::Result<Option<Secret>> {
        given(self.token_key.as_ref(), self.token_key_file.as_deref())
    }

    /// The service's own settings; a later one of the same name wins.
    #[must_use]
    pub fn settings(&self) -> BTreeMap<String, String> {
        self.settings
            .iter()
            .map(|setting| (setting.name.clone(), setting.value.expose().to_owned()))
            .collect()
    }

    /// Adds a setting of the service's own.
    #[must_use]
    pub fn with_setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push(Setting {
            name: name.to_owned(),
            value: Secret::new(value),
        });
        self
    }
}

impl DatabaseConfig {
    /// The database's address.
    ///
    /// # Errors
    /// When it is missing or its file cannot be read.
    pub fn url(&self) -> anyhow::Result<Secret> {
        given(
            self.database_url.as_ref(),
            self.database_url_file.as_deref(),
        )?
        .context("HANDSLAG_DATABASE_URL or HANDSLAG_DATABASE_URL_FILE is needed")
    }

    /// How to connect, as the files say it now.
    ///
    /// # Errors
    /// When the address is missing or none, or a file cannot be read.
    pub fn options(&self) -> anyhow::Result<PgConnectOptions> {
        let options = PgConnectOptions::from_str(self.url()?.expose())
            .context("the database's address cannot be read")?;
        Ok(match password(self.database_password_file.as_deref())? {
            Some(password) => options.password(password.expose()),
            None => options,
        })
    }

    /// The files that [`options`](Self::options) reads.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> + use<> {
        [&self.database_url_file, &self.database_password_file]
            .map(Clone::clone)
            .into_iter()
            .flatten()
    }
}

impl BrokerConfig {
    /// A broker at this address.
    #[must_use]
    pub fn at(amqp_url: &str) -> Self {
        Self {
            amqp_url: Some(Secret::new(amqp_url)),
            amqp_url_file: None,
            amqp_password_file: None,
            amqp_ca_file: None,
        }
    }

    /// Where to connect, as the files say it now.
    ///
    /// # Errors
    /// When the address is missing or none, a file cannot be read, or authorities are given for an
    /// address without TLS: whoever names them counts on TLS.
    pub fn uri(&self) -> anyhow::Result<AMQPUri> {
        let url = given(self.amqp_url.as_ref(), self.amqp_url_file.as_deref())?
            .context("HANDSLAG_AMQP_URL or HANDSLAG_AMQP_URL_FILE is needed")?;
        // What is wrong with it is not repeated: it would show the password.
        let mut uri: AMQPUri = url
            .expose()
            .parse()
            .map_err(|_| anyhow::anyhow!("the broker's address is no amqp:// address"))?;
        if let Some(password) = password(self.amqp_password_file.as_deref())? {
            uri.authority.userinfo.password = password.expose().to_owned();
        }
        anyhow::ensure!(
            self.amqp_ca_file.is_none() || uri.scheme == AMQPScheme::AMQPS,
            "HANDSLAG_AMQP_CA_FILE is given, and the broker's address is no amqps:// address"
        );
        Ok(uri)
    }

    /// What the broker's certificate is checked with, as the file says it now.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no authority.
    pub fn trust(&self) -> anyhow::Result<ClientConfig> {
        tls::trusting(self.amqp_ca_file.as_deref())
    }
}

/// A secret as such or from its file; the file's last line break is no part of it.
fn given(secret: Option<&Secret>, file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let Some(path) = file else {
        return Ok(secret.cloned());
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']))))
}

/// A password from its file. An empty one is a secret without its content.
fn password(file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let password = given(None, file)?;
    if let (Some(password), Some(path)) = (&password, file) {
        anyhow::ensure!(
            !password.expose().is_empty(),
            "{} is empty, and should hold a password",
            path.display()
        );
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::{BrokerConfig, Config, Secret};

    #[test]
    fn printing_shows_no_secret() {
        let mut config = Config::local("postgres://u:hemligt@h/d", "amqp://u:hemligt@h")
            .expect("defaults")
            .with_setting("smtp_url", "smtp://u:hemligt@h");
        config.token_key = Some(Secret::new("hemligt"));
        let printed = format!("{config:?}");
        assert!(!printed.contains("hemligt"), "{printed}");
        assert!(printed.contains("[redacted]"));
    }

    #[test]
    fn a_secret_may_come_from_a_file() {
        let path = std::env::temp_dir().join(format!("handslag-secret-{}", crate::id::new()));
        std::fs::write(&path, "postgres://fil\n").expect("written");
        let mut config = Config::local("postgres://u", "amqp://h").expect("defaults");
        config.database.database_url_file = Some(path.clone());
        assert_eq!(
            config.database.url().expect("read").expose(),
            "postgres://fil"
        );
        std::fs::remove_file(&path).expect("removed");
        assert!(config.database.url().is_err());
    }

    #[test]
    fn a_password_file_is_read_anew_and_takes_any_letter() {
        let path = std::env::temp_dir().join(format!("handslag-password-{}", crate::id::new()));
        let mut broker = BrokerConfig::at("amqp://me@host/town");
        broker.amqp_password_file = Some(path.clone());
        assert!(broker.uri().is_err(), "no file");
        for password in ["hemligt", "p@ss/w%41:rd?#å"] {
            std::fs::write(&path, format!("{password}\n")).expect("written");
            let uri = broker.uri().expect("read");
            assert_eq!(uri.authority.userinfo.username, "me");
            assert_eq!(uri.authority.userinfo.password, password);
            assert_eq!(uri.vhost, "town");
        }
        std::fs::write(&path, "\n").expect("written");
        let error = broker.uri().expect_err("empty").to_string();
        assert!(error.contains("is empty"), "{error}");
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn authorities_are_refused_for_an_address_without_tls() {
        let mut broker = BrokerConfig::at("amqps://me@host/town");
        broker.amqp_ca_file = Some("/nowhere/ca.crt".into());
        broker.uri().expect("TLS");
        let error = broker.trust().expect_err("no file").to_string();
        assert_eq!(error, "/nowhere/ca.crt cannot be read");
        broker.amqp_url = Some(Secret::new("amqp://me@host/town"));
        let error = broker.uri().expect_err("no TLS").to_string();
        assert!(error.contains("no amqps:// address"), "{error}");
    }

    #[test]
    fn an_address_that_is_none_is_not_shown() {
        let error = BrokerConfig::at("amqp//u:hemligt@h")
            .uri()
            .expect_err("none");
        assert!(!format!("{error:#}").contains("hemligt"), "{error:#}");
    }
}
