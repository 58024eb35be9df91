//! Whether chart and manifests are right, as far as no cluster is needed to say so.
//!
//! # Design notes
//! Helm is the one reader of YAML here: what has to be looked into is turned into JSON by a template
//! of one line. Schemas of objects are made from what Kubernetes and the operators publish as Go
//! modules, since the usual collection of schemas is not always within reach. What every pod must
//! have stands as schemas too, in `tests/chart/policy`.

mod alerts;
mod combinations;
mod helm;
mod manifests;
mod policy;
mod refusals;
mod schemas;
mod table;

use std::collections::BTreeSet;

use anyhow::Result;

use crate::context::Context;
use crate::tools;

use self::helm::Helm;
use self::schemas::Schemas;

/// Everything; each finding is a sentence.
pub(crate) fn check(context: &Context) -> Result<Vec<String>> {
    let helm = Helm::find(context)?;
    let schemas = Schemas::find(context, &helm)?;
    let promtool = tools::promtool(context)?;
    let mut findings = helm.lint()?;
    findings.extend(table::check(context)?);
    findings.extend(manifests::check(context, &helm, &schemas)?);
    findings.extend(refusals::check(context, &helm)?);
    findings.extend(alerts::check(context, &helm, &promtool)?);
    findings.extend(combinations::check(context, &helm, &schemas)?);
    // One mistake in a template is found in every object that it makes.
    let mut known = BTreeSet::new();
    findings.retain(|finding| known.insert(finding.clone()));
    Ok(findings)
}

/// Writes what is generated: the table of values and the base of the manifests.
pub(crate) fn write(context: &Context) -> Result<()> {
    table::write(context)?;
    manifests::write(context, &Helm::find(context)?)
}
