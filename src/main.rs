//! The `cast` binary: everything is in the library.

use std::process::ExitCode;

/// Wipes every block of heap memory when it is freed, also those of the crates that handle plaintext.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    cast::cli::main()
}
