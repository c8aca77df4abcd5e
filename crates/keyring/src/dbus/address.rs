//! Finds the session bus (D-Bus Specification, "Server Addresses"). Promises never to guess a socket that another user
//! owns: what no variable names is used only if it is a socket of this user.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// One address to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A socket in the file system.
    Path(PathBuf),
    /// A name in Linux's abstract namespace, without the leading NUL.
    Abstract(Vec<u8>),
}

/// The addresses that the environment names, in the order to try them. `None` if it names none. A variable without a
/// usable bus is also an answer ("disabled:" is in use), so its list is empty.
pub(crate) fn named() -> Option<Vec<Address>> {
    parse_variable(std::env::var_os("DBUS_SESSION_BUS_ADDRESS"))
}

/// The bus that the system keeps for this user, if it is there.
pub(crate) fn own() -> Option<Address> {
    own_in(std::env::var_os("XDG_RUNTIME_DIR"))
}

fn parse_variable(variable: Option<OsString>) -> Option<Vec<Address>> {
    variable.filter(|text| !text.is_empty()).map(|text| parse(&text))
}

fn own_in(runtime: Option<OsString>) -> Option<Address> {
    let user = rustix::process::getuid().as_raw();
    let standard = PathBuf::from(format!("/run/user/{user}"));
    let folders = runtime.filter(|folder| !folder.is_empty()).map(PathBuf::from).into_iter().chain([standard]);
    folders.map(|folder| folder.join("bus")).find(|path| is_socket_of(path, user)).map(Address::Path)
}

fn is_socket_of(path: &Path, user: u32) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket() && found.uid() == user)
}

/// Parses `transport:key=value,...` addresses separated by `;`. Skips those that are malformed or are not Unix sockets
/// to connect to.
fn parse(text: &OsStr) -> Vec<Address> {
    text.as_bytes().split(|&byte| byte == b';').filter_map(parse_one).collect()
}

fn parse_one(text: &[u8]) -> Option<Address> {
    let mut found = None;
    for pair in text.strip_prefix(b"unix:")?.split(|&byte| byte == b',') {
        let equals = pair.iter().position(|&byte| byte == b'=')?;
        let value = unescape(&pair[equals + 1..])?;
        let address = match &pair[..equals] {
            b"path" => Address::Path(PathBuf::from(OsString::from_vec(value))),
            b"abstract" => Address::Abstract(value),
            // `guid` identifies a bus, which does not matter to a client that connects once. The other keys are for
            // servers.
            _ => continue,
        };
        if found.replace(address).is_some() {
            return None;
        }
    }
    found
}

/// Decodes escapes such as `%2f`. `None` if an escape is broken or the result cannot be a name.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        plain.push(match byte {
            b'%' => hex(*rest.next()?)? * 16 + hex(*rest.next()?)?,
            _ => byte,
        });
    }
    (!plain.is_empty() && !plain.contains(&0)).then_some(plain)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Address {
        Address::Path(PathBuf::from(text))
    }

    #[track_caller]
    fn check(text: &str, expected: &[Address]) {
        assert_eq!(parse(OsStr::new(text)), expected, "{text}");
    }

    #[test]
    fn unix_sockets_are_found() {
        check("unix:path=/run/user/1000/bus", &[path("/run/user/1000/bus")]);
        check("unix:path=/tmp/a,guid=0123456789abcdef0123456789abcdef", &[path("/tmp/a")]);
        check("unix:guid=01,path=/tmp/a", &[path("/tmp/a")]);
        check("unix:abstract=/tmp/dbus-x", &[Address::Abstract(b"/tmp/dbus-x".to_vec())]);
        check("unix:path=/tmp/a;unix:abstract=b;", &[path("/tmp/a"), Address::Abstract(b"b".to_vec())]);
        check("tcp:host=localhost,port=1;unix:path=/tmp/a", &[path("/tmp/a")]);
    }

    #[test]
    fn escapes_are_undone() {
        check("unix:path=/tmp/a%20b%2Cc%3b%25", &[path("/tmp/a b,c;%")]);
        check("unix:path=/tmp/%C3%A9", &[path("/tmp/é")]);
        check("unix:path=/tmp/@+x=y", &[path("/tmp/@+x=y")]);
    }

    #[test]
    fn what_cannot_be_connected_to_is_skipped() {
        for text in [
            "",
            ";",
            ";;",
            "disabled:",
            "autolaunch:",
            "unix",
            "unix:",
            "unix:path",
            "unix:path=",
            "unix:tmpdir=/tmp",
            "unix:runtime=yes",
            "unix:path=/a,abstract=b",
            "unix:path=/a,path=/b",
            "unix:path=/tmp/%",
            "unix:path=/tmp/%4",
            "unix:path=/tmp/%+1",
            "unix:path=/tmp/%zz",
            "unix:path=/tmp/%00",
            "unixexec:path=/bin/false",
            "UNIX:path=/a",
            "=",
            "a=b",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_variable_without_a_bus_is_an_answer() {
        assert_eq!(parse_variable(Some("disabled:".into())), Some(vec![]));
        assert_eq!(parse_variable(Some("".into())), None);
        assert_eq!(parse_variable(None), None);
    }

    #[test]
    fn only_an_own_socket_counts() {
        let folder = std::env::temp_dir().join(format!("cast-address-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let bus = folder.join("bus");
        std::fs::write(&bus, "").unwrap();
        let here = || own_in(Some(folder.clone().into()));
        assert_ne!(here(), Some(Address::Path(bus.clone())), "a plain file is not a bus");
        std::fs::remove_file(&bus).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(&bus).unwrap();
        assert_eq!(here(), Some(Address::Path(bus.clone())));
        assert!(!is_socket_of(&bus, rustix::process::getuid().as_raw() + 1));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(bytes: Vec<u8>) {
            parse(OsStr::from_bytes(&bytes));
            parse(OsStr::from_bytes(&[b"unix:path=".as_slice(), &bytes].concat()));
        }
    }
}
