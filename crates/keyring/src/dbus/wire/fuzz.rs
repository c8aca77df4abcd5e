//! The fuzzer's door to the reader of values.

use super::{Reader, Result, Writer};

/// Reads one value after another, little-endian, and writes each again. Returns how many bytes were read and what was written, which
/// must be those bytes: a value has one form. `types` are those of D-Bus, with `Y` for `ay` and `O` for `ao`.
pub fn wire(types: &str, bytes: &[u8]) -> Option<(usize, Vec<u8>)> {
    let mut reader = Reader::new(bytes, false);
    let mut writer = Writer::with_capacity(bytes.len());
    for kind in types.chars() {
        let mut skipped = reader.clone();
        copy(kind, &mut reader, &mut writer).ok()?;
        let signature = match kind {
            'Y' => "ay".to_owned(),
            'O' => "ao".to_owned(),
            kind => kind.to_string(),
        };
        let rest = skipped.skip(signature.as_bytes(), super::DEEPEST).expect("what can be read can be skipped");
        assert_eq!((rest, skipped.at), (&b""[..], reader.at), "skipping ends where reading ends");
    }
    assert!(reader.at <= bytes.len(), "the reader looked past the end");
    Some((reader.at, writer.as_bytes().to_vec()))
}

fn copy(kind: char, reader: &mut Reader, writer: &mut Writer) -> Result<()> {
    match kind {
        'y' => writer.raw(&[reader.byte()?]),
        'u' => writer.number(reader.number()?),
        'b' => writer.number(reader.boolean()?.into()),
        's' => writer.text(reader.text()?),
        'o' => writer.text(reader.path()?),
        'g' => writer.signature(reader.signature()?),
        'Y' => writer.bytes(reader.bytes()?),
        'O' => {
            let paths = reader.paths()?;
            writer.array(4, |writer| paths.iter().for_each(|path| writer.text(path)));
        }
        'v' => {
            // A variant is only passed over, so its bytes are taken as they are.
            let from = reader.at;
            reader.skip_variant()?;
            writer.raw(&reader.bytes[from..reader.at]);
        }
        _ => return Err(super::Malformed),
    }
    Ok(())
}
