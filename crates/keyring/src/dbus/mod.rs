//! A D-Bus client, as small as the Secret Service allows: one connection, outgoing calls and their replies, no thread.
//! Promises never to wait past its deadline, whatever the other side does, and to wipe every buffer that a key passed
//! through.
//!
//! Queued calls are written together when the caller waits for the first reply, so two calls cost one round trip.

mod address;
mod message;
mod wire;

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use age::secrecy::zeroize::Zeroizing;
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt};

pub(crate) use address::Address;
#[cfg(feature = "fuzz")]
pub use message::fuzz::message as fuzz_message;
#[cfg(test)]
pub(crate) use message::replies;
pub(crate) use message::{Message, Method};
#[cfg(feature = "fuzz")]
pub use wire::fuzz::wire as fuzz_wire;
pub(crate) use wire::{Malformed, Writer};

use message::{ERROR, FIXED, REPLY, SIGNAL};

/// The bus itself.
const BUS: Method = Method {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
    member: "",
    signature: "",
};
/// The client sends no user ID and lets the bus ask the kernel for it, as sd-bus does: inside a user namespace, cast's
/// own user ID is not the one that the bus sees.
const HANDSHAKE: &[u8] = b"\0AUTH EXTERNAL\r\nDATA\r\n";
/// Ends the handshake. As the specification requires, the client sends it only after the bus's OK. dbus-daemon would
/// accept it earlier, but Flatpak's proxy would not, and it saves almost nothing (1.22 ms instead of 1.24 ms per
/// fetch).
const BEGIN: &[u8] = b"BEGIN\r\n";
/// The longest line of the handshake that the client accepts, in bytes.
const LONGEST_LINE: usize = 1024;
/// The most messages kept for later: replies to queued calls, and the watched signal. More means that the other side
/// misbehaves.
const MOST_KEPT: usize = 32;
/// The initial size of a buffer, in bytes: enough for every message except that of a long key, and cheap for any
/// allocator.
const BUFFER: usize = 2048;
/// How late the client may notice a deadline. This avoids setting the socket's timeout before every read.
const SLACK: Duration = Duration::from_millis(20);

/// Why a call got no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BusError {
    /// There is no bus to connect to; the text is the reason.
    NoBus(String),
    /// No process listens at the addresses any more; the text is what the system said.
    Gone(String),
    /// The bus belongs to another user.
    OtherUser,
    /// The deadline passed.
    Timeout,
    /// The connection ended or broke; the text is the reason.
    Broken(String),
    /// The answer is not valid D-Bus, or does not have the types of this call.
    Malformed,
    /// The service answered with the error of this name.
    Refused(String),
}

impl From<Malformed> for BusError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

type Result<T> = std::result::Result<T, BusError>;

/// A call whose reply was not fetched yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pending(u32);

/// The phase of the conversation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Stage {
    Handshake,
    Unregistered,
    Registered,
}

/// A signal to keep when it arrives: the object's path, the interface and the member.
struct Watch {
    path: String,
    interface: &'static str,
    member: &'static str,
}

impl Watch {
    fn is_met_by(&self, message: &Message) -> bool {
        let of = (message.path.as_str(), message.interface.as_str(), message.member.as_str());
        message.kind == SIGNAL && of == (self.path.as_str(), self.interface, self.member)
    }
}

/// One connection to a message bus. Dropping it ends it.
pub(crate) struct Bus {
    socket: OwnedFd,
    stage: Stage,
    hello: Pending,
    /// The end of every wait. A caller that waits for the user moves it.
    pub(crate) deadline: Instant,
    /// The current read timeout of the socket.
    armed: Option<Duration>,
    serial: u32,
    outbox: Writer,
    inbox: Zeroizing<Vec<u8>>,
    /// The range of the unread bytes in `inbox`.
    unread: std::ops::Range<usize>,
    kept: Vec<Message>,
    watch: Option<Watch>,
}

