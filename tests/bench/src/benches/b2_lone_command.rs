//! B2: one command alone, against one client of pgbench.

use crate::benches::b1_commands;
use crate::benches::calls::{Desk, RelayIs, warm_up};
use crate::figure::{Aim, Figure};
use crate::generator;
use crate::pairs::alternate;
use crate::scale::Scale;
use crate::stage::Stage;

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let desk = Desk::open(stage, "b2", scale.organisations, RelayIs::Held).await?;
    warm_up(&desk, scale.warm_up).await?;
    let script = b1_commands::script(stage, &desk).await?;
    b1_commands::same_work(&desk, &script).await?;
    let pairs = alternate(
        scale.pairs,
        async || {
            let clients = desk.clients.clone();
            let outcome = generator::closed(1, scale.phase, move |caller| {
                let clients = clients.clone();
                async move { clients.update(caller).await }
            });
            Ok(outcome.await.whole()?.percentile_ms(0.5))
        },
        async || script.median_ms(scale.phase).await,
    )
    .await?;
    desk.close().await?;
    Ok(vec![Figure {
        bench: "B2",
        numerator: "UpdateOrganisation by gRPC, one caller, p50",
        denominator: "the same statements in one transaction by pgbench, one client, p50",
        unit: "ms",
        pairs,
        aim: Aim::AtMost(1.25),
        note: "without a relay".to_owned(),
    }])
}
