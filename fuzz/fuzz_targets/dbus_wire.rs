//! D-Bus values: types, a NUL, and bytes to be read as these. What is read is written again to the same bytes, what can be read can be
//! skipped, and the reader takes no more memory than its input allows.
#![no_main]

use cap::Cap;
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static HEAP: Cap<std::alloc::System> = Cap::new(std::alloc::System, usize::MAX);

fuzz_target!(|data: &[u8]| {
    let Some(end) = data.iter().position(|byte| *byte == 0) else { return };
    let Ok(types) = std::str::from_utf8(&data[..end]) else { return };
    let bytes = &data[end + 1..];
    // An object path has at least 6 bytes and takes 16 in a list, which may be twice as long as it needs and is copied when it grows.
    HEAP.set_limit(HEAP.allocated() + 16 * bytes.len() + 1024).expect("a higher limit");
    let copied = cast_keyring::fuzz::wire(types, bytes);
    HEAP.set_limit(usize::MAX).expect("the highest limit");
    if let Some((read, written)) = copied {
        assert!(written == bytes[..read], "what is read is written again to the same");
    }
});