impl Bus {
    /// Connects to the bus of this session: the one that the environment names, or else the user's own. The variable may
    /// outlive its session, as in tmux or an editor's server; then, too, the user's own bus is taken. A bus that takes the
    /// connection is the one, whatever it does next.
    pub(crate) fn of_this_session(deadline: Instant) -> Result<Self> {
        Self::named_or_own(address::named(), address::own, deadline)
    }

    pub(crate) fn named_or_own(
        named: Option<Vec<Address>>,
        own: impl FnOnce() -> Option<Address>,
        deadline: Instant,
    ) -> Result<Self> {
        let Some(named) = named else {
            let own = own().ok_or_else(|| BusError::NoBus("DBUS_SESSION_BUS_ADDRESS is not set".into()))?;
            return Self::open(&[own], deadline);
        };
        let opened = Self::open(&named, deadline);
        if !matches!(opened, Err(BusError::Gone(_))) {
            return opened;
        }
        match own().filter(|own| !named.contains(own)).map(|own| Self::open(&[own], deadline)) {
            None | Some(Err(BusError::Gone(_))) => {
                Err(BusError::NoBus("DBUS_SESSION_BUS_ADDRESS names a bus that is gone".into()))
            }
            Some(opened) => opened,
        }
    }

    /// Connects to the first address that answers. Sends nothing yet: the handshake goes out with the first calls.
    pub(crate) fn open(addresses: &[Address], deadline: Instant) -> Result<Self> {
        let mut failure = BusError::NoBus("DBUS_SESSION_BUS_ADDRESS names no socket".into());
        for (number, address) in addresses.iter().enumerate() {
            match connect(address, deadline) {
                Ok(socket) if is_of_another_user(&socket) => failure = BusError::OtherUser,
                Ok(socket) => return Ok(Self::on(socket, deadline)),
                // This user may not enter the folder, such as /run/user/1000 after `su`.
                Err(Errno::ACCESS | Errno::PERM) => failure = BusError::OtherUser,
                Err(Errno::AGAIN | Errno::TIMEDOUT) => return Err(BusError::Timeout),
                Err(_) if failure == BusError::OtherUser => {}
                Err(cause @ (Errno::NOENT | Errno::NOTDIR | Errno::CONNREFUSED))
                    if number == 0 || matches!(failure, BusError::Gone(_)) =>
                {
                    failure = BusError::Gone(words(cause));
                }
                Err(cause) => failure = BusError::NoBus(words(cause)),
            }
        }
        Err(failure)
    }

    /// Uses a connected socket.
    pub(crate) fn on(socket: OwnedFd, deadline: Instant) -> Self {
        let mut outbox = Writer::with_capacity(BUFFER);
        outbox.raw(BEGIN);
        let mut bus = Self {
            socket,
            stage: Stage::Handshake,
            hello: Pending(1),
            deadline,
            armed: None,
            serial: 0,
            outbox,
            inbox: Zeroizing::new(vec![0; BUFFER]),
            unread: 0..0,
            kept: Vec::new(),
            watch: None,
        };
        bus.hello = bus.call(&Method { member: "Hello", ..BUS }, |_| ());
        bus
    }

    /// Queues a call. It is sent when the caller waits for a reply, or by `flush`.
    pub(crate) fn call(&mut self, method: &Method, arguments: impl FnOnce(&mut Writer)) -> Pending {
        self.serial += 1;
        message::write_call(&mut self.outbox, self.serial, method, arguments);
        Pending(self.serial)
    }

    /// Makes room for a call with a long argument, so that the outbox does not grow later and leave a copy of the
    /// argument behind.
    pub(crate) fn reserve(&mut self, length: usize) {
        let mut outbox = Writer::with_capacity(self.outbox.as_bytes().len() + length + 1024);
        outbox.raw(self.outbox.as_bytes());
        self.outbox = outbox;
    }

