//! Makes the reports that were ordered.
//!
//! # Design notes
//! One code path, whether an order has just come or was left behind by a process that died: take the oldest that waits,
//! set it, store it with its event, until none is left. The row is held meanwhile, so that replicas share the work and
//! a dead one's order is free again. A report that cannot be set has failed for good, since the same section would fail
//! again; a database that does not answer is no failure of the report, which waits for the next turn.
//! A failed report says so when it is asked for and is told of by no event: nothing follows it in the record.

use std::sync::Arc;
use std::time::Duration;

use handslag_platform::error::Chain;
use handslag_platform::messaging::outbox;
use handslag_platform::shutdown::Shutdown;

use crate::domain::report::{Format, KEPT_FOR};
use crate::domain::section::Section;
use crate::render::{html, pdf, view};
use crate::store::{self, StoreError};
use crate::{Reporting, convert};

/// Orders of other replicas and of dead ones are found within this time; own ones wake the task at once.
const TURN_EVERY: Duration = Duration::from_secs(5);

/// Who completes a report in the record.
const ACTOR: &str = "service:reporting";

/// What people are told when a report cannot be made; the log says why.
const FAILED: &str = "Rapporten kunde inte tas fram. Felet är noterat.";

/// Makes reports until the process stops.
///
/// # Errors
/// None: a turn that fails is logged, and there is another.
pub(crate) async fn make_reports(
    service: Arc<Reporting>,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    loop {
        if let Err(error) = turn(&service, &shutdown).await {
            tracing::warn!(
                error = %Chain(&error),
                "reports wait for a turn"
            );
        }
        tokio::select! {
            () = shutdown.stopping() => return Ok(()),
            () = service.ordered.notified() => {}
            () = tokio::time::sleep(TURN_EVERY) => {}
        }
    }
}

async fn turn(service: &Reporting, shutdown: &Shutdown) -> Result<(), StoreError> {
    while !shutdown.is_stopping() && make_one(service).await? {}
    let mut conn = service.database.pool().acquire().await?;
    let removed = store::reports::remove_older(&mut conn, service.clock.now() - KEPT_FOR).await?;
    if removed > 0 {
        tracing::info!(removed, "reports that were kept long enough are removed");
    }
    Ok(())
}

/// Makes the oldest report that waits; false when none does.
async fn make_one(service: &Reporting) -> Result<bool, StoreError> {
    let mut tx = service.database.begin_task().await?;
    let Some((report, section)) = store::reports::take(&mut tx).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    let name = convert::report_name(report.id);
    let made = match set(&section, report.format).await {
        Ok(content) => report
            .complete(i64::try_from(content.len()).unwrap_or(i64::MAX))
            .map(|report| (report, Some(content))),
        Err(error) => {
            tracing::error!(
                report = name,
                error = format!("{error:#}"),
                "a report failed"
            );
            report.fail(FAILED).map(|report| (report, None))
        }
    };
    let Ok((report, content)) = made else {
        // Only running ones are taken.
        tx.rollback().await?;
        return Ok(false);
    };
    store::reports::settle(&mut tx, &report, content.as_deref().unwrap_or_default()).await?;
    if content.is_some() {
        let event = convert::completed(&report, &section, ACTOR, service.clock.now());
        outbox::append(&mut tx, event).await?;
    }
    tx.commit_task().await?;
    tracing::info!(report = name, "a report is made");
    Ok(true)
}

async fn set(section: &Section, format: Format) -> anyhow::Result<Vec<u8>> {
    match format {
        Format::Html => Ok(html::html(&view::view(section, html::FONT))?),
        Format::Pdf => Ok(pdf::pdf(view::view(section, pdf::FONT)).await?),
    }
}
