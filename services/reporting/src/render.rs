//! Sets a section as a document.

pub mod html;
pub mod pdf;
#[cfg(test)]
pub(crate) mod sample;
pub mod view;
