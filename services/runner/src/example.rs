//! Example data that says so: organisations, commitments, a plan and accounts that never were.
//!
//! # Design notes
//! The sources do not contain the commitments, and they do not say who the sixty were. To let lists, look-ups and
//! curves live all the same, these steps enter inventions whose names begin with *Exempel* and whose resources carry
//! the mark `example`. Dates are fixed, so that the same steps are the same commands at every start.

mod organisations;
mod plan;
mod promises;

use serde_json::Value;

use crate::import::Step;

/// Every step of the example, in order. They stand on the steps of the record.
pub fn steps() -> Vec<Step> {
    let mut steps = Vec::new();
    organisations::steps(&mut steps);
    promises::steps(&mut steps);
    plan::steps(&mut steps);
    plan::follow_up(&mut steps);
    steps
}

fn step(key: &str, call: &str, caller: &str, request: Value) -> Step {
    Step {
        key: key.to_owned(),
        call: call.to_owned(),
        caller: caller.to_owned(),
        request,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::steps;

    #[test]
    fn every_key_is_its_own_and_every_reference_stands_before_its_use() {
        let record = crate::import::Script::record().expect("the record parses");
        let mut known: BTreeSet<String> =
            record.steps.iter().map(|step| step.key.clone()).collect();
        for step in steps() {
            for reference in crate::import::references(&step.request) {
                assert!(known.contains(&reference), "{} uses {reference}", step.key);
            }
            assert!(known.insert(step.key.clone()), "{} stands twice", step.key);
        }
    }

    #[test]
    fn organisations_and_promises_say_that_they_are_examples() {
        for step in steps() {
            for field in ["displayName", "text"] {
                if let Some(text) = step.request[field].as_str() {
                    assert!(text.starts_with("Exempel"), "{text}");
                    assert_eq!(step.request["example"], true, "{text}");
                }
            }
        }
    }
}
