//! Work on two threads: what a small machine has, and as many as the memory's bandwidth feeds.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Result, anyhow};

/// Does all jobs, each thread the next one when it has done its last; answers in any order. The
/// longest jobs stand at the front best.
///
/// # Errors
/// The first of a job.
pub(crate) fn share<J: Send, A: Send>(
    jobs: Vec<J>,
    work: impl Fn(J) -> Result<A> + Sync,
) -> Result<Vec<A>> {
    let jobs = Mutex::new(jobs.into_iter());
    let one_after_the_other = || {
        let mut answers = Vec::new();
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
            match next {
                Some(job) => answers.push(work(job)?),
                None => return Ok(answers),
            }
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(one_after_the_other);
        let mut answers = one_after_the_other()?;
        answers.extend(join(other)?);
        Ok(answers)
    })
}

/// What a thread has answered.
///
/// # Errors
/// Its own, and when it panicked.
pub(crate) fn join<T>(handle: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    let panicked = |_| Err(anyhow!("a thread of the judge panicked"));
    handle.join().unwrap_or_else(panicked)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::share;

    #[test]
    fn does_every_job_once() {
        let mut answers = share((0..100).collect(), |job: i32| Ok(job * 2)).expect("done");
        answers.sort_unstable();
        assert_eq!(answers, (0..100).map(|job| job * 2).collect::<Vec<_>>());
    }

    #[test]
    fn a_job_that_fails_fails_all() {
        let outcome = share(
            vec![1, 2, 3],
            |job| if job == 2 { bail!("no") } else { Ok(job) },
        );
        assert!(outcome.is_err());
    }
}
