//! `handslag read-model rebuild`: dropped, and made anew from the logs of the services that reporting hears.

use std::{process::ExitCode, time::Duration};

use handslag_platform::messaging::status;
use sqlx::PgPool;

use crate::{cli::ReadModelVerb, show::Progress, verbs};

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Looks without any progress after which waiting is given up; the rebuild itself goes on in the service.
const PATIENCE: u32 = 60;

pub(super) async fn run(verb: ReadModelVerb) -> anyhow::Result<ExitCode> {
    let ReadModelVerb::Rebuild { database_url, data } = verb;
    let url = verbs::database_url(database_url.as_deref(), "reporting", &data.path()?)?;
    let pool = verbs::pool(&url).await?;
    let show = Progress::new();
    let before = counted(&pool).await?;
    handslag_reporting::rebuild(&pool).await?;
    show.line(&format!(
        "The read model is dropped ({before} events were counted). The logs are being replayed …"
    ));
    let (mut heard, mut quiet) = (0, 0);
    while heard < before {
        tokio::time::sleep(LOOK).await;
        let now = counted(&pool).await?;
        quiet = if now > heard { 0 } else { quiet + 1 };
        heard = now;
        let all = usize::try_from(before.max(1))?;
        show.bar("Rebuilt", usize::try_from(heard)?.min(all), all);
        if quiet > PATIENCE {
            show.line("No progress for half a minute. Is reporting running? It goes on as soon as it does.");
            return Ok(ExitCode::FAILURE);
        }
    }
    show.line(&format!("Rebuilt: {heard} events are counted."));
    Ok(ExitCode::SUCCESS)
}

/// Events heard, of all producers.
async fn counted(pool: &PgPool) -> Result<i64, sqlx::Error> {
    Ok(status::read(pool)
        .await?
        .producers
        .iter()
        .map(|one| one.agreed_count + one.since)
        .sum())
}
