//! Counts the copies of a value in the heap between its decryption and `execve`: one in the plaintext that age wrote,
//! and two more. An allocator counts them by searching each large block repeatedly.

#![allow(unsafe_code)] // an allocator

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use cast_core::brokered::Brokering;
use cast_core::change::Missing;
use cast_core::key_store::{KeyPlace, Nobody, PATIENCE};
use cast_core::paths::Places;
use cast_core::run::{self, Request};
use cast_core::session::Session;
use cast_core::verbs::{init::Init, set::Set};
use cast_vault::{AgentName, SecretName, SecretValue};

const LENGTH: usize = 64 << 10;
const MARK: &[u8] = b"MARK-OF-THE-ONE-VALUE-THAT-IS-COUNTED";

struct Counting;

static ARMED: AtomicBool = AtomicBool::new(false);
/// The large blocks; those in use have an address.
static BLOCKS: Mutex<[Block; 256]> = Mutex::new([Block { address: 0, length: 0, held_it: false }; 256]);

#[derive(Clone, Copy)]
struct Block {
    /// 0 if the block was freed or never used.
    address: usize,
    length: usize,
    /// Whether the block contained the value.
    held_it: bool,
}

// SAFETY: every request goes unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        look();
        // SAFETY: the caller's promise is passed on.
        let block = unsafe { System.alloc(layout) };
        if layout.size() >= LENGTH && ARMED.load(Ordering::SeqCst) {
            let mut blocks = BLOCKS.lock().unwrap();
            let free = blocks.iter_mut().find(|block| block.length == 0).expect("room for every large block");
            *free = Block { address: block as usize, length: layout.size(), held_it: false };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        look();
        if layout.size() >= LENGTH {
            let mut blocks = BLOCKS.lock().unwrap();
            if let Some(freed) = blocks.iter_mut().find(|known| known.address == block as usize) {
                freed.address = 0;
            }
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(block, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Searches every large block at each call of the allocator, so that it sees a value before the block is wiped and
/// freed.
fn look() {
    if !ARMED.load(Ordering::SeqCst) {
        return;
    }
    for block in BLOCKS.lock().unwrap().iter_mut().filter(|block| block.address != 0 && !block.held_it) {
        // SAFETY: the block is in use, and this test has one thread.
        block.held_it =
            holds_the_value(unsafe { std::slice::from_raw_parts(block.address as *const u8, block.length) });
    }
}

fn holds_the_value(block: &[u8]) -> bool {
    // The value fills most of any block that contains it.
    let beginning = &block[..block.len().min(4096)];
    let start = beginning.windows(MARK.len()).position(|bytes| bytes == MARK);
    let value = start.and_then(|start| block.get(start + MARK.len()..start + LENGTH));
    value.is_some_and(|rest| rest.iter().all(|byte| *byte == b'x'))
}

#[test]
fn a_value_is_copied_twice_between_decryption_and_execve() {
    let home = tempfile::tempdir().unwrap();
    let session = || Session::new(Places::under(home.path()), Box::new(Nobody { patience: PATIENCE }));
    let agent = AgentName::parse("my-agent").unwrap();
    session().perform(Init { place: Some(KeyPlace::File) }).unwrap();
    let mut text = String::from_utf8(MARK.to_vec()).unwrap();
    text += &"x".repeat(LENGTH - MARK.len());
    let value = SecretValue::from_text(text).unwrap();
    let name = SecretName::parse("LARGE").unwrap();
    let set = Set {
        agent: &agent,
        name,
        value: Some(value),
        dangerous: false,
        unmasked: None,
        brokering: Brokering::default(),
        missing: Missing::Create,
    };
    session().perform(set).unwrap();

    let session = session();
    let request = Request { command: Some(("true".into(), Vec::new())), masking: Some(false), ..Request::default() };
    ARMED.store(true, Ordering::SeqCst);
    let prepared = run::prepare(&session, &agent, request).unwrap();
    let copies = prepared.run_by(&session, |_| {
        // Ready for execve.
        look();
        ARMED.store(false, Ordering::SeqCst);
        Ok(BLOCKS.lock().unwrap().iter().filter(|block| block.held_it).count())
    });
    assert_eq!(copies.unwrap().0, 1 + 2, "the plaintext, and two copies");
}
