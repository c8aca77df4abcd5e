//! Tests the conversation with a scripted service. Every reply is in the socket before the first call, so no test
//! waits, and the script can send what a healthy service never sends.

use std::io::Write;
use std::os::unix::net::UnixStream;

use cast_testing::Tries;

use super::*;
use crate::dbus::replies::{SERVICE as SENDER, error, reply, signal};

/// The kind of these tries, for the table of `.ci/prove`.
const HOSTILE: &str = "hostile bus";
const ITEM: &str = "/org/freedesktop/secrets/collection/login/1";
const OTHER: &str = "/org/freedesktop/secrets/collection/login/2";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";
const SESSION: &str = "/org/freedesktop/secrets/session/s1";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/p1";
const HANDSHAKE: &[u8] = b"DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n";
const KEY: &[u8] = b"AGE-SECRET-KEY-1EXAMPLE\n";

fn paths(body: &mut Writer, paths: &[&str]) {
    body.array(4, |body| paths.iter().for_each(|path| body.text(path)));
}

/// The handshake, `Hello` (1) and the greeting (2), which begin every conversation.
fn greeting() -> Vec<u8> {
    let name_acquired =
        signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameAcquired", "s", |body| body.text(":1.9"));
    [HANDSHAKE.to_vec(), reply(1, "s", |body| body.text(":1.9")), name_acquired, greeted()].concat()
}

fn greeted() -> Vec<u8> {
    reply(2, "o", |body| body.text("/"))
}

fn session(to: u32) -> Vec<u8> {
    reply(to, "vo", |body| {
        body.signature("s");
        body.text("");
        body.text(SESSION);
    })
}

fn found(to: u32, unlocked: &[&str], locked: &[&str]) -> Vec<u8> {
    reply(to, "aoao", |body| {
        paths(body, unlocked);
        paths(body, locked);
    })
}

fn unlock(to: u32, done: &[&str], prompt: &str) -> Vec<u8> {
    reply(to, "aoo", |body| {
        paths(body, done);
        body.text(prompt);
    })
}

fn completed(dismissed: bool) -> Vec<u8> {
    signal(PROMPT, "org.freedesktop.Secret.Prompt", "Completed", "bv", |body| {
        body.number(dismissed.into());
        body.signature("ao");
        paths(body, &[]);
    })
}

fn value(to: u32, secret: &[u8]) -> Vec<u8> {
    reply(to, "(oayays)", |body| {
        body.text(SESSION);
        body.bytes(&[]);
        body.bytes(secret);
        body.text("text/plain");
    })
}

fn fetch() -> Vec<u8> {
    [greeting(), session(3), found(4, &[ITEM], &[]), value(5, KEY)].concat()
}

/// A conversation over a connected socket.
fn over(socket: UnixStream, limits: Limits, waiting: &mut dyn FnMut()) -> Result<Keyring<'_>> {
    let mut bus = Bus::on(socket.into(), Instant::now() + limits.service);
    let owner = greet(&mut bus)?;
    Ok(Keyring { bus, owner, limits, waiting })
}

/// Runs one conversation. Returns its result, what the service received, and how often cast reported waiting for the
/// user.
fn converse<T>(script: &[u8], limits: Limits, act: impl FnOnce(Keyring) -> Result<T>) -> (Result<T>, Vec<u8>, u32) {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(script).unwrap();
    theirs.shutdown(std::net::Shutdown::Write).unwrap();
    let mut waits = 0;
    let mut waiting = || waits += 1;
    let result = over(ours, limits, &mut waiting).and_then(act);
    let mut said = Vec::new();
    // If cast drops the connection before it has read everything, the peer gets a reset after the data.
    let _ = std::io::Read::read_to_end(&mut theirs, &mut said);
    (result, said, waits)
}

// As functions, because the lifetime of a method path is not general enough for `converse`.
fn fetched(keyring: Keyring) -> Result<Option<SecretString>> {
    keyring.load()
}

fn deleted_by(keyring: Keyring) -> Result<bool> {
    keyring.delete()
}

fn load(script: &[u8]) -> Result<Option<String>> {
    converse(script, LIMITS, fetched).0.map(|key| key.map(|key| key.expose_secret().to_owned()))
}

fn says(said: &[u8], text: &str) -> bool {
    said.windows(text.len()).any(|window| window == text.as_bytes())
}

fn protocol(detail: &str) -> KeyringError {
    KeyringError::Protocol { detail: detail.into() }
}

#[test]
fn a_key_is_fetched() {
    assert_eq!(load(&fetch()), Ok(Some("AGE-SECRET-KEY-1EXAMPLE\n".into())));
}

#[test]
fn replies_are_told_apart_by_their_serials() {
    let script = [greeting(), found(4, &[ITEM], &[]), session(3), value(5, KEY)].concat();
    assert!(matches!(load(&script), Ok(Some(_))));
}

