//! Mutations of the samples.

use handslag_checker::Invariant::I12;
use proptest::prelude::{any, proptest};
use serde_json::json;

use crate::history::{Blame, Dice, SEEDS, is_blamed, is_right, right, tries};

proptest! {
    #![proptest_config(tries())]

    #[test]
    fn what_exceeds_its_bound_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let (field, bound) = dice.pick(&[
            ("resident_bytes", Some("memory_bytes_most")),
            ("sockets", Some("sockets_most")),
            ("outbox_age_ms", Some("outbox_age_ms_most")),
            ("in_transaction", None),
        ]);
        let most = bound.and_then(|bound| history.run[bound].as_u64()).unwrap_or(0);
        let samples = history.lines("samples.jsonl");
        let index = dice.below(samples.len());
        samples[index][field] = json!(most);
        is_right(&history)?;
        history.lines("samples.jsonl")[index][field] = json!(most + 1);
        is_blamed(&history, &Blame { of: &[I12], with: &[], naming: None })?;
    }

    #[test]
    fn a_connection_left_in_a_transaction_is_found(seed in 0..SEEDS, chance in any::<u64>()) {
        let (mut history, mut dice) = (right(seed), Dice(chance));
        let service = dice.pick(&["registry", "commitments", "notifications", "reporting"]);
        let index = history.rows(service, "_database")[0];
        history.row(service, index)["connections_in_transaction"] = json!(1);
        is_blamed(&history, &Blame { of: &[I12], with: &[], naming: Some(service.to_owned()) })?;
    }
}
