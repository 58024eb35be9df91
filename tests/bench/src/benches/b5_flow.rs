//! B5: from commit to read model, against messages that pass through the broker and do nothing.

use crate::benches::b4_drain;
use crate::benches::read_model::Hearing;
use crate::figure::{Aim, Figure};
use crate::pairs::alternate;
use crate::peers::broker;
use crate::scale::Scale;
use crate::stage::Stage;

pub(super) async fn run(stage: &Stage, scale: &Scale) -> anyhow::Result<Vec<Figure>> {
    let bed = b4_drain::Bed::open(stage, "b5-peer").await?;
    let messages = bed.sample(scale.flowed).await?;
    let peer_url = bed.amqp_url.clone();
    bed.close().await?;
    let mut hearing = Hearing::open(stage, "b5").await?;
    let events = scale.flowed.unsigned_abs();
    let pairs = alternate(
        scale.pairs,
        async || hearing.flow(events).await,
        async || broker::flow(&peer_url, &messages).await,
    )
    .await?;
    hearing.close().await?;
    Ok(vec![Figure {
        bench: "B5",
        numerator: "events from the log through relay, broker and inbox into reporting's tables",
        denominator: "the same messages published, confirmed, consumed and acknowledged by lapin",
        unit: "1/s",
        pairs,
        aim: Aim::AtLeast(0.70),
        note: format!("{events} registrations of organisations at once"),
    }])
}
