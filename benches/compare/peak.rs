//! `peak FILE CMD ...`: runs CMD, and writes the peak RSS of it and of those that it waited for, in kB, to FILE. A
//! process begins with the peak of what started it: this program is small, and the script, which is not, starts it.

use std::process::Command;

unsafe extern "C" {
    /// The fifth word of `struct rusage` is `ru_maxrss`; musl has room for 34.
    fn wait4(pid: i32, status: *mut i32, options: i32, usage: *mut [i64; 34]) -> i32;
}

fn main() {
    let mut words = std::env::args_os().skip(1);
    let file = words.next().expect("a file");
    let child = Command::new(words.next().expect("a program")).args(words).spawn().expect("it starts");
    let (mut status, mut usage) = (0, [0; 34]);
    // SAFETY: both are valid for writes, and the process is a child that nothing else waits for.
    let ended = unsafe { wait4(child.id() as i32, &mut status, 0, &mut usage) };
    assert!(ended > 0 && status == 0, "it failed");
    std::fs::write(file, usage[4].to_string()).expect("the file is written");
}
