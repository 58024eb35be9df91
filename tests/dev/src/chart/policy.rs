//! What every pod of ours must have, whatever the values say.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use super::helm::Helm;
use super::schemas::Schemas;
use crate::context::Context;

/// Mistakes in a good manifest, what is there and what in its place. A schema that does not mean
/// what it seems to mean would pass everything in silence, so each of these must be refused.
const MISTAKES: [(&str, &str); 14] = [
    ("runAsNonRoot: true", "runAsNonRoot: false"),
    ("runAsUser: 65532", "runAsUser: 0"),
    ("drop: [ALL]", "drop: [KILL]"),
    ("privileged: false", "privileged: true"),
    (
        "allowPrivilegeEscalation: false",
        "allowPrivilegeEscalation: true",
    ),
    (
        "readOnlyRootFilesystem: true",
        "readOnlyRootFilesystem: false",
    ),
    ("type: RuntimeDefault", "type: Unconfined"),
    (
        "automountServiceAccountToken: false",
        "automountServiceAccountToken: true",
    ),
    ("sizeLimit: 16Mi", "medium: Memory"),
    ("limits:", "limit:"),
    ("maxUnavailable: 0", "maxUnavailable: 1"),
    ("livenessProbe:", "other:"),
    ("sleep: {seconds: 5}", "exec: {command: [sleep]}"),
    ("activeDeadlineSeconds:", "other:"),
];

/// A field that does not exist, which strict schemas must refuse.
const UNKNOWN_FIELD: (&str, &str) = ("revisionHistoryLimit:", "revisionHistoryLimits:");

/// Compares the objects of a file with the schemas in `tests/chart/policy`. Kinds without one need
/// nothing.
pub(super) fn check(context: &Context, schemas: &Schemas, file: &Path) -> Result<Vec<String>> {
    let folder = context.root.join("tests/chart/policy");
    let location = format!("{}/{{{{ .ResourceKind }}}}.json", folder.display());
    schemas.compare(
        file,
        &["-schema-location", &location, "-ignore-missing-schemas"],
    )
}

/// Whether the checks find mistakes at all.
///
/// # Errors
/// When the manifest has not what a mistake is made of.
pub(super) fn check_checks(
    context: &Context,
    helm: &Helm,
    schemas: &Schemas,
    good: &str,
) -> Result<Vec<String>> {
    let file = helm.work("mistake.yaml");
    let mut missed = Vec::new();
    for (from, to) in MISTAKES.into_iter().chain([UNKNOWN_FIELD]) {
        ensure!(
            good.contains(from),
            "the base of the manifests lacks {from}"
        );
        fs::write(&file, good.replace(from, to))?;
        let found = if (from, to) == UNKNOWN_FIELD {
            schemas.check(&file, "")?
        } else {
            check(context, schemas, &file)?
        };
        if found.is_empty() {
            missed.push(format!("no check finds `{to}` instead of `{from}`"));
        }
    }
    Ok(missed)
}
