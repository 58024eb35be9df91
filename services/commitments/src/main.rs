//! The commitments service as a process of its own.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    handslag_platform::run::<handslag_commitments::Commitments>()
}
