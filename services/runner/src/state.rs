//! What a running city leaves in its data directory, so that the other verbs find it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};

const FILE: &str = "city.json";

/// Where a city is. The file holds passwords of private servers and is readable by its owner alone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CityState {
    /// Address of the pages.
    pub web: String,
    /// Each service's gRPC address.
    pub grpc: BTreeMap<String, String>,
    /// Each service's admin address.
    pub admin: BTreeMap<String, String>,
    /// Each service's database.
    pub databases: BTreeMap<String, String>,
    /// The broker.
    pub amqp_url: String,
}

impl CityState {
    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn save(&self, directory: &Path) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let written = directory.join(format!("{FILE}.new"));
        fs::write(&written, serde_json::to_vec_pretty(self)?)?;
        fs::set_permissions(&written, fs::Permissions::from_mode(0o600))?;
        fs::rename(&written, directory.join(FILE)).context("the city's state cannot be written")
    }

    /// Reads that of the city which `up` runs or ran.
    ///
    /// # Errors
    /// When there is none.
    pub fn load(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "no city is known in {}: start one with `cargo dev up`, or name its --data-dir",
                directory.display()
            )
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is not readable", path.display()))
    }
}
