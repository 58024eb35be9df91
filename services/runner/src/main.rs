//! The command line `handslag`.

fn main() -> std::process::ExitCode {
    handslag_runner::main()
}
