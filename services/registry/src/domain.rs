//! The rules of the registry, pure: time and new ids are arguments, and nothing here knows of a
//! database or a wire.

pub mod name;
pub mod text;
pub mod word;

pub mod area;
pub mod board;
pub mod district_board;
pub mod party;

pub mod agreement;
pub mod proceeding;
pub mod term;

pub mod figure;
pub mod proposal;

pub mod organisation;
pub mod organisation_number;
pub mod signatory;
