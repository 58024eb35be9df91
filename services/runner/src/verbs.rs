//! The verbs, one file each but for the small ones.

mod check;
mod dead_letters;
mod doctor;
mod read_model;

use std::{collections::BTreeMap, fs, path::Path, process::ExitCode};

use anyhow::Context;
use handslag_commitments::Commitments;
use handslag_notifications::Notifications;
use handslag_platform::{
    Service,
    auth::Role,
    database::migrations,
    dev_issuer::KEY_FILE,
    messaging::{
        audit::{self, Audit},
        status::{self, Status},
    },
};
use handslag_registry::Registry;
use handslag_reporting::Reporting;
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    cli::{
        Check, DeadLetterVerb, Doctor, Import, IssuerFolder, Migrate, ReadModelVerb,
        ServiceDatabase, ServiceName, Token, Up,
    },
    import::{self, Callers, Script},
    issuer::{Claims, Issuer, LocalCallers},
    ports::SERVICES,
    show::Progress,
    state::CityState,
};

/// The state of a service's messaging, by its database.
///
/// # Errors
/// When the database does not answer.
pub async fn messaging_status(database_url: &str) -> anyhow::Result<Status> {
    let pool = pool(database_url).await?;
    let status = status::read(&pool).await?;
    pool.close().await;
    Ok(status)
}

/// A verb of the command line needs few connections.
const CONNECTIONS: u32 = 2;

