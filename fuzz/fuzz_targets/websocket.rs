//! Frames of a WebSocket server. Any cut gives the same; no length changes; and of frames that are well-formed, however a
//! message is cut into fragments, the payloads come out with stand-ins where values stood.
#![no_main]

use cast_broker::take_out::scrub::Scrub;
use cast_broker::take_out::websocket::Frames;
use cast_fuzz::response::{Response, world};
use libfuzzer_sys::fuzz_target;

/// What the client gets, and whether all was well; the bytes come in pieces of `cut`.
fn relayed(bytes: &[u8], cut: usize) -> (Vec<u8>, bool) {
    let scrub = || Scrub::new(&world().plan);
    let (mut frames, mut out) = (Frames::new(scrub(), scrub()), Vec::new());
    for piece in bytes.chunks(cut) {
        if frames.take(piece, &mut out).is_err() {
            return (out, false);
        }
    }
    (out, true)
}

fn frame(first: u8, payload: &[u8], to: &mut Vec<u8>) {
    to.push(first);
    match payload.len() {
        length @ 0..=125 => to.push(length as u8),
        length @ 126..=0xFFFF => {
            to.push(126);
            to.extend((length as u16).to_be_bytes());
        }
        length => {
            to.push(127);
            to.extend((length as u64).to_be_bytes());
        }
    }
    to.extend(payload);
}

/// Frames with this text as their payloads: messages of up to `step` fragments, and control frames between them.
fn frames(text: &[u8], plan: &[u8]) -> Vec<u8> {
    let (mut all, mut at, mut is_open) = (Vec::new(), 0, false);
    for step in plan.iter().copied().chain([0xFF]) {
        if step & 7 == 7 && step != 0xFF {
            frame(0x89 + (step >> 3 & 1), &text[..text.len().min(usize::from(step >> 4))], &mut all);
            continue;
        }
        let is_last = step == 0xFF || step & 3 == 0;
        let end = if step == 0xFF { text.len() } else { (at + usize::from(step >> 2)).min(text.len()) };
        let kind = if is_open { 0 } else { 1 + (step >> 6 & 1) };
        frame(kind | if is_last { 0x80 } else { 0 }, &text[at..end], &mut all);
        (at, is_open) = (end, !is_last);
    }
    all
}

fuzz_target!(|data: &[u8]| {
    let [kind, cut, steps, data @ ..] = data else { return };
    let cut = 1 + usize::from(*cut);
    if kind & 1 != 0 {
        let whole = relayed(data, data.len().max(1));
        assert_eq!(relayed(data, cut), whole, "any cut gives the same");
        // Of a message that is not whole the end may be held; a Close frame stands behind what was good.
        assert!(whole.0.len() <= data.len() + 4);
        return;
    }
    let (plan, text) = data.split_at(data.len().min(usize::from(steps & 31)));
    let response = Response::new(text);
    // A value that two messages share is none: each is a text of its own. One message, then, if it is to be compared.
    let plan: Vec<u8> = plan.iter().map(|step| if step & 3 == 0 { step | 1 } else { *step }).collect();
    let (bytes, expected) = (frames(&response.values, &plan), frames(&response.stand_ins, &plan));
    let (out, is_well) = relayed(&bytes, cut);
    assert!(is_well && out.len() == expected.len());
    // A control frame has a beginning of the text, which ends anywhere.
    if !plan.iter().any(|step| step & 7 == 7) {
        assert!(out == expected, "{}\n{}", out.escape_ascii(), expected.escape_ascii());
    }
});