#[test]
fn a_key_longer_than_every_buffer_is_fetched_and_saved() {
    let long = "K".repeat(100_000);
    let script = [greeting(), session(3), found(4, &[ITEM], &[]), value(5, long.as_bytes())].concat();
    assert_eq!(load(&script), Ok(Some(long.clone())));
    let script = [greeting(), session(3), found(4, &[ITEM], &[]), reply(5, "", |_| ())].concat();
    let (saved, said, _) = converse(&script, LIMITS, |keyring| keyring.save(&SecretString::from(long.clone())));
    assert_eq!(saved, Ok(()));
    assert!(says(&said, &long) && says(&said, "SetSecret"));
}

#[test]
fn an_entry_that_is_there_is_set_and_a_new_one_created_beside_nothing() {
    let key = SecretString::from("new".to_owned());
    let created = reply(7, "oo", |body| {
        body.text(ITEM);
        body.text("/");
    });
    let alias = reply(5, "o", |body| body.text(COLLECTION));
    let script = [greeting(), session(3), found(4, &[], &[]), alias, unlock(6, &[COLLECTION], "/"), created].concat();
    let (saved, said, waits) = converse(&script, LIMITS, |keyring| keyring.save(&key));
    assert_eq!((saved, waits), (Ok(()), 0));
    assert!(says(&said, "CreateItem") && says(&said, LABEL) && !says(&said, "SetSecret"));
    assert!(said.ends_with(&0_u32.to_le_bytes()), "an entry is never replaced unseen");
}

#[test]
fn a_locked_service_that_cannot_search_is_unlocked_before_there_is_no_key() {
    let script = [
        greeting(),
        session(3),
        found(4, &[], &[]),
        reply(5, "o", |body| body.text(COLLECTION)),
        unlock(6, &[], PROMPT),
        reply(7, "", |_| ()),
        reply(8, "", |_| ()),
        completed(false),
        found(9, &[ITEM], &[]),
        value(10, KEY),
    ];
    assert!(matches!(load(&script.concat()), Ok(Some(_))));
}

/// A locked entry whose prompt is shown, followed by `then`.
fn prompted(then: &[Vec<u8>]) -> Vec<u8> {
    let mut script = [
        greeting(),
        session(3),
        found(4, &[], &[ITEM]),
        unlock(5, &[], PROMPT),
        reply(6, "", |_| ()),
        reply(7, "", |_| ()),
    ]
    .concat();
    script.extend(then.concat());
    script
}

#[test]
fn an_entry_is_unlocked_by_the_dialog() {
    let (key, said, waits) = converse(&prompted(&[completed(false), value(8, KEY)]), LIMITS, fetched);
    assert!(matches!(key, Ok(Some(_))));
    assert_eq!(waits, 0, "a dialog that ends at once is not reported");
    let at = |text: &str| said.windows(text.len()).position(|window| window == text.as_bytes());
    assert!(at("AddMatch") < at("org.freedesktop.Secret.Prompt\0"), "the signal is subscribed to before it can come");
}

#[test]
fn a_dialog_that_cannot_be_shown_means_locked_and_a_dismissed_one_refused() {
    let script = prompted(&[completed(true)]);
    assert_eq!(load(&script), Err(KeyringError::Locked));
    let patient = Limits { grace: Duration::ZERO, ..LIMITS };
    let (key, _, waits) = converse(&script, patient, fetched);
    assert_eq!((key.map(drop), waits), (Err(KeyringError::Refused), 1));
}

#[test]
fn a_caller_may_wait_for_ever() {
    let forever = Limits { grace: Duration::ZERO, ..Limits::within(Duration::MAX) };
    let (key, _, waits) = converse(&prompted(&[completed(false), value(8, KEY)]), forever, fetched);
    assert!(matches!(key, Ok(Some(_))));
    assert_eq!(waits, 1);
}

#[test]
fn an_unanswered_dialog_is_closed() {
    let hasty = Limits { grace: Duration::ZERO, dialog: Duration::from_nanos(1), ..LIMITS };
    let (key, said, waits) = converse(&prompted(&[]), hasty, fetched);
    assert_eq!((key.map(drop), waits), (Err(KeyringError::DialogTimeout), 1));
    assert!(says(&said, "Dismiss"));
}

#[test]
fn only_the_service_itself_ends_its_dialog() {
    let mut forged = completed(false);
    let at = forged.windows(SENDER.len()).position(|window| window == SENDER.as_bytes()).unwrap();
    forged[at + 3] = b'6';
    assert_eq!(load(&prompted(&[forged, completed(true)])), Err(KeyringError::Locked));
}

#[test]
fn another_signal_of_the_service_does_not_end_its_dialog() {
    let other = signal(PROMPT, "org.freedesktop.Secret.Collection", "ItemChanged", "o", |body| body.text(ITEM));
    assert!(matches!(load(&prompted(&[other, completed(false), value(8, KEY)])), Ok(Some(_))));
}

