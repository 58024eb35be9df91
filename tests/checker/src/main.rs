//! The judge's command line.

fn main() {}
