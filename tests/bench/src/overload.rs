//! Three times more calls than can be answered: as many as can be are, the rest is told so at once.

use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::benches::calls::{Clients, Desk, RelayIs, warm_up};
use crate::figure::{Aim, Figure};
use crate::generator::{self, Outcome, calls_in};
use crate::scale::Scale;
use crate::stage::Stage;

/// Places for calls for each of the callers that find out what the service can do: enough callers to
/// keep it busy, few enough that none is refused.
const PLACES_PER_CALLER: usize = 4;
/// The load, in capacities.
const LOAD: f64 = 3.0;
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
    let (organisations, relay) = (scale.organisations, RelayIs::Running);
    let desk = Desk::open_with(stage, "overload", organisations, relay, |config| {
        config.limits.max_calls = scale.places;
    });
    let desk = desk.await?;
    warm_up(&desk, scale.warm_up).await?;
    let mut measured = Measured::default();
    for _ in 0..scale.pairs {
        // The generator runs where its callers do.
        let (clients, scale) = (desk.clients.clone(), scale.clone());
        let round = async move { measured.round(&clients, &scale).await.map(|()| measured) };
        measured = stage.outside().callers.spawn(round).await??;
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
        let callers = (scale.places / PLACES_PER_CALLER).max(1);
        let peak = peak(clients, callers, scale.phase).await?;
        let calm = load(clients, peak * CALM, scale.phase).await.whole()?;
        // Places fill up before a call is refused; most of the load shall find them taken.
        let places = f64::from(u32::try_from(scale.places)?);
        let full_after = Duration::from_secs_f64(places / (peak * (LOAD - 1.0)));
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
                denominator: "commands done in a second by callers who wait, a quarter of the places: the peak",
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

async fn peak(clients: &Clients, callers: usize, time: Duration) -> anyhow::Result<f64> {
    let clients = clients.clone();
    let outcome = generator::closed(callers, time, move |caller| {
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
