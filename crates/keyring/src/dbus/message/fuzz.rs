//! The fuzzer's door to the reader of messages.

use super::{ERROR_NAME, FIXED, INTERFACE, LONGEST, MEMBER, Malformed, Message, PATH, SENDER, Writer, write};

/// Reads the message at the beginning of `bytes` as the client does, writes what it keeps of it, and reads that again. Returns what was
/// written; a message without a field that is known here is written without it.
pub fn message(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = Message::size(bytes.first_chunk()?).ok()?;
    assert!((FIXED + 1..=LONGEST).contains(&size), "a size within the limits");
    let bytes = bytes.get(..size)?;
    let message = Message::parse(bytes).ok()?;
    assert!(Message::parse(&bytes[..size - 1]).is_err(), "a message without its last byte");

    let written = message.write();
    let size = Message::size(written.first_chunk()?);
    // A message that keeps nothing is not written as one that the client takes.
    assert!(size == Ok(written.len()) || size == Err(Malformed) && written.len() == FIXED + message.body.len());
    let again = Message::parse(&written).expect("what is written can be read");
    assert!(again.keeps() == message.keeps(), "what is written is read again to the same");
    Some(written)
}

impl Message {
    /// All that is kept of it, but for the byte order of its body.
    fn keeps(&self) -> (u8, u32, [&str; 6], &[u8]) {
        let texts = [&self.path, &self.interface, &self.member, &self.error, &self.sender, &self.signature];
        (self.kind, self.reply_to, texts.map(String::as_str), &self.body)
    }

    fn write(&self) -> Vec<u8> {
        let mut fields = vec![
            (PATH, "o", self.path.as_str()),
            (INTERFACE, "s", &self.interface),
            (MEMBER, "s", &self.member),
            (ERROR_NAME, "s", &self.error),
            (SENDER, "s", &self.sender),
        ];
        fields.retain(|(_, _, text)| !text.is_empty());
        let reply_to = Some(self.reply_to).filter(|serial| *serial != 0);
        let mut writer = Writer::with_capacity(0);
        write(&mut writer, self.kind, 1, reply_to, &fields, &self.signature, |writer| writer.raw(&self.body));
        writer.as_bytes().to_vec()
    }
}