    /// From now on, keeps the next such signal, between whichever calls it arrives. The bus applies this before any
    /// call queued later.
    pub(crate) fn watch(&mut self, path: &str, interface: &'static str, member: &'static str) -> Pending {
        // The path is an object path, so it cannot contain a quote; the other parts are constants.
        let rule = format!("type='signal',path='{path}',interface='{interface}',member='{member}'");
        self.watch = Some(Watch { path: path.to_owned(), interface, member });
        self.call(&Method { member: "AddMatch", signature: "s", ..BUS }, |arguments| arguments.text(&rule))
    }

    /// Waits for the reply to a call.
    pub(crate) fn reply(&mut self, call: Pending) -> Result<Message> {
        let reply = self.wait(|message| is_reply(message) && message.reply_to == call.0)?;
        match reply.kind {
            ERROR => Err(BusError::Refused(name(&reply.error))),
            _ => Ok(reply),
        }
    }

    /// Waits for the watched signal from this sender.
    pub(crate) fn signal(&mut self, sender: &str) -> Result<Message> {
        let Some(watch) = self.watch.take() else { return Err(BusError::Malformed) };
        let signal = self.wait(|message| watch.is_met_by(message) && message.sender == sender);
        self.watch = Some(watch);
        signal
    }

    fn wait(&mut self, wanted: impl Fn(&Message) -> bool) -> Result<Message> {
        self.flush()?;
        if let Some(at) = self.kept.iter().position(&wanted) {
            return Ok(self.kept.swap_remove(at));
        }
        loop {
            let message = self.receive()?;
            if is_reply(&message) && message.reply_to == self.hello.0 {
                if message.kind == ERROR {
                    return Err(BusError::Refused(name(&message.error)));
                }
                self.stage = Stage::Registered;
            } else if wanted(&message) {
                return Ok(message);
            } else if self.is_worth_keeping(&message) {
                if self.kept.len() == MOST_KEPT {
                    return Err(BusError::Malformed);
                }
                self.kept.push(message);
            }
        }
    }

    /// Keeps only replies to this client's calls and the watched signal. A bus carries many other messages.
    fn is_worth_keeping(&self, message: &Message) -> bool {
        let awaited = is_reply(message) && (1..=self.serial).contains(&message.reply_to);
        awaited || self.watch.as_ref().is_some_and(|watch| watch.is_met_by(message))
    }

    /// Writes what is queued.
    pub(crate) fn flush(&mut self) -> Result<()> {
        if self.stage == Stage::Handshake {
            self.shake_hands()?;
        }
        self.send(self.outbox.as_bytes())?;
        self.outbox.wipe();
        Ok(())
    }

