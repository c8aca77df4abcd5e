//! Bytes sealed into an age v1 file and opened again (<https://age-encryption.org/v1>). Looks at the outside of a file before age
//! does, whose header parser takes minutes over a large one, and hands out plaintext only when the last byte of it was verified.

mod short;

use std::io::{Read, Write};
use std::iter;

use age::secrecy::SecretString;
use age::secrecy::zeroize::Zeroizing;
use age::x25519::{Identity, Recipient};
use age::{Decryptor, Encryptor};

use crate::key::{Card, MasterKey};

/// The largest file that is looked at, in bytes.
pub const MAX_FILE: usize = 16 << 20;

/// A stanza of a recipient has 98 bytes, age's own random extra one up to 300: the header of the most people has under 4 KiB. age's parser
/// takes minutes over a large one.
const MAX_HEADER: usize = 8 << 10;
const MAX_STANZAS: usize = 40;

/// The work of a passphrase, as a power of two: about a second here. What others made may cost four times as much.
const PASSPHRASE_WORK: u8 = 17;
const MAX_PASSPHRASE_WORK: u8 = 20;

/// Why a file did not open. age cannot tell a wrong key from a damaged stanza, so neither can this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is no age file that cast would have written, or its end is missing, or a byte of it changed.
    Damaged,
    /// None of the keys opens it, or its header is damaged.
    WrongKey,
    /// The passphrase would take unreasonably long to try.
    TooMuchWork,
}

/// A plaintext, and the number of the stanza that opened it.
type Opened = (Zeroizing<Vec<u8>>, usize);

/// Seals `plaintext` to `recipients`.
pub(crate) fn seal(plaintext: &[u8], recipients: &[Recipient]) -> Vec<u8> {
    let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
    let encryptor = Encryptor::with_recipients(recipients).expect("X25519 recipients go together");
    write_sealed(encryptor, plaintext)
}

/// Opens a file that was sealed to `identity`, among others.
pub(crate) fn open(file: &[u8], identity: &Identity) -> Result<Zeroizing<Vec<u8>>, Closed> {
    open_at(file, identity, 0).map(|(plaintext, _)| plaintext)
}

/// The same. Each stanza costs a multiplication on the curve, so `likeliest` is tried before the others; also returns the one that opened it, or
/// `likeliest` where age itself had to read the file.
pub(crate) fn open_at(file: &[u8], identity: &Identity, likeliest: usize) -> Result<Opened, Closed> {
    let end = check_outside(file, "X25519")?;
    if let Some(opened) = short::open(file, end, identity, likeliest) {
        return opened;
    }
    Ok((read_sealed(file, identity)?, likeliest))
}

/// Seals `plaintext` to the holder of a card.
pub fn seal_to_card(plaintext: &[u8], card: &Card) -> Vec<u8> {
    seal(plaintext, std::slice::from_ref(card.recipient()))
}

/// Opens a file that was sealed to the card of one of `keys`.
pub fn open_with_keys(file: &[u8], keys: &[MasterKey]) -> Result<Zeroizing<Vec<u8>>, Closed> {
    keys.iter()
        .map(|key| open(file, key.identity()))
        .find(|opened| *opened != Err(Closed::WrongKey))
        .unwrap_or(Err(Closed::WrongKey))
}

/// Seals `plaintext` with a passphrase.
pub fn seal_with_passphrase(plaintext: &[u8], passphrase: SecretString) -> Vec<u8> {
    let mut recipient = age::scrypt::Recipient::new(passphrase);
    recipient.set_work_factor(PASSPHRASE_WORK);
    let encryptor =
        Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient)).expect("a passphrase stands alone");
    write_sealed(encryptor, plaintext)
}

/// Opens a file that was sealed with a passphrase.
pub fn open_with_passphrase(file: &[u8], passphrase: SecretString) -> Result<Zeroizing<Vec<u8>>, Closed> {
    check_outside(file, "scrypt")?;
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_PASSPHRASE_WORK);
    read_sealed(file, &identity)
}

