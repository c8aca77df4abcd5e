//! The floor: a program that does nothing but become another one.

use std::os::unix::process::CommandExt;
use std::process::Command;

fn main() {
    let mut words = std::env::args_os().skip(1);
    let program = words.next().expect("a program");
    panic!("{}", Command::new(program).args(words).exec());
}
