//! D-Bus messages (D-Bus Specification, "Message Format"): outgoing calls, incoming replies and signals. Promises that
//! a message is at most `LONGEST` bytes long, and that its body is read only as the types it was sent with.

#[cfg(feature = "fuzz")]
pub(super) mod fuzz;

use age::secrecy::zeroize::Zeroizing;

use super::wire::{Malformed, Reader, Writer};

/// The longest message that cast accepts, in bytes. Keys take a few kB; a list of search results is far shorter.
pub(super) const LONGEST: usize = 1 << 20;
/// The length in bytes of the header part that contains the length of the message.
pub(super) const FIXED: usize = 16;

const CALL: u8 = 1;
pub(super) const REPLY: u8 = 2;
pub(super) const ERROR: u8 = 3;
pub(super) const SIGNAL: u8 = 4;

// The codes of the header fields.
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

/// A method of an object, and the types of its arguments.
#[derive(Clone, Copy)]
pub(crate) struct Method<'a> {
    pub(crate) destination: &'a str,
    pub(crate) path: &'a str,
    pub(crate) interface: &'a str,
    pub(crate) member: &'a str,
    pub(crate) signature: &'a str,
}

/// Appends one method call.
pub(super) fn write_call(writer: &mut Writer, serial: u32, method: &Method, arguments: impl FnOnce(&mut Writer)) {
    let fields = [
        (PATH, "o", method.path),
        (DESTINATION, "s", method.destination),
        (INTERFACE, "s", method.interface),
        (MEMBER, "s", method.member),
    ];
    write(writer, CALL, serial, None, &fields, method.signature, arguments);
}

fn write(
    writer: &mut Writer,
    kind: u8,
    serial: u32,
    reply_to: Option<u32>,
    fields: &[(u8, &str, &str)],
    signature: &str,
    body: impl FnOnce(&mut Writer),
) {
    writer.begin();
    writer.raw(&[b'l', kind, 0, 1]);
    let length = writer.position();
    writer.number(0);
    writer.number(serial);
    writer.array(8, |writer| {
        for (code, types, text) in fields {
            writer.align(8);
            writer.raw(&[*code]);
            writer.signature(types);
            writer.text(text);
        }
        if let Some(serial) = reply_to {
            writer.align(8);
            writer.raw(&[REPLY_SERIAL]);
            writer.signature("u");
            writer.number(serial);
        }
        if !signature.is_empty() {
            writer.align(8);
            writer.raw(&[SIGNATURE]);
            writer.signature("g");
            writer.signature(signature);
        }
    });
    writer.align(8);
    let start = writer.position();
    body(writer);
    writer.set_length(length, start);
}

/// A received message. Its body is wiped on drop.
pub(crate) struct Message {
    pub(super) kind: u8,
    pub(super) reply_to: u32,
    pub(super) path: String,
    pub(super) interface: String,
    pub(super) member: String,
    pub(super) error: String,
    pub(super) sender: String,
    signature: String,
    body: Zeroizing<Vec<u8>>,
    big_endian: bool,
}

impl Message {
    /// The length in bytes of the message that begins with these `FIXED` bytes.
    pub(super) fn size(prefix: &[u8; FIXED]) -> Result<usize, Malformed> {
        let big_endian = big_endian(prefix[0])?;
        let length = |at: usize| Reader::new(&prefix[at..at + 4], big_endian).number().map(|length| length as usize);
        // Every kind of message has fields. Each length is checked before the addition, so the sum cannot overflow.
        let (body, fields) = (length(4)?, length(12)?);
        if fields == 0 || body > LONGEST || fields > LONGEST {
            return Err(Malformed);
        }
        let size = (FIXED + fields).next_multiple_of(8) + body;
        if size > LONGEST { Err(Malformed) } else { Ok(size) }
    }

    /// Parses one whole message.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut header = Reader::new(bytes, big_endian(*bytes.first().ok_or(Malformed)?)?);
        header.byte()?;
        let kind = header.byte()?;
        let _flags = header.byte()?;
        if header.byte()? != 1 {
            return Err(Malformed); // no other version of the protocol exists
        }
        let body = header.number()? as usize;
        if header.number()? == 0 {
            return Err(Malformed); // a serial is never 0
        }
        let mut message = Self {
            kind,
            reply_to: 0,
            path: String::new(),
            interface: String::new(),
            member: String::new(),
            error: String::new(),
            sender: String::new(),
            signature: String::new(),
            body: Zeroizing::default(),
            big_endian: bytes[0] == b'B',
        };
        let mut fields = header.array(8)?;
        while !fields.at_end() {
            fields.align(8)?;
            message.read_field(&mut fields)?;
        }
        header.align(8)?;
        // The rest must be exactly the body.
        let start = bytes.len().checked_sub(body).ok_or(Malformed)?;
        if !header.is_at(start) {
            return Err(Malformed);
        }
        message.body = Zeroizing::new(bytes[start..].to_vec());
        Ok(message)
    }

    fn read_field(&mut self, fields: &mut Reader) -> Result<(), Malformed> {
        let code = fields.byte()?;
        let mut value = fields.clone();
        match (code, value.signature()?) {
            (PATH, "o") => value.path()?.clone_into(&mut self.path),
            (INTERFACE, "s") => value.text()?.clone_into(&mut self.interface),
            (MEMBER, "s") => value.text()?.clone_into(&mut self.member),
            (ERROR_NAME, "s") => value.text()?.clone_into(&mut self.error),
            (SENDER, "s") => value.text()?.clone_into(&mut self.sender),
            (REPLY_SERIAL, "u") => self.reply_to = value.number()?,
            (SIGNATURE, "g") => value.signature()?.clone_into(&mut self.signature),
            (PATH..=ERROR_NAME | REPLY_SERIAL | SENDER | SIGNATURE, _) => return Err(Malformed),
            // The specification requires ignoring unknown fields.
            _ => return fields.skip_variant(),
        }
        *fields = value;
        Ok(())
    }

    /// Returns a reader of the body, which must have these types.
    pub(crate) fn body(&self, signature: &str) -> Result<Reader<'_>, Malformed> {
        if self.signature == signature { Ok(Reader::new(&self.body, self.big_endian)) } else { Err(Malformed) }
    }

    /// The sender according to the bus; empty if the bus did not set it.
    pub(crate) fn sender(&self) -> &str {
        &self.sender
    }
}