    fn shake_hands(&mut self) -> Result<()> {
        self.send(HANDSHAKE)?;
        while self.stage == Stage::Handshake {
            let unread = &self.inbox[self.unread.clone()];
            let Some(end) = unread.windows(2).position(|pair| pair == b"\r\n") else {
                if unread.len() > LONGEST_LINE {
                    return Err(BusError::Malformed);
                }
                self.fill(unread.len() + 1)?;
                continue;
            };
            match unread[..end].split(|&byte| byte == b' ').next() {
                Some(b"OK") => self.stage = Stage::Unregistered,
                Some(b"DATA") => {}
                Some(b"REJECTED") => return Err(BusError::OtherUser),
                _ => return Err(BusError::Malformed),
            }
            self.unread.start += end + 2;
        }
        Ok(())
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        let mut sent = 0;
        let mut flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        while sent < bytes.len() {
            match net::send(&self.socket, &bytes[sent..], flags) {
                Ok(count) => sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    // The bus does not read. Only now is the system call worth it that limits the wait.
                    let left = self.left()?;
                    sockopt::set_socket_timeout(&self.socket, sockopt::Timeout::Send, Some(at_least_a_tick(left)))
                        .map_err(|cause| self.broken(words(cause)))?;
                    flags = SendFlags::NOSIGNAL;
                }
                // A bus that refuses this client reports that before it closes, so the client still reads.
                Err(Errno::PIPE) if self.stage < Stage::Registered => break,
                Err(cause) => return Err(self.broken(words(cause))),
            }
        }
        Ok(())
    }

    /// Returns the next message of any kind.
    fn receive(&mut self) -> Result<Message> {
        loop {
            self.left()?;
            let unread = &self.inbox[self.unread.clone()];
            let size = unread.first_chunk().map_or(Ok(FIXED), Message::size)?;
            if size > FIXED && unread.len() >= size {
                let message = Message::parse(&unread[..size]);
                self.unread.start += size;
                return Ok(message?);
            }
            self.fill(size)?;
        }
    }

    /// Reads at least one more byte; `needed` is the number of bytes that the caller needs.
    fn fill(&mut self, needed: usize) -> Result<()> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.start + needed > self.inbox.len() {
            // Uses a new buffer, so that the old one is wiped: growing in place could leave its bytes behind.
            let mut larger = Zeroizing::new(vec![0; needed.next_multiple_of(BUFFER)]);
            larger[..self.unread.len()].copy_from_slice(&self.inbox[self.unread.clone()]);
            self.unread = 0..self.unread.len();
            self.inbox = larger;
        }
        loop {
            self.arm()?;
            match rustix::io::read(&self.socket, &mut self.inbox[self.unread.end..]) {
                Ok(0) => return Err(self.broken("the connection was closed".into())),
                Ok(count) => {
                    self.unread.end += count;
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.armed = None,
                Err(cause) => return Err(self.broken(words(cause))),
            }
        }
    }

    /// The remaining time, which is never zero.
    fn left(&self) -> Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(BusError::Timeout) } else { Ok(left) }
    }

    /// Sets the socket's read timeout to the remaining time, unless it is close to that already.
    fn arm(&mut self) -> Result<()> {
        let left = self.left()?;
        if self.armed.is_none_or(|armed| armed > left + SLACK) {
            sockopt::set_socket_timeout(&self.socket, sockopt::Timeout::Recv, Some(at_least_a_tick(left)))
                .map_err(|cause| self.broken(words(cause)))?;
            self.armed = Some(left);
        }
        Ok(())
    }

    /// The error for a closed connection. The bus of another user (after `su`, under `sudo`) hangs up without an
    /// answer.
    fn broken(&self, how: String) -> BusError {
        let own = rustix::process::getuid();
        let theirs = || sockopt::socket_peercred(&self.socket).is_ok_and(|peer| peer.uid != own);
        if self.stage < Stage::Registered && theirs() { BusError::OtherUser } else { BusError::Broken(how) }
    }
}

/// Connects before the deadline. Not with `UnixStream`, whose `connect` blocks for ever if the bus has stopped
/// accepting.
fn connect(address: &Address, deadline: Instant) -> rustix::io::Result<OwnedFd> {
    let address = match address {
        Address::Path(path) => SocketAddrUnix::new(path)?,
        Address::Abstract(name) => SocketAddrUnix::new_abstract_name(name)?,
    };
    let socket = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    let left = deadline.saturating_duration_since(Instant::now());
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(at_least_a_tick(left)))?;
    loop {
        match net::connect(&socket, &address) {
            Err(Errno::INTR) if Instant::now() < deadline => {}
            done => return done.map(|()| socket),
        }
    }
}

/// Whether another user than this one and root listens there: that one would get the key.
fn is_of_another_user(socket: &OwnedFd) -> bool {
    let trusted = |peer: net::UCred| peer.uid.is_root() || peer.uid == rustix::process::geteuid();
    !sockopt::socket_peercred(socket).is_ok_and(trusted)
}

/// Zero would mean no timeout.
fn at_least_a_tick(left: Duration) -> Duration {
    left.max(Duration::from_millis(1))
}

fn is_reply(message: &Message) -> bool {
    matches!(message.kind, REPLY | ERROR)
}

/// Returns the name of an error if it has the form of one, because it may be printed on a terminal.
fn name(text: &str) -> String {
    let is_name =
        text.len() < 256 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    if is_name && !text.is_empty() { text.to_owned() } else { "an error without a name".into() }
}

fn words(cause: Errno) -> String {
    let text = std::io::Error::from(cause).to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
