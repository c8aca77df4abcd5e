//! An outer proxy that leads names to addresses of the tests, so that no test needs a name service.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::upstream::Line;

/// The proxy. It notes the heads.
pub struct Lead {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Lead {
    /// Leads every name to one address.
    pub fn new(to: SocketAddr) -> Self {
        Self::by(move |_| to)
    }

    /// Leads each name where `place` says.
    pub fn by(place: impl Fn(&str) -> SocketAddr + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let (all, place) = (heads.clone(), Arc::new(place));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, heads, place) = (stream.unwrap(), all.clone(), place.clone());
                thread::spawn(move || {
                    let mut line = Line::new(stream);
                    let head = line.head();
                    let to = place(head.split([' ', ':']).nth(1).unwrap_or_default());
                    heads.lock().unwrap().push(head);
                    let Ok(to) = TcpStream::connect(to) else { return };
                    line.send("HTTP/1.1 200 OK\r\n\r\n");
                    both_ways(line.stream, to);
                });
            }
        });
        Self { address, heads }
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// Copies both ways, with half-closes.
fn both_ways(one: TcpStream, other: TcpStream) {
    for stream in [&one, &other] {
        stream.set_nodelay(true).unwrap();
    }
    let (mut from, mut to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    let up = thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let (mut from, mut to) = (other, one);
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = up.join();
}
