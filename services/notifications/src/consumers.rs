//! What this service does with what the others say.
//!
//! # Design notes
//! Events' own effects come first and the fan-out after them, in the same transaction: a district
//! board's name is known when the sentence about its creation is made.

mod district_board_created;
mod district_board_succeeded;
mod fan_out;

use handslag_platform::messaging::{Consumer, Rejection};
use handslag_proto::events::v1::{DistrictBoardCreated, DistrictBoardSucceeded};

use crate::{bell::Bell, domain::filter::PRODUCERS};

/// One consumer for each producer that can be subscribed to.
pub fn all(bell: &Bell) -> Vec<Consumer> {
    PRODUCERS
        .into_iter()
        .map(|producer| {
            let rope = bell.rope();
            // Effects are kept by type, and a type names its producer: those of another one never
            // come.
            Consumer::of(producer)
                .on::<DistrictBoardCreated, _>(district_board_created::district_board_created)
                .on::<DistrictBoardSucceeded, _>(district_board_succeeded::district_board_succeeded)
                .on_batch(fan_out::FanOut::new(rope.clone()))
                .after_commit(move || rope.let_go())
        })
        .collect()
}

/// What no repetition can heal.
fn poison(error: impl std::error::Error + Send + Sync + 'static) -> Rejection {
    Rejection::Reject(Box::new(error))
}
