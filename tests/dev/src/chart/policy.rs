//! What every pod of ours must have, whatever the values say.

use std::path::Path;

use anyhow::Result;

use super::schemas::Schemas;
use crate::context::Context;

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
