//! Every bench at its smallest. What is checked is that both sides of each ratio did something and
//! told a number; how large it is depends on the machine and is no test's business.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "in tests an unwrap is the assertion, in their helpers too"
)]

use handslag_bench::{Bench, Scale, Stage};
use tokio::sync::Mutex;

/// One at a time: two that measure at once spoil each other's figures, and their patience.
static ALONE: Mutex<()> = Mutex::const_new(());

async fn tells(bench: Bench, figures: usize) {
    let _alone = ALONE.lock().await;
    let stage = Stage::shared().await.expect("servers for tests");
    let scale = Scale::tiny();
    let told = match handslag_bench::run(bench, &stage, &scale).await {
        Ok(told) => told,
        Err(error) => panic!("{bench:?}: {error:#}"),
    };
    assert_eq!(told.len(), figures, "{bench:?}");
    for figure in &told {
        assert!(!figure.pairs.is_empty(), "{}", figure.numerator);
        for (above, below) in &figure.pairs {
            let positive = |value: &f64| value.is_finite() && *value > 0.0;
            assert!(positive(above) && positive(below), "{figure:?}");
        }
        assert!(figure.ratio().is_finite(), "{figure:?}");
    }
}

macro_rules! tells {
    ($($name:ident: $bench:ident => $figures:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            tells(Bench::$bench, $figures).await;
        }
    )*};
}

tells! {
    b1_tells_committed_commands: B1 => 2;
    b2_tells_the_time_of_a_lone_command: B2 => 1;
    b3_tells_look_ups: B3 => 1;
    b4_tells_the_drain_of_a_log: B4 => 1;
    b5_tells_the_flow_into_a_read_model: B5 => 1;
    b6_tells_the_way_to_a_stream: B6 => 2;
    b7_tells_how_times_grow: B7 => 6;
    b8_tells_what_a_long_transaction_costs: B8 => 1;
    b9_tells_a_rebuild: B9 => 1;
    the_overload_is_told: Overload => 3;
    the_hostile_peers_are_told: Hostile => 18;
}
