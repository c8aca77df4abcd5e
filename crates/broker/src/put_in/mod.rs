//! Where in a request a value is put in, or why the request is refused: decided before a byte goes upstream. Keeps the
//! promise that a value is put in only where the whole content of a permitted place is its stand-in. What surrounds a
//! stand-in is CMD's, and a value glued to it could land where nobody looked.
//!
//! A value is written as its stand-in was, in the one plain spelling of the place. So no length changes, and CMD does not choose how the host
//! reads a value, nor in which spelling an echo of it comes back.

mod authorization;
mod find;
mod json;
mod parameters;

use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::authority::Authority;
use crate::http::{Coding, Edit, Field, Framing, Head, Request, charset};
use crate::known;
use crate::limits;
use crate::place::Place;
use crate::refusal::{Refusal, Spot};
use crate::secret::Secret;
use find::Finder;
pub use parameters::is_unreserved;

/// What may be put into requests to one host. Built once for each host of a run.
pub struct Permitted {
    keys: Vec<Key>,
    finder: Finder,
}

/// The type of a form.
const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// What to do with a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edits {
    /// The values, in the places of their stand-ins in the head.
    pub head: Vec<Edit>,
    /// Set if the body has to be read as a whole, at most `limits::BODY` bytes, and given to `Permitted::body` before
    /// the first byte goes upstream. `Refusal::BodyTooLong` is for a chunked one that turns out to be longer.
    pub body: Option<BodyKind>,
}

/// How a body is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyKind {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`, or a type that ends in `+json`.
    Json,
}

/// A secret, and its places in requests to this host besides `Authorization`.
struct Key {
    secret: Arc<Secret>,
    /// Words before it in `Authorization`, besides the usual ones.
    schemes: &'static [&'static str],
    /// Names in lower case.
    headers: Vec<Vec<u8>>,
    query: Vec<String>,
    form: Vec<String>,
    json: Vec<Vec<String>>,
}

impl Key {
    fn new(secret: &Arc<Secret>, host: &Authority) -> Self {
        let known = known::by_name(&secret.name);
        let headers = known.map_or(&[][..], |known| known.headers).iter().copied().chain(known::headers_of(host));
        let headers = headers.map(|name| name.as_bytes().to_vec()).collect();
        let schemes = known.map_or(&[][..], |known| known.schemes);
        let (query, form, json) = (Vec::new(), Vec::new(), Vec::new());
        let mut key = Self { secret: Arc::clone(secret), schemes, headers, query, form, json };
        for place in &secret.places {
            match place {
                Place::Header(name) => key.headers.push(name.clone()),
                Place::Query(name) => key.query.push(name.clone()),
                Place::Form(name) => key.form.push(name.clone()),
                Place::Json(pointer) => key.json.push(json::tokens(pointer)),
            }
        }
        key
    }

    fn stand_in(&self) -> &[u8] {
        self.secret.stand_in.as_str().as_bytes()
    }

    fn value(&self) -> &[u8] {
        self.secret.value.expose_secret().as_bytes()
    }

    /// The value, if `content`, which begins at `at`, is the stand-in.
    fn edit(&self, content: &[u8], at: usize) -> Option<Edit> {
        (content == self.stand_in()).then(|| Edit { at, with: self.value().to_vec().into() })
    }

    /// In a header that is for keys: the stand-in, or one word and the stand-in.
    fn in_header(&self, field: &Field<'_>) -> Option<Edit> {
        if !self.headers.iter().any(|name| field.name.eq_ignore_ascii_case(name)) {
            return None;
        }
        let behind_a_word = || {
            let (_, credential, at) = authorization::words(field)?;
            self.edit(credential, at)
        };
        self.edit(field.value, field.at).or_else(behind_a_word)
    }
}

impl Permitted {
    /// For requests to `host`: those of `secrets` that list it.
    pub fn new(host: &Authority, secrets: &[Arc<Secret>]) -> Self {
        let secrets = secrets.iter().filter(|secret| secret.hosts.contains(host));
        let keys: Vec<_> = secrets.map(|secret| Key::new(secret, host)).collect();
        let finder = Finder::new(keys.iter().map(|key| key.secret.stand_in.as_str()));
        Self { keys, finder }
    }

    /// The values in the places of their stand-ins in a whole body. None for a body that is malformed: it is passed on
    /// as it is.
    pub fn body(&self, kind: BodyKind, body: &[u8]) -> Vec<Edit> {
        match kind {
            // In it a form says in which charset it is; and some hosts take any body for one.
            _ if parameters::have_the_charset_of_a_form(body) => Vec::new(),
            BodyKind::Form if !parameters::is_encoded(body) || parameters::may_name_a_charset(body) => Vec::new(),
            BodyKind::Form => parameters::edits(body, 0, &self.keys, |key| &key.form),
            BodyKind::Json => json::edits(body, &self.keys),
        }
    }

    fn body_kind(&self, request: &Request, head: &Head<'_>) -> Result<Option<BodyKind>, Refusal> {
        let kind = content_type(head).filter(|kind| match kind {
            BodyKind::Form => self.keys.iter().any(|key| !key.form.is_empty()),
            BodyKind::Json => self.keys.iter().any(|key| !key.json.is_empty()),
        });
        match request.framing {
            // A host that reads no body with this method would take it for the next request, and a value in it for that one's address.
            _ if kind.is_none() || !request.brings_body => Ok(None),
            Framing::None | Framing::Length(0) => Ok(None),
            _ if head.elements("content-encoding").any(|name| Coding::by_name(name) != Some(Coding::Identity)) => {
                Err(Refusal::BodyCoded)
            }
            Framing::Length(length) if length > limits::BODY as u64 => Err(Refusal::BodyTooLong),
            _ => Ok(kind),
        }
    }