/// Refuses what age should not see: a wrong beginning, a header without an end, too many stanzas, or none of the kind wanted, or
/// a passphrase stanza (seconds of work) where keys are wanted. Stanzas of other kinds are age's grease and not an error. Returns where the last
/// line of the header begins.
fn check_outside(file: &[u8], wanted: &str) -> Result<usize, Closed> {
    let start = &file[..file.len().min(MAX_HEADER)];
    let end = start.windows(5).position(|bytes| bytes == b"\n--- ").ok_or(Closed::Damaged)?;
    if file.len() > MAX_FILE || !file.starts_with(b"age-encryption.org/v1\n") {
        return Err(Closed::Damaged);
    }
    let kinds = || {
        start[..end]
            .split(|byte| *byte == b'\n')
            .filter_map(|line| line.strip_prefix(b"-> "))
            .map(|line| line.split(|byte| *byte == b' ').next().unwrap_or_default())
    };
    let expected = kinds().any(|kind| kind == wanted.as_bytes());
    let passphrase = wanted != "scrypt" && kinds().any(|kind| kind == b"scrypt");
    if !expected || passphrase || kinds().count() > MAX_STANZAS {
        return Err(Closed::Damaged);
    }
    Ok(end + 1)
}

fn write_sealed(encryptor: Encryptor, plaintext: &[u8]) -> Vec<u8> {
    const IN_MEMORY: &str = "writing to memory does not fail";
    let mut file = Vec::with_capacity(plaintext.len() + 1024);
    let mut writer = encryptor.wrap_output(&mut file).expect(IN_MEMORY);
    writer.write_all(plaintext).expect(IN_MEMORY);
    writer.finish().expect(IN_MEMORY);
    file
}

