//! The `cast` binary: everything is in the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: cast::Heap = cast::HEAP;

fn main() -> ExitCode {
    cast::cli::main()
}
