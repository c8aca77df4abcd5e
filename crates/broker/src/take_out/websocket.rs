//! The frames of a WebSocket server (RFC 6455 §5). Their heads pass as they are; the payload of a message, over all its
//! fragments, goes through one painter, and that of each control frame through another. No length changes.

use std::collections::VecDeque;

use super::Paint;

/// The server sent what nobody agreed on: a reserved bit, an unknown kind of frame, a mask, fragments out of order, or too many frames within one
/// token. Behind what was good, if that is whole, stands a Close frame with 1002.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation;

/// A Close frame that says "protocol error" (§7.4.1).
const PROTOCOL_ERROR: [u8; 4] = [0x88, 2, 0x03, 0xEA];
/// The longest payload of a control frame (§5.5).
const CONTROL: u64 = 125;
/// How many bytes of frames may wait for payload that the painter holds.
const WAITING: usize = 64 << 10;

/// The server's half of a connection.
pub struct Frames<P> {
    message: P,
    control: P,
    /// The head that is being read: 2, 4 or 10 bytes.
    head: Vec<u8>,
    /// The rest of a frame's payload.
    left: u64,
    is_in_control: bool,
    /// Whether the frame is the last one of its message.
    is_final: bool,
    /// Whether a message has begun, and its last fragment has not.
    is_open: bool,
    /// How many bytes of messages went into the painter, and came out.
    taken: u64,
    given: u64,
    /// Heads and control frames, each to be written when so many bytes of messages were.
    waiting: VecDeque<(u64, Vec<u8>)>,
    waiting_bytes: usize,
}