fn big_endian(mark: u8) -> Result<bool, Malformed> {
    match mark {
        b'l' => Ok(false),
        b'B' => Ok(true),
        _ => Err(Malformed),
    }
}

/// The other side of a conversation, for tests.
#[cfg(test)]
pub(crate) mod replies {
    use super::{ERROR, ERROR_NAME, INTERFACE, MEMBER, PATH, REPLY, SENDER, SIGNAL, Writer, write};

    /// The service's name on the bus in every scripted conversation.
    pub(crate) const SERVICE: &str = ":1.7";

    pub(crate) fn reply(to: u32, signature: &str, body: impl FnOnce(&mut Writer)) -> Vec<u8> {
        one(|writer| write(writer, REPLY, 9, Some(to), &[(SENDER, "s", SERVICE)], signature, body))
    }

    pub(crate) fn error(to: u32, name: &str) -> Vec<u8> {
        one(|writer| write(writer, ERROR, 9, Some(to), &[(ERROR_NAME, "s", name)], "s", |body| body.text("no")))
    }

    pub(crate) fn signal(
        path: &str,
        interface: &str,
        member: &str,
        sig: &str,
        body: impl FnOnce(&mut Writer),
    ) -> Vec<u8> {
        let fields = [(PATH, "o", path), (INTERFACE, "s", interface), (MEMBER, "s", member), (SENDER, "s", SERVICE)];
        one(|writer| write(writer, SIGNAL, 9, None, &fields, sig, body))
    }

    fn one(message: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::with_capacity(0);
        message(&mut writer);
        writer.as_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Hello`, assembled by hand from the specification's table of header fields.
    const HELLO: &[u8] = b"l\x01\0\x01\0\0\0\0\x01\0\0\0\x6e\0\0\0\
        \x01\x01o\0\x15\0\0\0/org/freedesktop/DBus\0\0\0\
        \x06\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\
        \x02\x01s\0\x14\0\0\0org.freedesktop.DBus\0\0\0\0\
        \x03\x01s\0\x05\0\0\0Hello\0\0\0";

    #[test]
    fn a_call_is_these_bytes() {
        let mut writer = Writer::with_capacity(0);
        let hello = Method {
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "Hello",
            signature: "",
        };
        write_call(&mut writer, 1, &hello, |_| ());
        assert_eq!(writer.as_bytes(), HELLO);
        assert_eq!(Message::size(HELLO[..FIXED].try_into().unwrap()), Ok(HELLO.len()));
    }

    #[test]
    fn a_reply_of_the_other_byte_order_is_read() {
        let bytes = b"B\x02\x01\x01\0\0\0\x08\0\0\0\x05\0\0\0\x0f\
            \x05\x01u\0\0\0\0\x07\x08\x01g\0\x01o\0\0\
            \0\0\0\x02/a\0\0";
        // The body is one byte longer than the text needs. The reader of the body decides what it accepts.
        let message = Message::parse(bytes).unwrap();
        assert_eq!((message.kind, message.reply_to), (REPLY, 7));
        assert_eq!(message.body("o").unwrap().path(), Ok("/a"));
        assert!(message.body("s").is_err());
    }

    #[test]
    fn unknown_fields_are_passed_over_and_known_ones_are_held_to_their_type() {
        let unknown = b"l\x02\0\x01\0\0\0\0\x01\0\0\0\x0c\0\0\0\x2a\x02as\0\0\0\0\0\0\0\0\0\0\0\0";
        assert!(Message::parse(unknown).is_ok());
        let wrong = b"l\x02\0\x01\0\0\0\0\x01\0\0\0\x08\0\0\0\x05\x01i\0\x01\0\0\0";
        assert!(Message::parse(wrong).is_err());
    }

    #[test]
    fn lengths_beyond_the_limit_are_refused_before_anything_is_kept() {
        let prefix = |body: u32, fields: u32| {
            let mut prefix = *b"l\x02\0\x01____\x01\0\0\0____";
            prefix[4..8].copy_from_slice(&body.to_le_bytes());
            prefix[12..].copy_from_slice(&fields.to_le_bytes());
            Message::size(&prefix)
        };
        assert_eq!(prefix(8, 9), Ok(16 + 16 + 8));
        assert_eq!(prefix(1 << 20, 9), Err(Malformed));
        assert_eq!(prefix(0, 0), Err(Malformed));
        assert_eq!(prefix(u32::MAX, u32::MAX), Err(Malformed));
        assert_eq!(Message::size(b"x\x02\0\x01\0\0\0\0\x01\0\0\0\0\0\0\0"), Err(Malformed));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(mark in "[lB]", bytes: Vec<u8>) {
            let mut message = mark.into_bytes();
            message.extend(bytes);
            let _ = Message::parse(&message);
        }

        #[test]
        fn a_changed_message_is_read_without_panic(at in 0..HELLO.len(), with: u8, cut in 0..HELLO.len()) {
            let mut bytes = HELLO.to_vec();
            bytes[at] = with;
            let _ = Message::parse(&bytes);
            let _ = Message::parse(&bytes[..cut]);
        }
    }
}
