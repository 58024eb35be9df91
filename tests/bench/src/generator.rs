//! Load: callers who wait for their answers, and callers who do not.

mod outcome;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

pub(crate) use outcome::{Answer, Outcome};

/// Callers who each make a call, wait for its answer, and make the next: as many answers as the
/// service can give. `call` is told which caller calls.
pub(crate) async fn closed<F, Fut>(callers: usize, time: Duration, call: F) -> Outcome
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let call = Arc::new(call);
    let began = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let call = Arc::clone(&call);
        tasks.spawn(async move {
            let mut outcome = Outcome::new();
            while began.elapsed() < time {
                let asked = Instant::now();
                let answer = call(caller).await;
                outcome.note(answer, asked.elapsed());
            }
            outcome
        });
    }
    let mut whole = Outcome::new();
    while let Some(part) = tasks.join_next().await {
        match part {
            Ok(part) => whole.add(part),
            Err(died) => whole.note(Answer::Failed(died.to_string()), Duration::ZERO),
        }
    }
    whole.ended(began.elapsed());
    whole
}

/// Calls at planned moments, whether or not those before were answered. `call` is told the number
/// of the call, from 0.
pub(crate) async fn open<F, Fut>(rate: f64, calls: u64, call: F) -> Outcome
where
    F: Fn(u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let call = Arc::new(call);
    let began = Instant::now();
    let mut moments = moments(rate, calls);
    let mut tasks = JoinSet::new();
    let mut whole = Outcome::new();
    let note = |whole: &mut Outcome, ended: Result<(Answer, Duration), JoinError>| {
        let died = |error: JoinError| (Answer::Failed(error.to_string()), Duration::ZERO);
        let (answer, time) = ended.unwrap_or_else(died);
        whole.note(answer, time);
    };
    let mut number = 0;
    loop {
        tokio::select! {
            moment = moments.recv() => {
                let Some(moment) = moment else { break };
                let call = Arc::clone(&call);
                tasks.spawn(async move {
                    let answer = call(number).await;
                    (answer, moment.elapsed())
                });
                number += 1;
            }
            Some(ended) = tasks.join_next() => note(&mut whole, ended),
        }
    }
    while let Some(ended) = tasks.join_next().await {
        note(&mut whole, ended);
    }
    // With the answers to the last calls, which are counted too.
    whole.ended(began.elapsed());
    whole
}

/// Moments at an even rate, each when it has come. On a thread of its own: the runtime's timers
/// are a millisecond coarse, which is longer than most calls take.
pub(crate) fn moments(rate: f64, count: u64) -> mpsc::UnboundedReceiver<Instant> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let began = Instant::now();
        for number in 0..count {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a run has far fewer calls than 2^52"
            )]
            let moment = began + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(moment.saturating_duration_since(Instant::now()));
            if sender.send(moment).is_err() {
                return;
            }
        }
    });
    receiver
}

/// How many calls a rate makes in a time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "both are positive and small"
)]
pub(crate) fn calls_in(rate: f64, time: Duration) -> u64 {
    ((rate * time.as_secs_f64()).ceil() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, closed, open};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_standstill_counts_for_every_call_that_was_planned_for_it() {
        let gate = std::sync::Arc::new(tokio::sync::Mutex::new(()));
        // The first call blocks the others for as long as ten of them take to be planned.
        let outcome = open(100.0, 10, move |number| {
            let gate = gate.clone();
            async move {
                let _held = gate.lock().await;
                if number == 0 {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Answer::Done
            }
        })
        .await;
        assert_eq!(outcome.done(), 10);
        // A closed loop would have seen one slow call and nine quick ones.
        assert!(outcome.percentile_ms(0.5) >= 40.0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn callers_of_a_closed_loop_wait_for_their_answers() {
        let time = Duration::from_millis(50);
        let outcome = closed(3, time, |_| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Answer::Done
        })
        .await;
        assert!((3..=9).contains(&outcome.done()), "{}", outcome.done());
        assert!(outcome.rate() > 0.0);
    }
}
