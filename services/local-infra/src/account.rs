//! As whom the servers run, and where their data may lie.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// The system account that the servers run under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Ours. The normal case: nobody else's rights are needed.
    Own,
    /// Another one, since we are root and PostgreSQL refuses to run as root.
    Other { name: String, user: u32, group: u32 },
}

/// Where `handslag up` keeps its data unless told otherwise: `/var/lib/handslag` for root, whose
/// home directory the servers' own account may not enter; else `$XDG_DATA_HOME/handslag` or
/// `~/.local/share/handslag`.
///
/// # Errors
///
/// When neither `XDG_DATA_HOME` nor `HOME` is set.
pub fn default_data_dir() -> Result<PathBuf> {
    if own_user()? == 0 {
        return Ok(PathBuf::from("/var/lib/handslag"));
    }
    if let Some(base) = std::env::var_os("XDG_DATA_HOME").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(base).join("handslag"));
    }
    let home = std::env::var_os("HOME").context("HOME is not set: choose a data directory")?;
    Ok(PathBuf::from(home).join(".local/share/handslag"))
}

/// The number of the user who runs this process.
pub(crate) fn own_user() -> Result<u32> {
    static OWN: OnceLock<u32> = OnceLock::new();
    if let Some(user) = OWN.get() {
        return Ok(*user);
    }
    let user = number_of("-u", None)?.context("`id -u` gave no number")?;
    Ok(*OWN.get_or_init(|| user))
}

impl Account {
    /// The account for this process: its own user, or for root `postgres` (made by the package),
    /// or `nobody` where PostgreSQL came without an account.
    pub(crate) fn find() -> Result<Self> {
        if own_user()? != 0 {
            return Ok(Self::Own);
        }
        for name in ["postgres", "nobody"] {
            if let (Some(user), Some(group)) =
                (number_of("-u", Some(name))?, number_of("-g", Some(name))?)
            {
                return Ok(Self::Other {
                    name: name.to_owned(),
                    user,
                    group,
                });
            }
        }
        bail!("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody`")
    }

    /// Makes `command` run under this account, without any of root's other groups.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Self::Other { user, group, .. } = self {
            command.gid(*group).uid(*user);
        }
    }

    /// Hands a file or directory to this account, readable by nobody else.
    pub(crate) fn own(&self, path: &Path, mode: u32) -> Result<()> {
        let wrong = || format!("cannot set the owner of {}", path.display());
        if let Self::Other { user, group, .. } = self {
            std::os::unix::fs::chown(path, Some(*user), Some(*group)).with_context(wrong)?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(wrong)
    }

    /// Makes the data directory itself. It stays ours; the servers' account may pass through it.
    pub(crate) fn prepare(&self, data_dir: &Path) -> Result<()> {
        fs::create_dir_all(data_dir)
            .with_context(|| format!("cannot create {}", data_dir.display()))?;
        // A world-writable parent such as /var/tmp lets anybody make the directory before us.
        if fs::metadata(data_dir)?.uid() != own_user()? {
            bail!("{} belongs to another user", data_dir.display());
        }
        let mode = if matches!(self, Self::Own) {
            0o700
        } else {
            0o711
        };
        fs::set_permissions(data_dir, fs::Permissions::from_mode(mode))?;
        Ok(())
    }

    /// Makes one server's directory and checks that its account can really work there.
    pub(crate) fn prepare_server(&self, directory: &Path) -> Result<()> {
        if !directory.exists() {
            fs::create_dir(directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
        }
        self.own(directory, 0o700)?;
        let Self::Other { name, .. } = self else {
            return Ok(());
        };
        let mut probe = Command::new("sh");
        probe
            .args(["-c", "cd \"$0\" && test -w ."])
            .arg(directory)
            .current_dir("/");
        self.apply(&mut probe);
        if !probe.output().context("cannot run sh")?.status.success() {
            bail!(
                "the servers run as the user `{name}`, who may not enter {}: choose another data \
                 directory, for instance /var/lib/handslag",
                directory.display()
            );
        }
        Ok(())
    }
}

fn number_of(flag: &str, name: Option<&str>) -> Result<Option<u32>> {
    let output = Command::new("id")
        .arg(flag)
        .args(name)
        .output()
        .context("cannot run `id`")?;
    if !output.status.success() {
        return Ok(None);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_directory_of_another_user() {
        let others = Path::new("/proc/1");
        if fs::metadata(others).unwrap().uid() == own_user().unwrap() {
            return;
        }
        assert!(Account::Own.prepare(others).is_err());
    }

    #[test]
    fn says_which_directory_the_servers_may_not_enter() {
        if own_user().unwrap() != 0 {
            return;
        }
        let closed = tempfile::tempdir().unwrap();
        fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let account = Account::find().unwrap();
        let refused = account
            .prepare_server(&closed.path().join("postgres"))
            .unwrap_err();
        assert!(refused.to_string().contains("may not enter"), "{refused}");
    }
}
