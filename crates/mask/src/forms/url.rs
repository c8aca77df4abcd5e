//! A value percent-encoded (RFC 3986 §2.1), in the dialects that encoders write.

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// The characters besides letters and digits that are not encoded, and the encoding of a blank.
const DIALECTS: [(&[u8], &[u8]); 7] = [
    (b"-_.~", b"%20"),                 // RFC 3986: curl, jq's @uri, quote(safe="")
    (b"-_.~/", b"%20"),                // Python's quote
    (b"-_.!~*'()", b"%20"),            // encodeURIComponent
    (b"-_.!~*'();/?:@&=+$,#", b"%20"), // encodeURI
    (b"-_.~", b"+"),                   // Python's quote_plus, Go's QueryEscape
    (b"-_.*", b"+"),                   // forms: URLSearchParams, Java
    (b"-_.", b"+"),                    // PHP's urlencode
];

pub(super) fn each(value: &str, special: &str, out: &mut Vec<u8>, take: &mut dyn FnMut(&[u8])) {
    let dialects = DIALECTS.into_iter().flat_map(|(safe, blank)| [(safe, blank, UPPER), (safe, blank, LOWER)]);
    let write = |(safe, blank, digits): (&[u8], &[u8], &[u8; 16]), text: &str, out: &mut Vec<u8>| {
        out.clear();
        for b in text.bytes() {
            if b == b' ' {
                out.extend(blank);
            } else if b.is_ascii_alphanumeric() || safe.contains(&b) {
                out.push(b);
            } else {
                out.extend([b'%', digits[usize::from(b >> 4)], digits[usize::from(b & 15)]]);
            }
        }
    };
    super::each_dialect(dialects, write, (value, special), out, take);
}
