//! Three times more calls than can be answered: as many as can be are, the rest is told so at once.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::benches::calls::{Clients, Desk, RelayIs, warm_up};
use crate::figure::{Aim, Figure};
use crate::generator::{self, Outcome, calls_in};
use crate::scale::Scale;
use crate::stage::Stage;

/// Callers that find out what the service can do: as many calls as a replica takes at once, less
/// some.
const CALLERS: usize = 64;
/// The load, in capacities.
const LOAD: f64 = 3.0;
/// Calls that a replica has under way at most, by its defaults: they fill up before one is refused.
const PLACES: f64 = 256.0;
/// A load under which nobody waits, in capacities.
const CALM: f64 = 0.2;
/// Time in which things must be as before.
const RECOVERY: Duration = Duration::from_secs(10);
/// Stretch of time that is judged at once while things become as before.
const WINDOW: Duration = Duration::from_millis(500);
/// As before: within twice the time of before, and a few milliseconds that no caller notices.
const FACTOR: f64 = 2.0;
const SLACK_MS: f64 = 5.0;

pub(crate) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let desk = Desk::open(stage, "overload", scale.organisations, RelayIs::Running).await?;
    warm_up(&desk.clients, scale.warm_up).await;
    let mut measured = Measured::default();
    for _ in 0..scale.pairs {
        measured.round(&desk.clients, scale).await?;
    }
    desk.close().await?;
    Ok(measured.figures())
}

/// What the rounds showed, quantity by quantity.
#[derive(Default)]
struct Measured {
    goodput: Vec<(f64, f64)>,
    refusals: Vec<(f64, f64)>,
    recovery: Vec<(f64, f64)>,
    refused_share: f64,
}

impl Measured {
    /// Calm, peak, overload, calm again.
    async fn round(&mut self, clients: &Clients, scale: &Scale) -> anyhow::Result<()> {
        let peak = peak(clients, scale.phase).await?;
        let calm = load(clients, peak * CALM, scale.phase).await.whole()?;
        // Long enough that most of it finds every place taken.
        let full_after = Duration::from_secs_f64(PLACES / (peak * (LOAD - 1.0)));
        let siege = load(clients, peak * LOAD, scale.siege.max(4 * full_after)).await;
        siege.sound()?;
        let began = Instant::now();
        let as_before = calm.percentile_ms(0.99) * FACTOR + SLACK_MS;
        let recovered = loop {
            let window = load(clients, peak * CALM, WINDOW).await;
            if window.refused() == 0 && window.percentile_ms(0.99) <= as_before {
                break began.elapsed().saturating_sub(WINDOW);
            }
            ensure!(
                began.elapsed() < 3 * RECOVERY,
                "after {} s it is not as before",
                began.elapsed().as_secs()
            );
        };
        ensure!(
            siege.refused() > 0,
            "nothing was refused: it was no overload"
        );
        self.goodput.push((siege.rate(), peak));
        self.refusals
            .push((siege.refusal_ms(0.99), siege.percentile_ms(0.99)));
        // A moment that is too short to be seen is not nothing.
        let recovered = recovered.as_secs_f64().max(0.001);
        self.recovery.push((recovered, RECOVERY.as_secs_f64()));
        self.refused_share = siege.refused_share();
        Ok(())
    }

    fn figures(self) -> Vec<Figure> {
        let note = format!(
            "open loop at three times the peak; {:.0} % refused",
            self.refused_share * 100.0
        );
        vec![
            Figure {
                bench: "overload",
                numerator: "commands done in a second under three times the load",
                denominator: "commands done in a second by 64 callers who wait: the peak",
                unit: "1/s",
                pairs: self.goodput,
                aim: Aim::AtLeast(0.9),
                note,
            },
            Figure {
                bench: "overload",
                numerator: "RESOURCE_EXHAUSTED, p99",
                denominator: "commands done meanwhile, p99",
                unit: "ms",
                pairs: self.refusals,
                aim: Aim::AtMost(1.0),
                note: "a refusal that comes later than an answer is no early one".to_owned(),
            },
            Figure {
                bench: "overload",
                numerator: "from the end of the load to times as before",
                denominator: "what is allowed",
                unit: "s",
                pairs: self.recovery,
                aim: Aim::AtMost(1.0),
                note: "as before: p99 of half a second within twice that of the calm before"
                    .to_owned(),
            },
        ]
    }
}

async fn peak(clients: &Clients, time: Duration) -> anyhow::Result<f64> {
    let clients = clients.clone();
    let outcome = generator::closed(CALLERS, time, move |caller| {
        let clients = clients.clone();
        async move { clients.update(caller).await }
    });
    Ok(outcome.await.whole()?.rate())
}

async fn load(clients: &Clients, rate: f64, time: Duration) -> Outcome {
    let clients = clients.clone();
    generator::open(rate, calls_in(rate, time), move |number| {
        let clients = clients.clone();
        async move {
            let caller = usize::try_from(number).unwrap_or_default();
            clients.update(caller).await
        }
    })
    .await
}
