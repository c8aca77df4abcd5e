//! A pair of sockets between CMD and one socket that is its standard input and its output, as inetd and socat give it:
//! CMD may write to any of these descriptors.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::stdio::stdin;

use super::Wire;
use super::channel::{Channel, Ends, Stream, Streams};
use super::input::Input;
use super::pump::{EndPolicy, Source};

pub(super) struct Pair(Option<Wire>);

impl Pair {
    pub(super) fn new(wire: Wire) -> Self {
        Self(Some(wire))
    }
}

impl Channel for Pair {
    fn connect(&mut self, ends: &mut Ends) -> io::Result<Streams> {
        let Wire { carries, filter, idle } = self.0.take().ok_or(io::ErrorKind::NotConnected)?;
        // macOS knows no flag for close-on-exec here.
        let (ours, end) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::empty(), None)?;
        for socket in [&ours, &end] {
            rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::CLOEXEC)?;
        }
        let ours: Arc<OwnedFd> = Arc::new(ours);
        let input = Input::of_socket(stdin().try_clone_to_owned()?, ours.clone());
        ends.input = Some(end.try_clone()?);
        ends.put(carries, end)?;
        let source = Source::of_socket(ours)?;
        Ok(Streams { output: Stream { carries, source, filter, idle, end: EndPolicy::HandOver }, input: Some(input) })
    }
}