    /// Refuses a request with a stand-in in `left`, which are the head's bytes without those that are in their places,
    /// or in `decoded`, which stood in `Authorization`.
    fn refuse_strays(&self, request: &Request, head: &Head<'_>, left: &[u8], decoded: &[u8]) -> Result<(), Refusal> {
        if self.finder.first(left).is_none() && self.finder.first(decoded).is_none() {
            return Ok(());
        }
        let found = |text: &[u8], spot: Spot| {
            self.finder
                .first(text)
                .map(|index| Refusal::Misplaced { key: self.keys[index].secret.name.clone(), place: spot })
        };
        let target = &left[request.target.clone()];
        let (path, query) = match target.iter().position(|byte| *byte == b'?') {
            Some(mark) => (&target[..mark], &target[mark + 1..]),
            None => (target, &[][..]),
        };
        let in_query = || {
            parameters::each(query).find_map(|(name, value, _)| {
                let name = String::from_utf8_lossy(&name).into_owned();
                found(name.as_bytes(), Spot::Line).or_else(|| found(value, Spot::Query(name)))
            })
        };
        let in_fields = || {
            head.fields.iter().find_map(|field| {
                let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
                let value = &left[field.at..][..field.value.len()];
                found(field.name, Spot::HeaderName).or_else(|| found(value, Spot::Header(name)))
            })
        };
        let in_credential = || found(decoded, Spot::Header("authorization".to_owned()));
        let refusal = found(path, Spot::Path).or_else(in_query).or_else(in_fields).or_else(in_credential);
        // What is only found across two places, such as a base64 text with a colon in it that is not one.
        let refusal = refusal.or_else(|| found(left, Spot::Line));
        refusal.map_or(Ok(()), Err)
    }
}

/// Judges a request. Refusals: `Misplaced`, `BodyTooLong`, `BodyCoded`, `Charset`.
pub fn judge(request: &Request, head: &Head<'_>, permitted: &Permitted) -> Result<Edits, Refusal> {
    let keys = &permitted.keys;
    let (mut edits, mut decoded) = (Vec::new(), Vec::new());
    for field in &head.fields {
        if field.is("authorization") {
            if let Some((edit, rest)) = authorization::basic(field, keys) {
                edits.push(edit);
                // A zero byte on each side: what stood in two fields is not one text.
                decoded.push(0);
                decoded.extend(rest);
                continue;
            }
            if let Some(edit) = keys.iter().find_map(|key| authorization::plain(field, key)) {
                edits.push(edit);
                continue;
            }
        }
        edits.extend(keys.iter().find_map(|key| key.in_header(field)));
    }
    let target = &head.bytes[request.target.clone()];
    if let Some(mark) = target.iter().position(|byte| *byte == b'?') {
        let at = request.target.start + mark + 1;
        edits.extend(parameters::edits(&target[mark + 1..], at, keys, |key| &key.query));
    }
    let mut left = head.bytes.to_vec();
    for edit in &edits {
        left[edit.at..][..edit.with.len()].fill(b' ');
    }
    permitted.refuse_strays(request, head, &left, &decoded)?;
    let body = permitted.body_kind(request, head)?;
    let is_in_query = edits.iter().any(|edit| request.target.contains(&edit.at));
    // There a form could say in which charset the host reads all parameters.
    let has_form = is_in_query && !matches!(request.framing, Framing::None | Framing::Length(0)) && is_form(head);
    if has_form || (is_in_query || body.is_some()) && !is_read_as_utf8(head) {
        return Err(Refusal::Charset);
    }
    Ok(Edits { head: edits, body })
}

/// Whether the body may be taken for parameters, as those of the query.
fn is_form(head: &Head<'_>) -> bool {
    head.fields.iter().filter(|field| field.is_like("content-type")).any(|field| {
        let kind = field.value.to_ascii_lowercase();
        kind.starts_with(b"multipart/") || kind.starts_with(FORM)
    })
}

/// Whether the host reads query and body in UTF-8, whichever of several fields it goes by, and whatever it takes for a `-`: in another charset it
/// would see other letters than those that were put in, and might say which.
fn is_read_as_utf8(head: &Head<'_>) -> bool {
    let is_type = |field: &&Field<'_>| field.is_like("content-type");
    let target = head.first.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let query = target.splitn(2, |byte| *byte == b'?').nth(1).unwrap_or_default();
    head.fields.iter().filter(is_type).all(|field| charset::is_utf8(field.value))
        && !parameters::may_name_a_charset(query)
}

/// The kind of a body by its one `Content-Type`, without parameters, in any case. None by one that is not passed on.
fn content_type(head: &Head<'_>) -> Option<BodyKind> {
    if head.has_element("connection", "content-type") {
        return None;
    }
    let mut types = head.all("content-type");
    let (first, None) = (types.next()?, types.next()) else { return None };
    let name = first.value.split(|byte| *byte == b';').next()?.trim_ascii().to_ascii_lowercase();
    // What one host reads to its end, another one reads to the first blank or comma.
    let is_plain = name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"/+.-_".contains(byte));
    if !is_plain || name != FORM && (name.starts_with(FORM) || name.starts_with(b"multipart/")) {
        return None;
    }
    match &*name {
        name if name == FORM => Some(BodyKind::Form),
        b"application/json" => Some(BodyKind::Json),
        name if name.ends_with(b"+json") => Some(BodyKind::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
