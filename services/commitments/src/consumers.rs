//! What the registry's events mean here: who the parties are, what an agreement holds, which boards
//! there are.
//!
//! # Design notes
//! The consumer loop sees to it that each event is applied once and in the order of its aggregate.
//! Each write is an upsert all the same, so that the projections can be rebuilt from the registry's
//! log where they stand.

pub mod agreement_adopted;
pub mod agreement_drafted;
pub mod area_created;
pub mod district_board_created;
pub mod district_board_succeeded;
pub mod party_created;

use handslag_platform::messaging::{Consumer, Rejection};
use handslag_proto::events::v1 as events;

use crate::domain::names::Name;

/// Listens to the registry.
#[must_use]
pub fn of_registry() -> Consumer {
    Consumer::of("registry")
        .on::<events::AreaCreated, _>(area_created::area_created)
        .on::<events::PartyCreated, _>(party_created::party_created)
        .on::<events::AgreementDrafted, _>(agreement_drafted::agreement_drafted)
        .on::<events::AgreementAdopted, _>(agreement_adopted::agreement_adopted)
        .on::<events::DistrictBoardCreated, _>(district_board_created::district_board_created)
        .on::<events::DistrictBoardSucceeded, _>(district_board_succeeded::district_board_succeeded)
}

/// A message that no repetition will make right.
fn reject(reason: impl Into<String>) -> Rejection {
    Rejection::Reject(reason.into().into())
}

fn named<T: Name>(text: &str) -> Result<T, Rejection> {
    T::from_name(text).ok_or_else(|| reject(format!("{text:?} does not look like {}", T::SHAPE)))
}

fn all_named<'a, T: Name>(
    texts: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<T>, Rejection> {
    texts.into_iter().map(|text| named(text)).collect()
}
