//! To be written.
mod proxy;
fn main() {}
