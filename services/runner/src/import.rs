//! Loads a script of calls through the public gRPC interfaces: how the record of the agreement comes in.
//!
//! # Design notes
//! A script is data: which method, in whose name, with which request in the JSON form of the contract. `@key` stands
//! for the name of the resource that the step `key` made. Requests are built by reflection, so that a new method needs
//! no code here. A step's `request_id` is derived from its key: a script that was cut off, by a crash or a closed
//! lid, is run again from the start, and each step that had been done answers its first answer. No journal is kept
//! that could differ from the databases.

mod call;
mod script;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use serde_json::Value;
use tonic_types::StatusExt;

pub use call::{Endpoints, Refusal, invoke, open};
pub(crate) use script::request_id;
pub use script::{Script, Step, references};

/// How long a step waits for what another service has not yet heard of: events arrive within milliseconds, a restarted
/// broker takes some ten seconds, and twice that is patience enough to say that something is wrong.
const PATIENCE: Duration = Duration::from_secs(90);

/// Pause before a step is tried again when the answer names none.
const PAUSE: Duration = Duration::from_millis(100);

/// Gives the token that a step is called with.
pub trait Callers: Send + Sync {
    /// A bearer token for `operator`, `city`, `sector` or `district:<code>`.
    ///
    /// # Errors
    /// When no token can be had for such a caller.
    fn token(&self, caller: &str) -> anyhow::Result<String>;
}

/// Runs every step in order and tells after each how many are done.
///
/// # Errors
/// The first step that is refused, with its key, the reason and the field at fault.
pub async fn run(
    script: &Script,
    known: &mut BTreeMap<String, String>,
    endpoints: &Endpoints,
    callers: &dyn Callers,
    mut progress: impl FnMut(usize, usize),
) -> anyhow::Result<()> {
    for (done, step) in script.steps.iter().enumerate() {
        let name = perform(step, known, endpoints, callers)
            .await
            .with_context(|| format!("step {} ({})", step.key, step.call))?;
        known.insert(step.key.clone(), name);
        progress(done + 1, script.steps.len());
    }
    Ok(())
}

async fn perform(
    step: &Step,
    known: &BTreeMap<String, String>,
    endpoints: &Endpoints,
    callers: &dyn Callers,
) -> anyhow::Result<String> {
    let mut request = script::resolve(&step.request, known)?;
    if let Value::Object(fields) = &mut request {
        fields.insert("requestId".to_owned(), request_id(&step.key).into());
    }
    let token = callers.token(&step.caller)?;
    let began = Instant::now();
    loop {
        match invoke(endpoints, &step.call, request.clone(), &token).await {
            Ok(response) => return script::resource_name(&response),
            Err(Refusal::Status(status)) => {
                let Some(pause) = worth_another_try(&status) else {
                    bail!(explain(&status))
                };
                if began.elapsed() > PATIENCE {
                    bail!(
                        "gave up after {} s: {}",
                        PATIENCE.as_secs(),
                        explain(&status)
                    );
                }
                tokio::time::sleep(pause).await;
            }
            Err(Refusal::Malformed(error)) => return Err(error),
        }
    }
}

/// A command carries its identity, so that repeating it is safe whatever became of the first try.
fn worth_another_try(status: &tonic::Status) -> Option<Duration> {
    if let Some(retry) = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay)
    {
        return Some(retry.min(Duration::from_secs(5)));
    }
    matches!(
        status.code(),
        tonic::Code::Unavailable | tonic::Code::Cancelled | tonic::Code::DeadlineExceeded
    )
    .then_some(PAUSE)
}

fn explain(status: &tonic::Status) -> String {
    let mut text = format!("{:?}: {}", status.code(), status.message());
    if let Some(info) = status.get_details_error_info() {
        text.push_str(&format!(" [{}]", info.reason));
    }
    for violation in status
        .get_details_bad_request()
        .into_iter()
        .flat_map(|bad| bad.field_violations)
    {
        text.push_str(&format!(
            "\n  {}: {}",
            violation.field, violation.description
        ));
    }
    text
}
