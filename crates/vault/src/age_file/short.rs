//! A header with many stanzas, made short. age's parser takes 60,000 instructions for each stanza, of which one matters: that one is unwrapped by
//! age, the whole header is verified with the file key that was in it, as age would, and age then reads the file under a header with that key
//! alone. Keeps the promise that a header is taken only if its MAC covers every byte of it.

use age::Identity as _;
use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use age_core::format::{FileKey, Stanza};
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// With as many stanzas as these, the plain way is as short: the owner's, the agent key's, age's own extra one, and a few people's.
pub(super) const FEW: usize = 6;

const VERSION: &[u8] = b"age-encryption.org/v1\n";
const END: &[u8] = b"---";
const X25519: &str = "X25519";
/// The length of a whole line of a stanza's body.
const COLUMNS: usize = 64;
/// A stanza that nothing but `Opened` knows.
const TAG: &str = "opened";

/// A file whose file key is known.
pub(super) struct Opened<'a> {
    file_key: FileKey,
    /// The header to be read in the place of the one that was verified.
    pub(super) header: Vec<u8>,
    /// What comes after that.
    pub(super) payload: &'a [u8],
}

impl<'a> Opened<'a> {
    /// Opens the stanza `index` of a header that ends in the line at `end`. `None` where it is not of `identity`, or anything is not as age writes
    /// it: then age says what is the matter.
    pub(super) fn new(file: &'a [u8], end: usize, identity: &Identity, index: usize) -> Option<Self> {
        let (head, rest) = file.split_at(end);
        let line = rest.split(|byte| *byte == b'\n').next()?;
        let (payload, mac) = (rest.get(line.len() + 1..)?, line.strip_prefix(END)?.strip_prefix(b" ")?);
        let stanza = stanzas(head)?.into_iter().nth(index)?;
        let file_key = identity.unwrap_stanza(&stanza)?.ok()?;
        let code = mac_of(&file_key, &[head, END]);
        code.clone().verify_slice(&BASE64.decode(mac).ok()?).ok()?;
        let mut header = [VERSION, b"-> ", TAG.as_bytes(), b"\n\n", END].concat();
        let mac = mac_of(&file_key, &[&header]).finalize().into_bytes();
        header.extend_from_slice(format!(" {}\n", BASE64.encode(mac)).as_bytes());
        Some(Self { file_key, header, payload })
    }
}

impl age::Identity for Opened<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let key = || FileKey::init_with_mut(|key| key.copy_from_slice(self.file_key.expose_secret()));
        (stanza.tag == TAG).then(|| Ok(key()))
    }
}

/// The stanzas of a header, if age would read all of them: a vault opens with stock age as well.
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
    let mut key = age::secrecy::zeroize::Zeroizing::new([0; 32]);
    let derived = Hkdf::<Sha256>::new(None, file_key.expose_secret());
    derived.expand(b"header", &mut *key).expect("32 bytes are a valid length");
    let mac = Hmac::new_from_slice(&*key).expect("a key of any length will do");
    parts.iter().fold(mac, |mac: Hmac<Sha256>, part| mac.chain_update(part))
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
