//! Every byte of a vault counts: of the file, and of the plain text to one who can encrypt it again.

use cast_testing::Tries;

use super::*;

const FORGED: &str = "forged vaults";

#[test]
fn every_truncation_and_every_flipped_byte_of_the_file_is_refused() {
    let (vault, file) = shared();
    let key = user(OWNER);
    let receipt = vault.receipt(&key).unwrap();
    let noted = Some(Noted { state: vault.state().unwrap(), receipt: &receipt, stanza: 0 });
    let tries = Tries::at(file.len(), FORGED);
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        for bytes in [&file[..at], &flipped] {
            tries.next();
            // A receipt does not help: it is for the plain text.
            let opened = Vault::open(bytes, &agent(), &key, Anchor::Own, noted);
            assert!(opened.is_err(), "at {at}");
        }
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_of_the_plain_text_is_refused() {
    let (vault, _) = shared();
    let (key, card) = (user(OWNER), card(OWNER));
    let (alice, grant) = (user(ALICE), vault.grant(&user(OWNER)).unwrap());
    let holders =
        [open::Holder::Owner(master(&key)), open::Holder::Person(master(&alice), &card), open::Holder::Reader(&grant)];
    let whole = text(&vault);
    let tries = Tries::at(whole.len(), FORGED);
    let refuses = |bytes: &[u8], holder| {
        tries.next();
        let plain = Plain::split(Zeroizing::new(bytes.to_vec()));
        plain.and_then(|plain| open::verify(plain, &agent(), holder, open::By { index: 0, stanza: 0 }, None)).is_err()
    };
    for at in 0..whole.len() {
        let holder = &holders[at % 3];
        assert!(refuses(&whole[..at], holder), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = whole.to_vec();
            flipped[at] ^= 1 << bit;
            assert!(refuses(&flipped, holder), "bit {bit} of {at}");
        }
        let more = [&whole[..at], b"\n", &whole[at..]].concat();
        assert!(refuses(&more, holder), "more at {at}");
    }
    assert!(refuses(&[whole, b"\n"].concat(), &holders[0]));
    assert!(holders.iter().all(|holder| !refuses(whole, holder)));
}
