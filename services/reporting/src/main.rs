//! The reporting service as a process.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    handslag_platform::run::<handslag_reporting::Reporting>()
}
