//! Refusals for want of room, summed up in the log.
//!
//! # Design notes
//! A process that has too much to do refuses thousands of calls in a second, and a line for each
//! would cost more than the refusal itself. The first one opens a sum; a second later one line says
//! how many they were, with one call as an example. The log is one for the process, and so are the
//! sums. How many calls of which method were refused stands in the metrics, call by call.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The whole process is full, or its streams are.
pub(crate) const LOAD_SHED: &str = "LOAD_SHED";
/// One caller calls too often.
pub(crate) const RATE_LIMITED: &str = "RATE_LIMITED";

/// Time that one line sums up.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether refusals for this reason come in masses and are summed up.
pub(super) fn sums(reason: &str) -> bool {
    matches!(reason, LOAD_SHED | RATE_LIMITED)
}

/// Counts a refusal.
pub(crate) fn count(reason: &'static str, method: &str, trace_id: &str) {
    if !SUMS.add(reason, method, trace_id) {
        return;
    }
    let open = Open(reason);
    // Without a runtime, or when it ends before the pause does, the line is written at once.
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            tokio::time::sleep(PAUSE).await;
            drop(open);
        });
    }
}

static SUMS: Sums = Sums(Mutex::new(BTreeMap::new()));

/// The open sums, by reason.
#[derive(Debug)]
struct Sums(Mutex<BTreeMap<&'static str, Sum>>);

/// One sum, with the first of its calls as an example.
#[derive(Debug, PartialEq, Eq)]
struct Sum {
    refused: u64,
    method: String,
    trace_id: String,
}

impl Sums {
    /// Answers whether it is the first of its sum.
    fn add(&self, reason: &'static str, method: &str, trace_id: &str) -> bool {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums.get_mut(reason) {
            sum.refused += 1;
            return false;
        }
        let sum = Sum {
            refused: 1,
            method: method.to_owned(),
            trace_id: trace_id.to_owned(),
        };
        sums.insert(reason, sum);
        true
    }

    fn close(&self, reason: &str) -> Option<Sum> {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.remove(reason)
    }
}

/// A sum that is written when this goes, whatever makes it go.
struct Open(&'static str);

impl Drop for Open {
    fn drop(&mut self) {
        let Self(reason) = self;
        if let Some(sum) = SUMS.close(reason) {
            tracing::info!(
                reason,
                refused = sum.refused,
                method = sum.method,
                trace_id = sum.trace_id,
                "calls were refused for want of room; method and trace are those of the first"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::count;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn of(&self, reason: &str) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let lines = text.lines().filter(|line| line.contains(reason));
            lines.map(str::to_owned).collect()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_refusals_of_one_second_are_one_line_and_the_next_second_has_its_own() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        let _here = tracing::subscriber::set_default(subscriber);
        for _ in 0..1_000 {
            count("A_TEST", "/the/method", "the trace");
        }
        assert!(lines.of("A_TEST").is_empty());
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        count("A_TEST", "/another/method", "another trace");
        let said = lines.of("A_TEST");
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(r#""refused":1000"#), "{said:?}");
        assert!(said[0].contains(r#""trace_id":"the trace""#), "{said:?}");
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let said = lines.of("A_TEST");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[1].contains(r#""refused":1,"#), "{said:?}");
    }
}
