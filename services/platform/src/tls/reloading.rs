//! Something that is made of mounted files, and made anew when they change.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use time::OffsetDateTime;

use crate::files::Mounted;

/// What was made, and when the certificate in it ends to be valid, if there is one.
pub(super) type Fresh<T> = (T, Option<OffsetDateTime>);

/// What an operator sees of certificates: how long the one in use is valid, and whether newer files
/// were refused.
#[derive(Debug)]
pub struct State {
    expires: AtomicI64,
    refused: AtomicBool,
}

/// No certificate of our own.
const NONE: i64 = i64::MAX;

impl State {
    /// When the certificate in use ends to be valid, in seconds since 1970; nothing without one.
    #[must_use]
    pub fn expires(&self) -> Option<i64> {
        Some(self.expires.load(Ordering::Relaxed)).filter(|seconds| *seconds != NONE)
    }

    /// Whether the files hold something that cannot be used, so that the former is still in use.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

pub(super) struct Reloading<T> {
    what: &'static str,
    files: Mounted,
    make: Box<dyn Fn() -> anyhow::Result<Fresh<T>> + Send + Sync>,
    current: RwLock<Arc<T>>,
    state: Arc<State>,
}

impl<T> Reloading<T> {
    /// Makes it for the first time.
    ///
    /// # Errors
    /// `make`'s.
    pub(super) fn new(
        what: &'static str,
        files: impl IntoIterator<Item = PathBuf>,
        make: impl Fn() -> anyhow::Result<Fresh<T>> + Send + Sync + 'static,
    ) -> anyhow::Result<Self> {
        let files = Mounted::new(files);
        let (first, expires) = make()?;
        let state = State {
            expires: AtomicI64::new(seconds(expires)),
            refused: AtomicBool::new(false),
        };
        Ok(Self {
            what,
            files,
            make: Box::new(make),
            current: RwLock::new(Arc::new(first)),
            state: Arc::new(state),
        })
    }

    /// What is in use now.
    pub(super) fn current(&self) -> Arc<T> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// What an operator sees.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state)
    }

    /// Makes it anew each time that the files change, until `end`.
    pub(super) async fn follow(&self, end: impl Future<Output = ()>) {
        self.files.follow(end, || self.renew()).await;
    }

    fn renew(&self) {
        match (self.make)() {
            Ok((fresh, expires)) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(fresh);
                drop(current);
                let expires = seconds(expires);
                self.state.expires.store(expires, Ordering::Relaxed);
                self.state.refused.store(false, Ordering::Relaxed);
                tracing::info!(what = self.what, expires, "the files were taken over");
            }
            Err(error) => {
                self.state.refused.store(true, Ordering::Relaxed);
                tracing::warn!(
                    what = self.what,
                    error = format!("{error:#}"),
                    "the changed files cannot be used; what they held before stays in use"
                );
            }
        }
    }
}

impl<T> fmt::Debug for Reloading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloading")
            .field("what", &self.what)
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

fn seconds(expires: Option<OffsetDateTime>) -> i64 {
    expires.map_or(NONE, OffsetDateTime::unix_timestamp)
}