impl<P: Paint> Frames<P> {
    /// Before the first frame. The painters are alike.
    pub fn new(message: P, control: P) -> Self {
        Self {
            message,
            control,
            head: Vec::with_capacity(10),
            left: 0,
            is_in_control: false,
            is_final: false,
            is_open: false,
            taken: 0,
            given: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Takes the next bytes of the server, and appends those for the client.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Violation> {
        while !bytes.is_empty() {
            if self.left == 0 {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                match self.frame() {
                    Ok(None) => continue,
                    Ok(Some(length)) => self.left = length,
                    Err(violation) => return Err(self.break_off(violation, out)),
                }
                self.begin(out);
            } else {
                let count = usize::try_from(self.left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.left -= count as u64;
                self.payload(&bytes[..count], out);
                bytes = &bytes[count..];
            }
            if self.left == 0 {
                self.finish(out);
            }
        }
        if self.waiting_bytes > WAITING { Err(Violation) } else { Ok(()) }
    }

    /// What the painter holds, and what waits for that, is dropped.
    fn break_off(&self, violation: Violation, out: &mut Vec<u8>) -> Violation {
        if self.waiting.is_empty() && self.given == self.taken {
            out.extend_from_slice(&PROTOCOL_ERROR);
        }
        violation
    }

    /// The length of the payload, once the head is whole.
    fn frame(&mut self) -> Result<Option<u64>, Violation> {
        let (first, second) = (self.head[0], self.head.get(1).copied());
        let (is_final, kind) = (first & 0x80 != 0, first & 0x0F);
        let is_control = kind & 8 != 0;
        let is_known = matches!((kind, self.is_open), (0, true) | (1 | 2, false) | (8..=10, _));
        if first & 0x70 != 0 || !is_known || is_control && !is_final {
            return Err(Violation);
        }
        let Some(second) = second else { return Ok(None) };
        let length = match (second, &self.head[2..]) {
            (0x80.., _) => return Err(Violation),
            (length @ 0..=125, _) => u64::from(length),
            (126, [high, low]) => u64::from(u16::from_be_bytes([*high, *low])),
            (127, bytes) if bytes.len() == 8 => u64::from_be_bytes(bytes.try_into().expect("eight bytes")),
            _ => return Ok(None),
        };
        if length >> 63 != 0 || is_control && length > CONTROL {
            return Err(Violation);
        }
        (self.is_in_control, self.is_final) = (is_control, is_final);
        if !is_control {
            self.is_open = !is_final;
        }
        Ok(Some(length))
    }

    /// A head is whole: it goes out behind the payload of the frames before.
    fn begin(&mut self, out: &mut Vec<u8>) {
        let head = std::mem::take(&mut self.head);
        self.waiting_bytes += head.len();
        self.waiting.push_back((self.taken, head));
        self.give(&[], out);
    }

    fn payload(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut painted = Vec::with_capacity(bytes.len());
        if self.is_in_control {
            self.control.take(bytes, &mut painted);
            self.insert(painted, out);
        } else {
            self.message.take(bytes, &mut painted);
            self.taken += bytes.len() as u64;
            self.give(&painted, out);
        }
    }

    /// The payload is whole.
    fn finish(&mut self, out: &mut Vec<u8>) {
        let mut painted = Vec::new();
        if self.is_in_control {
            self.control.end(&mut painted);
            self.insert(painted, out);
        } else if self.is_final {
            self.message.end(&mut painted);
            self.give(&painted, out);
        }
        self.is_in_control = false;
    }

    /// Bytes of a control frame: at once, or behind what waits.
    fn insert(&mut self, bytes: Vec<u8>, out: &mut Vec<u8>) {
        if self.waiting.is_empty() {
            out.extend_from_slice(&bytes);
        } else if !bytes.is_empty() {
            self.waiting_bytes += bytes.len();
            self.waiting.push_back((self.taken, bytes));
        }
    }

    /// Writes bytes of messages, and between them what waits for its place.
    fn give(&mut self, mut painted: &[u8], out: &mut Vec<u8>) {
        loop {
            while self.waiting.front().is_some_and(|(place, _)| *place == self.given)
                && let Some((_, bytes)) = self.waiting.pop_front()
            {
                self.waiting_bytes -= bytes.len();
                out.extend_from_slice(&bytes);
            }
            if painted.is_empty() {
                return;
            }
            let until = self.waiting.front().map_or(u64::MAX, |(place, _)| *place - self.given);
            let (now, later) = painted.split_at(usize::try_from(until).map_or(painted.len(), |n| n.min(painted.len())));
            out.extend_from_slice(now);
            self.given += now.len() as u64;
            painted = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Paints `value` as `VALUE`, and holds what may be its beginning.
    #[derive(Default)]
    struct Upper(Vec<u8>);

    impl Paint for Upper {
        fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
            for byte in bytes {
                self.0.push(*byte);
                if self.0 == b"value" {
                    self.0.make_ascii_uppercase();
                    out.append(&mut self.0);
                }
                while !b"value".starts_with(&self.0) {
                    out.push(self.0.remove(0));
                }
            }
        }
        fn end(&mut self, out: &mut Vec<u8>) {
            out.append(&mut self.0);
        }
    }

    fn frames() -> Frames<Upper> {
        Frames::new(Upper::default(), Upper::default())
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(u8::try_from(length).unwrap()),
            length @ 126..=0xFFFF => {
                frame.push(126);
                frame.extend_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(payload);
        frame
    }

    fn pass(input: &[u8], cut: usize) -> Result<Vec<u8>, Vec<u8>> {
        let (mut frames, mut out) = (frames(), Vec::new());
        for piece in input.chunks(cut) {
            if frames.take(piece, &mut out).is_err() {
                return Err(out);
            }
        }
        Ok(out)
    }

    #[track_caller]
    fn check(input: &[Vec<u8>], expected: &[Vec<u8>]) {
        for cut in 1..12 {
            let found = pass(&input.concat(), cut).unwrap();
            assert!(found == expected.concat(), "cut at {cut}: {}", found.escape_ascii());
        }
    }

    #[test]
    fn a_value_is_painted_over_fragments_and_around_control_frames() {
        check(&[frame(0x81, b"a value")], &[frame(0x81, b"a VALUE")]);
        check(&[frame(0x01, b"a va"), frame(0x80, b"lue.")], &[frame(0x01, b"a VA"), frame(0x80, b"LUE.")]);
        check(
            &[frame(0x02, b"va"), frame(0x89, b"value"), frame(0x00, b""), frame(0x8A, b""), frame(0x80, b"lue")],
            &[frame(0x02, b"VA"), frame(0x89, b"VALUE"), frame(0x00, b""), frame(0x8A, b""), frame(0x80, b"LUE")],
        );
        check(&[frame(0x88, b"\x03\xE8value")], &[frame(0x88, b"\x03\xE8VALUE")]);
    }

    #[test]
    fn messages_are_apart() {
        let apart = [frame(0x81, b"va"), frame(0x81, b"lue"), frame(0x89, b"va"), frame(0x89, b"lue")];
        check(&apart, &apart);
    }

    #[test]
    fn what_is_held_waits_for_the_end_of_its_message() {
        let (mut frames, mut out) = (frames(), Vec::new());
        frames.take(&frame(0x01, b"x va"), &mut out).unwrap();
        frames.take(&frame(0x89, b"ping"), &mut out).unwrap();
        assert_eq!(out, b"\x01\x04x ");
        frames.take(&frame(0x80, b""), &mut out).unwrap();
        assert_eq!(out, b"\x01\x04x va\x89\x04ping\x80\0");
    }

    #[test]
    fn control_frames_do_not_pile_up_behind_what_is_held() {
        let (mut frames, mut out) = (frames(), Vec::new());
        frames.take(&frame(0x01, b"va"), &mut out).unwrap();
        let before = out.len();
        let is_taken = (0..1000).position(|_| frames.take(&frame(0x89, &[b'p'; 125]), &mut out).is_err());
        assert!(is_taken.is_some_and(|number| number > 400), "{is_taken:?}");
        // Nothing of what was held goes out, and so no frame behind it.
        assert_eq!(out.len(), before);
    }

    #[test]
    fn what_nobody_agreed_on_ends_it() {
        let long = [&[0x89, 126, 0, 200][..], &[0; 200]].concat();
        let masked = b"\x81\x81\0\0\0\0x".to_vec();
        let far = b"\x82\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec();
        for bad in [
            frame(0xC1, b"x"),
            frame(0xA1, b"x"),
            frame(0x91, b"x"),
            frame(0x83, b"x"),
            frame(0x8B, b"x"),
            frame(0x80, b"x"),
            frame(0x09, b"x"),
            long,
            masked,
            far,
        ] {
            let good = frame(0x81, b"ok va");
            let expected = [&good[..], &PROTOCOL_ERROR].concat();
            for cut in [1, 3, 1000] {
                assert_eq!(pass(&[&good[..], &bad].concat(), cut), Err(expected.clone()), "{bad:?}");
            }
        }
        // A message within a message.
        assert!(pass(&[frame(0x01, b"x"), frame(0x81, b"y")].concat(), 5).is_err());
    }

    #[test]
    fn a_long_payload_streams() {
        let payload = vec![b'x'; 200_000];
        let input = frame(0x82, &payload);
        let (mut frames, mut out) = (frames(), Vec::new());
        for piece in input.chunks(1000) {
            out.clear();
            frames.take(piece, &mut out).unwrap();
            assert_eq!(out.len(), piece.len());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1_usize..40) {
            let whole = pass(&bytes, bytes.len().max(1));
            prop_assert_eq!(pass(&bytes, cut), whole);
        }
    }
}
