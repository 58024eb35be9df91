//! The programs of PostgreSQL: where they are, and of which version.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::packages::{Need, install};
use crate::psql::{find_psql, folders};

/// The oldest version that has what the services use.
const OLDEST: u32 = 15;

const NEED: Need = Need {
    what: "PostgreSQL 15 or later",
    apt: "postgresql",
    dnf: "postgresql postgresql-server postgresql-contrib",
    apk: "postgresql postgresql-client",
    brew: "postgresql@17",
    pacman: "postgresql",
};

/// The programs of one PostgreSQL version.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    major: u32,
}

/// A program of the PostgreSQL that private servers are started from, as `pgbench`: a bench and
/// its server have one version, whatever else stands on the PATH.
///
/// # Errors
///
/// When no PostgreSQL 15 or later is installed (starting servers installs one), or when its
/// package came without this program.
pub fn postgres_program(name: &str) -> Result<PathBuf> {
    let found = Programs::installed(None).context("there is no PostgreSQL 15 on this machine")?;
    found.existing(name)
}

impl Programs {
    /// Finds the newest installed version, or the one that made the data; installs one if there is
    /// none and the system lets us.
    pub(crate) fn find(directory: &Path, progress: &mut dyn FnMut(&str)) -> Result<Self> {
        let made_by = fs::read_to_string(directory.join("data/PG_VERSION")).ok();
        let made_by: Option<u32> = made_by.and_then(|version| version.trim().parse().ok());
        if let Some(programs) = Self::installed(made_by).filter(|_| find_psql().is_some()) {
            return Ok(programs);
        }
        if let Some(major) = made_by {
            bail!(
                "{} was made by PostgreSQL {major}, which is not installed any more: install it \
                 again, or begin anew",
                directory.display()
            );
        }
        install(&[NEED], progress)?;
        Self::installed(None).filter(|_| find_psql().is_some()).context(
            "the installed PostgreSQL is older than 15: see https://www.postgresql.org/download/",
        )
    }

    /// The program of this name.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The program of this name, which not every package brings.
    pub(crate) fn existing(&self, name: &str) -> Result<PathBuf> {
        let program = self.program(name);
        if !program.is_file() {
            bail!(
                "PostgreSQL {} has no `{name}` in {}: its package came without it",
                self.major,
                self.folder.display()
            );
        }
        Ok(program)
    }

    fn installed(wanted: Option<u32>) -> Option<Self> {
        let fits = |programs: &Self| match wanted {
            Some(major) => programs.major == major,
            None => programs.major >= OLDEST,
        };
        folders()
            .into_iter()
            .filter_map(Self::at)
            .filter(fits)
            .max_by_key(|found| found.major)
    }

    fn at(folder: PathBuf) -> Option<Self> {
        if !["postgres", "initdb"]
            .iter()
            .all(|name| folder.join(name).is_file())
        {
            return None;
        }
        let output = std::process::Command::new(folder.join("postgres"))
            .arg("--version")
            .output();
        let major = major_of(&String::from_utf8_lossy(&output.ok()?.stdout))?;
        Some(Self { folder, major })
    }
}

/// `postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)` → 15.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    number
        .split(|letter: char| !letter.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_programs_beside_the_server_and_names_what_is_missing() {
        if Programs::installed(None).is_none() {
            return;
        }
        assert!(postgres_program("pg_basebackup").unwrap().is_file());
        let refusal = postgres_program("pg_nothing").unwrap_err().to_string();
        assert!(refusal.contains("has no `pg_nothing`"), "{refusal}");
    }

    #[test]
    fn reads_the_major_version_of_every_distribution() {
        for (text, major) in [
            (
                "postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)\n",
                Some(15),
            ),
            ("postgres (PostgreSQL) 17.2\n", Some(17)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("nonsense", None),
        ] {
            assert_eq!(major_of(text), major);
        }
    }
}
