//! Files that are exchanged while the process runs: mounted secrets.
//!
//! # Design notes
//! Kubernetes exchanges a mounted secret by turning a symbolic link, of which the kernel tells nobody
//! who watches the file, and some file systems tell nobody of anything. Therefore the content is
//! looked at every few seconds. A change counts once two looks in a row saw the same: certificate and
//! key are two files, and one look may fall between them.
//!
//! The files are small and mounted from memory; they are read where the process stands.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

/// Pause between two looks. The kubelet itself takes up to a minute to bring a changed secret into a
/// pod; a change counts after two looks.
pub const LOOK_PAUSE: Duration = Duration::from_secs(2);

/// SHA-256 of the content of all files: a secret itself is not kept for comparison.
type Content = [u8; 32];

/// Files that are watched together.
#[derive(Debug)]
pub struct Mounted {
    paths: Vec<PathBuf>,
    looks: Mutex<Looks>,
}

#[derive(Debug)]
struct Looks {
    /// What was made use of.
    taken: Content,
    /// What the last look saw.
    seen: Content,
}

impl Mounted {
    /// Watches files from this moment on: it is made before they are read for the first time.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<PathBuf> = paths.into_iter().collect();
        let now = content(&paths);
        Self {
            paths,
            looks: Mutex::new(Looks {
                taken: now,
                seen: now,
            }),
        }
    }

    /// Looks once. True when there is something new that the look before had seen as well.
    pub fn changed(&self) -> bool {
        let now = content(&self.paths);
        let mut looks = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = now == looks.seen;
        looks.seen = now;
        let changed = settled && now != looks.taken;
        if changed {
            looks.taken = now;
        }
        changed
    }

    /// Looks until `end`, and calls `apply` after each change.
    pub async fn follow(&self, end: impl Future<Output = ()>, mut apply: impl FnMut()) {
        let mut end = pin!(end);
        if self.paths.is_empty() {
            return end.await;
        }
        loop {
            tokio::select! {
                () = &mut end => return,
                () = tokio::time::sleep(LOOK_PAUSE) => {}
            }
            if self.changed() {
                apply();
            }
        }
    }
}

/// A file that cannot be read is a content of its own.
fn content(paths: &[PathBuf]) -> Content {
    let mut hash = Sha256::new();
    for path in paths {
        match std::fs::read(path) {
            Ok(bytes) => {
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                hash.update(length.to_be_bytes());
                hash.update(bytes);
            }
            Err(_) => hash.update(u64::MAX.to_be_bytes()),
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::Mounted;
    use crate::testing::Mount;

    const NAMES: [&str; 2] = ["one", "other"];

    fn hold(mount: &Mount, contents: [&str; 2]) {
        let files: Vec<_> = NAMES.into_iter().zip(contents).collect();
        mount.exchange(&files).expect("exchanged");
    }

    fn begin() -> (Mount, Mounted) {
        let mount = Mount::new(&[(NAMES[0], "a"), (NAMES[1], "b")]).expect("a mount");
        let mounted = Mounted::new(NAMES.map(|name| mount.path(name)));
        (mount, mounted)
    }

    #[test]
    fn a_turned_link_is_a_change_once_it_was_seen_twice() {
        let (mount, mounted) = begin();
        assert!(!mounted.changed());
        hold(&mount, ["c", "d"]);
        assert!(!mounted.changed(), "a look may fall between two files");
        assert!(mounted.changed());
        assert!(!mounted.changed());
        // The same content in another folder is no change.
        hold(&mount, ["c", "d"]);
        assert!(!mounted.changed() && !mounted.changed());
    }

    #[test]
    fn a_file_that_goes_and_comes_back_is_a_change_each_time() {
        let (mount, mounted) = begin();
        mount.exchange(&[(NAMES[0], "a")]).expect("exchanged");
        assert!(!mounted.changed() && mounted.changed());
        hold(&mount, ["a", "b"]);
        assert!(!mounted.changed() && mounted.changed());
    }

    #[test]
    fn what_is_moved_from_one_file_to_the_next_is_a_change() {
        let (mount, mounted) = begin();
        hold(&mount, ["ab", ""]);
        assert!(!mounted.changed() && mounted.changed());
    }
}
