//! The heap. Every block is wiped when it is freed, also those of the crates that handle plaintext.

use zeroizing_alloc::ZeroAlloc;

/// musl's own allocator maps and unmaps single pages, 180 system calls in a short run; this one keeps what it has.
#[cfg(target_os = "linux")]
use dlmalloc::GlobalDlmalloc as Inner;
#[cfg(not(target_os = "linux"))]
use std::alloc::System as Inner;

/// The allocator of the binary.
pub type Heap = ZeroAlloc<Inner>;

/// For `#[global_allocator]`.
pub const HEAP: Heap = ZeroAlloc(Inner);
