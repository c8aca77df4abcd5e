//! Linux and macOS. Only Linux can keep debuggers out.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Once};

pub(super) fn may_grow_to(length: u64) -> bool {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current.is_none_or(|limit| length <= limit)
}

pub(super) fn survive_file_size_limit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    });
}

pub(super) fn hide_from_debuggers() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