pub(crate) async fn up(options: Up) -> anyhow::Result<ExitCode> {
    let telemetry = handslag_platform::telemetry::install(
        "handslag",
        &options.log,
        std::env::var("HANDSLAG_OTLP_ENDPOINT").ok().as_deref(),
    )?;
    let outcome = crate::up::up(options).await;
    telemetry.flush().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

pub(crate) async fn migrate(options: Migrate) -> anyhow::Result<ExitCode> {
    let pool = connect(&options.database).await?;
    match options.database.service {
        ServiceName::Registry => migrate_service::<Registry>(&pool, options.check).await,
        ServiceName::Commitments => migrate_service::<Commitments>(&pool, options.check).await,
        ServiceName::Notifications => migrate_service::<Notifications>(&pool, options.check).await,
        ServiceName::Reporting => migrate_service::<Reporting>(&pool, options.check).await,
    }
}

async fn migrate_service<S: Service>(pool: &PgPool, check: bool) -> anyhow::Result<ExitCode> {
    let show = Progress::new();
    if !check {
        migrations::run(pool, S::migrations()).await?;
    }
    let missing = migrations::pending(pool, S::migrations()).await?;
    if missing.is_empty() {
        show.line(&format!(
            "The database of {} has the newest schema.",
            S::NAME
        ));
        return Ok(ExitCode::SUCCESS);
    }
    show.line(&format!(
        "The database of {} lacks: {}",
        S::NAME,
        missing.join("; ")
    ));
    Ok(ExitCode::FAILURE)
}

pub(crate) async fn import(options: Import) -> anyhow::Result<ExitCode> {
    let text = fs::read_to_string(&options.file)
        .with_context(|| format!("{} cannot be read", options.file.display()))?;
    let script = Script::parse(&text)?;
    let directory = options.data.path()?;
    let known = CityState::load(&directory).ok();
    let addresses = options.addresses.with(known.as_ref());
    let endpoints = options.tls.endpoints(&addresses)?;
    let callers: Box<dyn Callers> = match &options.token_file {
        Some(file) => Box::new(OneToken(fs::read_to_string(file)?.trim().to_owned())),
        None => Box::new(LocalCallers::new(Issuer::existing(&directory)?)),
    };
    let show = Progress::new();
    show.line(&script.title);
    let progress = |done, all| show.bar("Steps", done, all);
    import::run(
        &script,
        &mut BTreeMap::new(),
        &endpoints,
        callers.as_ref(),
        progress,
    )
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// One token for every step, given by whoever operates the services.
struct OneToken(String);

impl Callers for OneToken {
    fn token(&self, _caller: &str) -> anyhow::Result<String> {
        Ok(self.0.clone())
    }
}

pub(crate) fn issuer(options: &IssuerFolder) -> anyhow::Result<ExitCode> {
    let issuer = Issuer::in_folder(&options.folder)?;
    let show = Progress::new();
    show.line(&format!(
        "{} holds the public keys: give it to the services (HANDSLAG_JWKS_FILE).",
        issuer.jwks_file().display()
    ));
    show.line(&format!(
        "{} is the private key: whoever reads it can sign any token. For a trial only.",
        options.folder.join(KEY_FILE).display()
    ));
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn token(options: &Token) -> anyhow::Result<ExitCode> {
    let issuer = match &options.issuer_folder {
        Some(folder) => Issuer::made_in(folder)?,
        None => Issuer::existing(&options.data.path()?)?,
    };
    let mut claims = Claims::of(&options.subject);
    claims.issuer.clone_from(&options.issuer);
    claims.audience.clone_from(&options.audience);
    for role in &options.role {
        let role: Role = role
            .parse()
            .with_context(|| format!("the roles are {}", Role::ALL.map(Role::as_str).join(", ")))?;
        anyhow::ensure!(
            role != Role::DistrictBoard || options.district.is_some(),
            "the role district-board needs --district, for instance --district farsta"
        );
        anyhow::ensure!(
            role != Role::Organisation || options.organisation.is_some(),
            "the role organisation needs --organisation with the organisation's id"
        );
        match role {
            Role::CityOfficer => claims.party = Some("city".to_owned()),
            Role::SectorRepresentative => claims.party = Some("sector".to_owned()),
            _ => {}
        }
        claims.roles.push(role.as_str().to_owned());
    }
    claims.party = options.party.clone().or(claims.party);
    claims.board.clone_from(&options.board);
    claims.district.clone_from(&options.district);
    claims.organisation.clone_from(&options.organisation);
    claims.expires_in_seconds = i64::from(options.minutes) * 60;
    Progress::new().line(&issuer.token(&claims)?);
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn dead_letters(verb: DeadLetterVerb) -> anyhow::Result<ExitCode> {
    dead_letters::run(verb).await
}

pub(crate) async fn read_model(verb: ReadModelVerb) -> anyhow::Result<ExitCode> {
    read_model::run(verb).await
}

/// Computes the chain anew and says where it breaks, if it does.
pub(crate) async fn audit(options: &ServiceDatabase) -> anyhow::Result<ExitCode> {
    let pool = connect(options).await?;
    let audit = audit::verify(&pool).await?;
    pool.close().await;
    let show = Progress::new();
    let Audit {
        seals,
        events,
        broken,
    } = audit;
    show.line(&format!("{seals} seals over {events} events hold."));
    let Some((first, last)) = broken else {
        return Ok(ExitCode::SUCCESS);
    };
    show.line(&format!(
        "The log was changed: an event between {first} and {last} was altered, taken away or put in after it had been \
         sealed. Compare these events with a backup, or with what the consumers have heard."
    ));
    Ok(ExitCode::FAILURE)
}

pub(crate) async fn doctor(options: &Doctor) -> anyhow::Result<ExitCode> {
    doctor::run(options).await
}

pub(crate) async fn check(options: &Check) -> anyhow::Result<ExitCode> {
    Ok(if installation_works(options).await? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether an installation works, asked from outside; what was found is printed.
///
/// # Errors
/// When an address is missing, or a file cannot be used.
pub async fn installation_works(options: &Check) -> anyhow::Result<bool> {
    check::run(options).await
}

impl ServiceName {
    fn as_str(self) -> &'static str {
        SERVICES[match self {
            Self::Registry => 0,
            Self::Commitments => 1,
            Self::Notifications => 2,
            Self::Reporting => 3,
        }]
    }
}

async fn connect(options: &ServiceDatabase) -> anyhow::Result<PgPool> {
    let url = database_url(
        options.database_url.as_deref(),
        options.service.as_str(),
        &options.data.path()?,
    )?;
    pool(&url).await
}

fn database_url(given: Option<&str>, service: &str, directory: &Path) -> anyhow::Result<String> {
    match given {
        Some(url) => Ok(url.to_owned()),
        None => CityState::load(directory)?
            .databases
            .get(service)
            .cloned()
            .with_context(|| format!("the city's state names no database of {service}")),
    }
}

pub(crate) async fn pool(url: &str) -> anyhow::Result<PgPool> {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(std::time::Duration::from_secs(5))
        .connect(url)
        .await
        .context("the database does not answer: is the city up?")
}
