//! The process of the registry service.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    handslag_platform::run::<handslag_registry::Registry>()
}
