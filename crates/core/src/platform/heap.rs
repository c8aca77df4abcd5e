//! The heap. The allocator wipes every block when it is freed, also the blocks of other crates that handle plaintext.

use zeroizing_alloc::ZeroAlloc;

/// musl's own allocator maps and unmaps single pages: 180 system calls in a short run. This one keeps its pages.
#[cfg(target_os = "linux")]
use dlmalloc::GlobalDlmalloc as Inner;
#[cfg(not(target_os = "linux"))]
use std::alloc::System as Inner;

/// The allocator of the binary.
pub type Heap = ZeroAlloc<Inner>;

/// For `#[global_allocator]`.
pub const HEAP: Heap = ZeroAlloc(Inner);
