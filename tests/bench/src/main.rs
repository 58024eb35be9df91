//! `cargo dev bench [name…]`.

use std::process::ExitCode;

fn main() -> ExitCode {
    handslag_bench::main()
}
