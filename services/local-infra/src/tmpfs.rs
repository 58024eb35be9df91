//! A small disk that can be filled to the last byte.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

use crate::account::own_user;

/// Written at once while there is room for it.
const LARGE: usize = 1 << 20;

/// Written at once at the end: a page, of which the last ones are taken one by one.
const SMALL: usize = 1 << 12;

/// A file system in memory, of a given size. It is unmounted when this value is dropped; servers
/// that still run on it keep what they have until they end.
///
/// `initdb` takes about 60 MiB, and the broker has an alarm of its own while less than 200 MB are
/// free: 1 GiB is room for both, and for a run of some minutes.
#[derive(Debug)]
pub struct Tmpfs {
    path: PathBuf,
    /// Made by us, and so removed by us.
    is_ours: bool,
}

impl Tmpfs {
    /// Mounts one in a directory of its own, which every user may pass through.
    ///
    /// # Errors
    ///
    /// When we are not root, or the system has no such thing.
    pub fn mount(size_mib: u32) -> Result<Self> {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        let name = format!("handslag-disk-{}-{call}", std::process::id());
        Self::mount_at(&Path::new("/var/tmp").join(name), size_mib)
    }

    /// Mounts one at a path, which is made unless it exists: on `<data directory>/postgres` before
    /// the first start, the database alone has a small disk.
    ///
    /// # Errors
    ///
    /// When we are not root, the system has no such thing, or something is mounted or stored there.
    pub fn mount_at(path: &Path, size_mib: u32) -> Result<Self> {
        if own_user()? != 0 {
            bail!("only root may mount a small disk: run this as root, or leave it out");
        }
        let is_ours = !path.exists();
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
        if fs::read_dir(path)?.next().is_some() {
            bail!("{} is not empty", path.display());
        }
        let options = format!("size={size_mib}m,mode=0711");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "handslag-disk"]);
        run(mount.arg(path))?;
        Ok(Self {
            path: path.to_owned(),
            is_ours,
        })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all the room that is left; answers how many bytes that were.
    ///
    /// # Errors
    ///
    /// When writing fails for another reason than the lack of room.
    pub fn fill(&self) -> Result<u64> {
        let wrong = || format!("cannot fill {}", self.path.display());
        let mut ballast = File::options()
            .append(true)
            .create(true)
            .open(self.ballast())
            .with_context(wrong)?;
        let mut taken = 0;
        for step in [LARGE, SMALL] {
            let bytes = vec![0; step];
            loop {
                match ballast.write(&bytes) {
                    Ok(written) => taken += written as u64,
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).with_context(wrong),
                }
            }
        }
        Ok(taken)
    }

    /// Gives the room back.
    ///
    /// # Errors
    ///
    /// When the ballast cannot be removed.
    pub fn free(&self) -> Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot empty {}", self.path.display()))
            }
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Lazily: a server that still runs there must not keep it in everybody's sight.
        let unmounted = run(Command::new("umount").arg("-l").arg(&self.path));
        if unmounted.is_ok() && self.is_ours {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("{name}: {}", complaint.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One where it can be had; elsewhere the refusal says what is missing.
    fn mounted() -> Option<Tmpfs> {
        match Tmpfs::mount(2) {
            Ok(disk) => Some(disk),
            Err(refusal) if own_user().unwrap() == 0 => {
                // A container's root may be forbidden to mount.
                assert!(refusal.to_string().starts_with("mount: "), "{refusal}");
                None
            }
            Err(refusal) => {
                assert!(refusal.to_string().contains("only root"), "{refusal}");
                None
            }
        }
    }

    #[test]
    fn is_full_until_it_is_freed_and_gone_when_it_is_dropped() {
        let Some(disk) = mounted() else { return };
        let path = disk.path().to_owned();
        let taken = disk.fill().unwrap();
        assert!((1 << 20..=2 << 20).contains(&taken), "{taken} bytes");
        let refused = fs::write(path.join("more"), [0; SMALL]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        disk.free().unwrap();
        disk.free().unwrap();
        fs::write(path.join("more"), [0; SMALL]).unwrap();
        assert!(
            Tmpfs::mount_at(&path, 2).is_err(),
            "something is stored there"
        );
        drop(disk);
        assert!(!path.exists());
    }
}
