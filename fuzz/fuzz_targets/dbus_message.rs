//! D-Bus messages: what is read is written and read again to the same, and the reader takes no more memory than its input allows.
#![no_main]

use cap::Cap;
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static HEAP: Cap<std::alloc::System> = Cap::new(std::alloc::System, usize::MAX);

fuzz_target!(|bytes: &[u8]| {
    // Three messages are there at once: the one read, the one written, and that one read again. A buffer may be twice as long as needed.
    HEAP.set_limit(HEAP.allocated() + 8 * bytes.len() + 4096).expect("a higher limit");
    let written = cast_keyring::fuzz::message(bytes);
    HEAP.set_limit(usize::MAX).expect("the highest limit");
    // One that keeps nothing has no fields when it is written, and the client refuses that.
    if let Some(again) = written.as_deref().and_then(cast_keyring::fuzz::message) {
        assert!(written == Some(again), "one form");
    }
});
