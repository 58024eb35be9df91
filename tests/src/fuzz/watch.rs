//! Watches the inside of a town: panics, and what is logged as an error.
//!
//! # Design notes
//! The services of a town run in the process of the test, beside those of other tests, and panics
//! and logs belong to a process. A runtime of the town's own tells them apart: its threads have a
//! name, by which the panic hook knows them, and a subscriber of their own.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Most entries kept: the first ones explain the later ones.
const ENTRIES_MOST: usize = 50;

/// What happened inside.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    panics: Entries,
    errors: Entries,
}

#[derive(Clone, Debug, Default)]
struct Entries(Arc<Mutex<Vec<String>>>);

impl Entries {
    fn add(&self, entry: String) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < ENTRIES_MOST {
            entries.push(entry);
        }
    }

    fn read(&self) -> Vec<String> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clone()
    }
}

impl Watch {
    /// A runtime whose threads are watched. What is awaited in its `block_on` itself is not: there
    /// the test stands and asserts.
    pub fn runtime(name: &'static str) -> (Runtime, Self) {
        let watch = Self::default();
        watch_panics(name, watch.panics.clone());
        let errors = Errors(watch.errors.clone());
        let dispatch = Dispatch::new(tracing_subscriber::registry().with(errors));
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .thread_name(name)
            .on_thread_start(move || {
                // For the life of the thread, which nothing else logs on.
                std::mem::forget(tracing::dispatcher::set_default(&dispatch));
            })
            .build()
            .expect("a runtime");
        (runtime, watch)
    }

    /// Where it panicked, and with which words.
    pub fn panics(&self) -> Vec<String> {
        self.panics.read()
    }

    /// What was logged as an error.
    pub fn errors(&self) -> Vec<String> {
        self.errors.read()
    }
}

fn watch_panics(name: &'static str, panics: Entries) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() == Some(name) {
            panics.add(panic.to_string());
        }
        before(panic);
    }));
}

struct Errors(Entries);

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        // lapin calls each end of a connection an error, and so is it filtered in production.
        if *metadata.level() == Level::ERROR && !metadata.target().starts_with("lapin") {
            let mut line = Line(metadata.target().to_owned());
            event.record(&mut line);
            self.0.add(line.0);
        }
    }
}

/// An event as one line.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _never_fails = write!(self.0, " {field}={value:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::Watch;

    #[test]
    fn panics_and_errors_of_the_runtime_are_seen_and_no_others() {
        let (runtime, watch) = Watch::runtime("watched");
        let (_other, unwatched) = Watch::runtime("unwatched");
        runtime.block_on(async {
            let panicked = tokio::spawn(async { panic!("as wanted") }).await;
            assert!(panicked.is_err());
            let blocking = tokio::task::spawn_blocking(|| panic!("in the pool")).await;
            assert!(blocking.is_err());
            let logged = tokio::spawn(async {
                tracing::error!(number = 7, "wrong");
                tracing::warn!("odd");
                tracing::error!(target: "lapin::channel", "closed");
            });
            logged.await.expect("logged");
            tracing::error!("of the test itself");
        });
        let panics = watch.panics();
        assert_eq!(panics.len(), 2, "{panics:?}");
        assert!(panics[0].contains("as wanted"));
        let errors = watch.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].contains("message=wrong") && errors[0].contains("number=7"));
        assert!(unwatched.panics().is_empty() && unwatched.errors().is_empty());
    }
}
