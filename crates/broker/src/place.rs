//! Where the owner allows a value besides the usual headers: `--in`.

/// One place. Wherever it is, the value is put in only if the whole content of the place is the stand-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A header field: its name in lower case.
    Header(Vec<u8>),
    /// A parameter of the query: its name as it is after percent-decoding.
    Query(String),
    /// A field of an `application/x-www-form-urlencoded` body: its name as it is after decoding.
    Form(String),
    /// A string of a JSON body: a JSON pointer (RFC 6901), which begins with a slash.
    Json(String),
}

impl Place {
    /// Reads `header:NAME`, `query:NAME`, `form:FIELD` or `json:/POINTER`, as `--in` and the vault write it; cast-vault
    /// has checked its length. Returns `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty())?;
        match kind {
            "header" if name.bytes().all(crate::http::is_token_byte) => {
                Some(Self::Header(name.to_ascii_lowercase().into_bytes()))
            }
            "query" => Some(Self::Query(name.to_owned())),
            "form" => Some(Self::Form(name.to_owned())),
            "json" if name.starts_with('/') => Some(Self::Json(name.to_owned())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_vault_writes() {
        assert_eq!(Place::parse("header:X-Key"), Some(Place::Header(b"x-key".to_vec())));
        assert_eq!(Place::parse("query:a:b"), Some(Place::Query("a:b".into())));
        assert_eq!(Place::parse("form:token"), Some(Place::Form("token".into())));
        assert_eq!(Place::parse("json:/a/0"), Some(Place::Json("/a/0".into())));
        for other in
            ["", "header", "header:", "header:a b", "header:a:b", "query:", "json:a", "json:", "body:/a", "Header:a"]
        {
            assert_eq!(Place::parse(other), None, "{other}");
        }
    }
}