#[test]
fn what_is_in_doubt_is_left_alone() {
    for (unlocked, locked) in [(&[ITEM, OTHER][..], &[][..]), (&[ITEM], &[OTHER]), (&[], &[ITEM, OTHER])] {
        let script = [greeting(), session(3), found(4, unlocked, locked)].concat();
        assert_eq!(load(&script), Err(KeyringError::Ambiguous(2)));
        let (deleted, said, _) = converse(&[greeting(), found(3, unlocked, locked)].concat(), LIMITS, deleted_by);
        assert_eq!(deleted, Err(KeyringError::Ambiguous(2)));
        assert!(!says(&said, "Delete"));
    }
}

#[test]
fn a_refusal_has_its_own_words() {
    let session_refused = "org.freedesktop.DBus.Error.NotSupported";
    let tries = Tries::at(8, HOSTILE);
    for (answers, expected) in [
        (vec![error(2, "org.freedesktop.DBus.Error.ServiceUnknown")], KeyringError::NoService),
        (vec![greeted(), error(4, "org.example.Odd")], protocol("org.example.Odd")),
        (vec![greeted(), error(4, "a\x1b[31m")], protocol("an error without a name")),
        (
            vec![greeted(), error(3, session_refused), found(4, &[ITEM], &[])],
            protocol("the service refuses a plain session"),
        ),
        (vec![greeted(), session(3), found(4, &[], &[ITEM]), unlock(5, &[], "/")], KeyringError::Locked),
        (
            vec![greeted(), session(3), found(4, &[ITEM], &[]), error(5, "org.freedesktop.Secret.Error.IsLocked")],
            KeyringError::Locked,
        ),
        (vec![greeted(), session(3), found(4, &[ITEM], &[]), value(5, &[0xff])], KeyringError::NotUtf8),
        (vec![greeted(), session(3), reply(4, "as", |_| ())], protocol("the answer is malformed")),
    ] {
        tries.next();
        let script = [HANDSHAKE.to_vec(), reply(1, "s", |body| body.text(":1.9")), answers.concat()].concat();
        assert_eq!(load(&script), Err(expected));
    }
}

#[test]
fn a_bus_that_will_not_have_us_is_another_users() {
    assert_eq!(load(b"REJECTED EXTERNAL\r\n"), Err(KeyringError::OtherUsersBus));
    // The peer of this socket is this process, so the bus does not belong to another user.
    assert_eq!(load(b""), Err(protocol("the connection was closed")));
    assert_eq!(load(b"ERROR\r\n"), Err(protocol("the answer is malformed")));
    assert_eq!(load(&b"x".repeat(5000)), Err(protocol("the answer is malformed")));
}

#[test]
fn a_flood_of_unexpected_replies_is_not_kept() {
    let flood = [greeting(), session(3).repeat(100)].concat();
    assert_eq!(load(&flood), Err(protocol("the answer is malformed")));
}

#[test]
fn a_silent_peer_is_left_after_the_limit() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let limits = Limits { service: Duration::from_millis(30), ..LIMITS };
    let mut waiting = || ();
    assert_eq!(over(ours, limits, &mut waiting).err(), Some(KeyringError::Silent));
}

#[test]
fn a_peer_that_says_one_byte_at_a_time_has_no_more_time_than_another() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    // Sends until the reader is gone.
    let drip = std::thread::spawn(move || {
        while theirs.write_all(b"x").is_ok() {
            std::thread::yield_now();
        }
    });
    let limits = Limits { service: Duration::from_millis(30), ..LIMITS };
    let mut waiting = || ();
    assert!(over(ours, limits, &mut waiting).is_err());
    drip.join().unwrap();
}

#[test]
fn a_peer_that_does_not_read_has_no_more_time_than_another() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(&[greeting(), session(3), found(4, &[ITEM], &[])].concat()).unwrap();
    let limits = Limits { service: Duration::from_millis(200), ..LIMITS };
    let mut waiting = || ();
    let keyring = over(ours, limits, &mut waiting).unwrap();
    assert_eq!(keyring.save(&SecretString::from("K".repeat(10 << 20))), Err(KeyringError::Silent));
}

#[test]
fn a_peer_that_leaves_at_any_byte_is_noticed() {
    let whole = prompted(&[completed(false), value(8, KEY)]);
    let tries = Tries::at(whole.len(), HOSTILE);
    for end in 0..whole.len() {
        tries.next();
        assert!(load(&whole[..end]).is_err(), "{end}");
    }
    assert!(load(&whole).is_ok());
}

proptest::proptest! {
    #[test]
    fn a_peer_that_lies_at_any_byte_neither_hangs_nor_crashes_us(at: proptest::sample::Index, with: u8) {
        let _try = Tries::one(HOSTILE);
        let mut script = prompted(&[completed(false), value(8, KEY)]);
        let at = at.index(script.len());
        script[at] = with;
        let _ = load(&script);
    }

    #[test]
    fn noise_neither_hangs_nor_crashes_us(after in 0..4_usize, noise: Vec<u8>) {
        let _try = Tries::one(HOSTILE);
        let polite = [vec![], HANDSHAKE.to_vec(), greeting(), [greeting(), session(3)].concat()];
        let _ = load(&[polite[after].clone(), noise].concat());
    }
}
