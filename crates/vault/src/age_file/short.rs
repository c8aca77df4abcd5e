//! An age file read the short way. age's parser takes 60,000 instructions for each stanza, and its reader keeps 64 KiB for the smallest file, which a
//! run pays for page by page. Here age unwraps the stanza, the header is verified with the file key that was in it, and the chunks are opened as
//! <https://c2sp.org/age> says. Keeps the promise that a header is taken only if its MAC covers every byte of it, and a plaintext only if its last
//! chunk was verified.

use age::Identity as _;
use age::secrecy::ExposeSecret;
use age::secrecy::zeroize::Zeroizing;
use age::x25519::Identity;
use age_core::format::{FileKey, Stanza};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use chacha20poly1305::{AeadInPlace, ChaCha20Poly1305};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{Closed, Opened};

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const END: &[u8] = b"---";
const X25519: &str = "X25519";
/// The length of a whole line of a stanza's body.
const COLUMNS: usize = 64;

const NONCE: usize = 16;
const CHUNK: usize = 64 << 10;
const TAG: usize = 16;

/// Opens a file whose header ends in the line at `end`; tries the stanza `likeliest` first. Also returns which one it was. `None` where anything is
/// not as age writes it: then age says what is the matter.
pub(super) fn open(file: &[u8], end: usize, identity: &Identity, likeliest: usize) -> Option<Result<Opened, Closed>> {
    let (head, rest) = file.split_at(end);
    let line = rest.split(|byte| *byte == b'\n').next()?;
    let (payload, mac) = (rest.get(line.len() + 1..)?, line.strip_prefix(END)?.strip_prefix(b" ")?);
    let mac = BASE64.decode(mac).ok().filter(|mac| mac.len() == 32 && payload.len() >= NONCE)?;
    let stanzas = stanzas(head)?;
    let others = (0..stanzas.len()).filter(|index| *index != likeliest);
    let unwrapped = std::iter::once(likeliest)
        .chain(others)
        .find_map(|index| Some((identity.unwrap_stanza(stanzas.get(index)?)?, index)));
    let Some((file_key, index)) = unwrapped else { return Some(Err(Closed::WrongKey)) };
    let file_key = file_key.ok()?;
    mac_of(&file_key, &[head, END]).verify_slice(&mac).ok()?;
    Some(Ok((plaintext(&file_key, payload)?, index)))
}

/// What the chunks of a payload say, of which the last one is marked.
fn plaintext(file_key: &FileKey, payload: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = payload.split_at_checked(NONCE)?;
    let key = derived(file_key, nonce, b"payload");
    let cipher = <ChaCha20Poly1305 as chacha20poly1305::KeyInit>::new((&*key).into());
    // One block of memory, never moved, wiped at the end.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(sealed.len()));
    let mut chunks = sealed.chunks(CHUNK + TAG).enumerate().peekable();
    chunks.peek()?;
    while let Some((number, chunk)) = chunks.next() {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&u64::try_from(number).ok()?.to_be_bytes());
        nonce[11] = chunks.peek().is_none().into();
        let (chunk, tag) = chunk.split_last_chunk::<TAG>()?;
        // The last chunk is empty only where there is no other.
        if chunk.is_empty() && number > 0 {
            return None;
        }
        let begin = plaintext.len();
        plaintext.extend_from_slice(chunk);
        cipher.decrypt_in_place_detached(&nonce.into(), b"", &mut plaintext[begin..], tag.into()).ok()?;
    }
    Some(plaintext)
}

/// The stanzas of a header, if age would read all of them: a vault opens with stock age as well. (All but one: age refuses a header where the share of
/// an earlier stanza is of low order. Only who has the file key can write that.)
fn stanzas(head: &[u8]) -> Option<Vec<Stanza>> {
    let text = str::from_utf8(head.strip_prefix(VERSION)?).ok()?;
    let mut lines = text.strip_suffix('\n')?.split('\n').peekable();
    let mut stanzas = Vec::new();
    while let Some(first) = lines.next() {
        let mut words = first.strip_prefix("-> ")?.split(' ').map(str::to_owned);
        let (tag, args) = (words.next()?, words.collect::<Vec<_>>());
        let is_visible = |word: &String| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic());
        let mut body = String::new();
        // Whole lines, and a shorter one at the end, perhaps an empty one.
        loop {
            let line = lines.next().filter(|line| line.len() <= COLUMNS)?;
            body.push_str(line);
            if line.len() < COLUMNS {
                break;
            }
        }
        let body = BASE64.decode(body).ok()?;
        let is_of_age = tag != X25519 || matches!(&args[..], [share] if is_share(share)) && body.len() == 32;
        if !is_visible(&tag) || !args.iter().all(is_visible) || !is_of_age {
            return None;
        }
        stanzas.push(Stanza { tag, args, body });
    }
    Some(stanzas)
}

fn is_share(text: &str) -> bool {
    BASE64.decode(text).is_ok_and(|share| share.len() == 32)
}

/// The MAC of a header (<https://c2sp.org/age#header-mac>).
fn mac_of(file_key: &FileKey, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mac = Hmac::new_from_slice(&*derived(file_key, b"", b"header")).expect("a key of any length will do");
    parts.iter().fold(mac, |mac: Hmac<Sha256>, part| mac.chain_update(part))
}

fn derived(file_key: &FileKey, salt: &[u8], label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    let derived = Hkdf::<Sha256>::new(Some(salt), file_key.expose_secret());
    derived.expand(label, &mut *key).expect("32 bytes are a valid length");
    key
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The file with one more stanza in front of its last line, and a MAC that covers it: who has the file key can do that.
    pub(in super::super) fn with_stanza(file: &[u8], identity: &Identity, index: usize, more: &str) -> Vec<u8> {
        let end = file.windows(5).position(|bytes| bytes == b"\n--- ").unwrap() + 1;
        let file_key = identity.unwrap_stanza(&stanzas(&file[..end]).unwrap()[index]).unwrap().ok().unwrap();
        let head = [&file[..end], more.as_bytes(), END].concat();
        let mac = BASE64.encode(mac_of(&file_key, &[&head]).finalize().into_bytes());
        let payload = end + file[end..].iter().position(|byte| *byte == b'\n').unwrap();
        [&head[..], b" ", mac.as_bytes(), &file[payload..]].concat()
    }
}