fn read_sealed(file: &[u8], identity: &dyn age::Identity) -> Result<Zeroizing<Vec<u8>>, Closed> {
    let closed = |error| match error {
        age::DecryptError::NoMatchingKeys
        | age::DecryptError::DecryptionFailed
        | age::DecryptError::KeyDecryptionFailed => Closed::WrongKey,
        age::DecryptError::ExcessiveWork { .. } => Closed::TooMuchWork,
        _ => Closed::Damaged,
    };
    let mut reader = Decryptor::new_buffered(file).map_err(closed)?.decrypt(iter::once(identity)).map_err(closed)?;
    // The plaintext is shorter than the file: one block of memory, never moved, wiped at the end.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(file.len()));
    reader.read_to_end(&mut plaintext).map_err(|_| Closed::Damaged)?;
    Ok(plaintext)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part::MAX_PEOPLE;

    fn sealed(plaintext: &[u8]) -> (Vec<u8>, Identity) {
        let identity = Identity::generate();
        (seal(plaintext, &[identity.to_public()]), identity)
    }

    #[test]
    fn opens_what_was_sealed() {
        for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
            let plaintext = vec![b'x'; length];
            let (file, identity) = sealed(&plaintext);
            assert_eq!(*open(&file, &identity).unwrap(), plaintext);
        }
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_stays_closed() {
        let (file, identity) = sealed(b"a secret of some length");
        for identity in [identity, Identity::generate()] {
            let open = |file: &[u8]| open(file, &identity).map(|_| ()).unwrap_err();
            // As age itself says.
            let age =
                |file: &[u8]| check_outside(file, "X25519").and_then(|_| read_sealed(file, &identity)).unwrap_err();
            for cut in 0..file.len() {
                assert_eq!(open(&file[..cut]), age(&file[..cut]), "cut at {cut}");
                let mut flipped = file.clone();
                flipped[cut] ^= 1;
                assert_eq!(open(&flipped), age(&flipped), "flipped at {cut}");
            }
        }
    }

    /// A chunk has 64 KiB, and a tag of 16 bytes.
    #[test]
    fn a_file_that_ends_with_a_chunk_that_was_not_the_last_stays_closed() {
        let (file, identity) = sealed(&vec![b'x'; 150_000]);
        let begin = file.len() - 150_000 - 3 * 16;
        for whole in [&file[..begin], &file[..begin + 65_552], &file[..begin + 2 * 65_552]] {
            assert!(open(whole, &identity).is_err(), "{}", whole.len());
            // Nor with one of the others at its end.
            assert!(open(&[whole, &file[begin..begin + 65_552]].concat(), &identity).is_err());
        }
    }

    /// Also where only one stanza of many is looked at.
    #[test]
    fn every_truncation_and_every_flipped_byte_of_one_with_many_stanzas_stays_closed() {
        let identities: Vec<_> = (0..12).map(|_| Identity::generate()).collect();
        let file = seal(b"a secret", &identities.iter().map(Identity::to_public).collect::<Vec<_>>());
        for likeliest in [0, 11] {
            let open = |file: &[u8]| open_at(file, &identities[likeliest], likeliest);
            assert_eq!(*open(&file).unwrap().0, b"a secret");
            for cut in 0..file.len() {
                assert!(open(&file[..cut]).is_err(), "cut at {cut}");
                for bit in [1, 0x20, 0x80] {
                    let mut flipped = file.clone();
                    flipped[cut] ^= bit;
                    assert!(open(&flipped).is_err(), "flipped at {cut}");
                }
            }
            // What age does not read, this does not either, though the MAC is right.
            let mut read = 0;
            for stanza in
                ["free text\n\n", "-> x\nAA=\n", "-> x  y\n\n", "-> x\n", "-> x\nA\n", "-> x y\nAAAA\n", "-> x\n\n"]
            {
                let identity = &identities[likeliest];
                let more = short::tests::with_stanza(&file, identity, likeliest, stanza);
                let is_read = read_sealed(&more, identity).is_ok();
                assert_eq!(open(&more).is_ok(), is_read, "{stanza}");
                read += usize::from(is_read);
            }
            assert!((2..5).contains(&read), "{read}");
            // A line more, a line less, a stanza in the place of another, and one that is not covered.
            let lines: Vec<_> = file.split_inclusive(|byte| *byte == b'\n').collect();
            for at in 1..20 {
                for changed in [
                    [&lines[..at], &lines[at + 1..]].concat().concat(),
                    [&lines[..at], &[&b"\n"[..]], &lines[at..]].concat().concat(),
                    [&lines[..at], &lines[at + 2..at + 4], &lines[at..]].concat().concat(),
                ] {
                    assert!(open(&changed).is_err(), "line {at}");
                }
            }
        }
    }

    #[test]
    fn a_passphrase_opens_what_it_sealed_and_no_vault() {
        let word = || SecretString::from("correct horse".to_owned());
        let file = seal_with_passphrase(b"key", word());
        assert_eq!(*open_with_passphrase(&file, word()).unwrap(), b"key");
        assert_eq!(open(&file, &Identity::generate()).unwrap_err(), Closed::Damaged);
        assert_eq!(open_with_passphrase(&file, SecretString::from("wrong".to_owned())).unwrap_err(), Closed::WrongKey);
    }

    #[test]
    fn a_header_that_would_take_minutes_is_refused_unread() {
        let identity = Identity::generate();
        let mut many = b"age-encryption.org/v1\n".to_vec();
        many.extend("-> X25519 a\n\n".repeat(20_000).bytes());
        many.extend(b"--- ");
        assert_eq!(open(&many, &identity).unwrap_err(), Closed::Damaged);
        let mut more = b"age-encryption.org/v1\n".to_vec();
        more.extend("-> X25519 a\n\n".repeat(MAX_STANZAS + 1).bytes());
        more.extend(b"--- ");
        assert_eq!(check_outside(&more, "X25519").err(), Some(Closed::Damaged));
        let most = more.split_off(more.len() - "-> X25519 a\n\n".len() * MAX_STANZAS - "--- ".len());
        let most = [b"age-encryption.org/v1\n", &most[..]].concat();
        assert!(check_outside(&most, "X25519").is_ok());
    }

    #[test]
    fn the_most_people_fit_the_header() {
        let identities: Vec<_> = (0..MAX_PEOPLE + 2).map(|_| Identity::generate()).collect();
        let recipients: Vec<_> = identities.iter().map(Identity::to_public).collect();
        for _ in 0..20 {
            let file = seal(b"x", &recipients);
            let last = MAX_PEOPLE + 1;
            for (index, identity) in [(0, &identities[0]), (last, &identities[last])] {
                // Whichever is thought to be the likeliest, also one that there is not.
                for likeliest in [0, 1, last, 1000] {
                    let (plaintext, opened) = open_at(&file, identity, likeliest).unwrap();
                    assert!(*plaintext == b"x" && opened == index);
                }
            }
        }
    }

    #[test]
    fn the_first_stanza_is_the_first_recipients() {
        let (one, two) = (Identity::generate(), Identity::generate());
        let file = seal(b"x", &[one.to_public(), two.to_public()]);
        // The second stanza replaced by one that nobody opens: the first key still does, the second does not.
        let stanza =
            |number: usize| file.windows(10).enumerate().filter(|(_, bytes)| bytes == b"-> X25519 ").nth(number);
        let (second, _) = stanza(1).unwrap();
        let mut changed = file.clone();
        // Another digit of Base64.
        changed[second + 10] = if changed[second + 10] == b'A' { b'B' } else { b'A' };
        assert_ne!(open(&changed, &one).unwrap_err(), Closed::WrongKey);
        assert_eq!(open(&changed, &two).unwrap_err(), Closed::WrongKey);
    }
}
