//! `Authorization`: Bearer, token and Basic, and what the table says of a few keys (RFC 9110 §11.6.2, RFC 6750, RFC
//! 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;

use super::Key;
use crate::http::{Edit, Field, is_token_byte};

/// A token, blanks, and all that is behind them, with the place of that in the head.
pub(super) fn words<'a>(field: &Field<'a>) -> Option<(&'a [u8], &'a [u8], usize)> {
    let blank = field.value.iter().position(|byte| *byte == b' ')?;
    let (word, rest) = field.value.split_at(blank);
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let is_token = !word.is_empty() && word.iter().all(|byte| is_token_byte(*byte));
    is_token.then_some((word, &rest[blanks..], field.at + blank + blanks))
}

/// `Bearer S`, `token S`, and the forms that the table has for this key.
pub(super) fn plain(field: &Field<'_>, key: &Key) -> Option<Edit> {
    let bare = || if key.schemes.contains(&"") { key.edit(field.value, field.at) } else { None };
    let behind_a_word = || {
        let (word, credential, at) = words(field)?;
        let mut schemes = ["bearer", "token"].iter().chain(key.schemes);
        schemes.any(|scheme| word.eq_ignore_ascii_case(scheme.as_bytes())).then(|| key.edit(credential, at))?
    };
    behind_a_word().or_else(bare)
}

/// `Basic B`, where B is the base64 of `USER:PASSWORD` and either is a stand-in. Also returns the text behind B with
/// blanks in the places of the stand-ins.
pub(super) fn basic(field: &Field<'_>, keys: &[Key]) -> Option<(Edit, Vec<u8>)> {
    let (scheme, credential, at) = words(field)?;
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    // Only the one form that an encoder writes, with its padding: so the length stays.
    let mut text = Zeroizing::new(STANDARD.decode(credential).ok()?);
    let mut rest = text.to_vec();
    let colon = text.iter().position(|byte| *byte == b':')?;
    let mut is_changed = false;
    for part in [0..colon, colon + 1..text.len()] {
        if let Some(key) = keys.iter().find(|key| text[part.clone()] == *key.stand_in()) {
            text[part.clone()].copy_from_slice(key.value());
            rest[part].fill(b' ');
            is_changed = true;
        }
    }
    let mut with = Zeroizing::new(vec![0; credential.len()]);
    let written = STANDARD.encode_slice(&*text, &mut with).ok()?;
    (is_changed && written == with.len()).then_some((Edit { at, with }, rest))
}
