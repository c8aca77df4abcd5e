//! Tests against a real dbus-daemon and a real gnome-keyring, private to each test, in a home of their own. If these
//! programs are not installed, the tests report that and pass.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::dbus::Address;

impl<'a> Keyring<'a> {
    fn open(addresses: &[Address], limits: Limits, waiting: &'a mut dyn FnMut()) -> Result<Self> {
        Self::on(Bus::open(addresses, Instant::now() + limits.service)?, limits, waiting)
    }
}

/// The password of every keyring here.
const PASSWORD: &str = "pw";
const KEY: &str = "# created: 2026-01-15T10:30:00Z\nAGE-SECRET-KEY-1EXAMPLE\n";

/// A private session: a bus, and a home for the processes on it. The processes end with it.
struct Session {
    home: PathBuf,
    bus: Child,
    keyring: Option<Child>,
}

impl Session {
    /// A bus that can start no service. `None` if dbus-daemon is not installed.
    fn start() -> Option<Self> {
        Self::start_as(None)
    }

    fn start_as(user: Option<u32>) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        for program in ["dbus-daemon", "gnome-keyring-daemon", "secret-tool"] {
            if Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
                cast_testing::skip(&format!("keyring: {program} is not installed"));
                return None;
            }
        }
        let home = format!("cast-keyring-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let home = std::env::temp_dir().join(home);
        std::fs::create_dir_all(home.join("run")).unwrap();
        std::fs::set_permissions(home.join("run"), PermissionsExt::from_mode(0o700)).unwrap();
        let config = home.join("bus.conf");
        std::fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context='default'>\
                 <allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/></policy></busconfig>",
                home.join("bus").display()
            ),
        )
        .unwrap();
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--print-address=1"]).arg(format!("--config-file={}", config.display()));
        if let Some(user) = user {
            std::os::unix::fs::chown(&home, Some(user), None).unwrap();
            command.uid(user);
        }
        let mut bus = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // dbus-daemon prints its address once it listens.
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        Some(Self { home, bus, keyring: None })
    }

    /// A bus with an unlocked keyring.
    fn unlocked() -> Option<Self> {
        let mut session = Self::start()?;
        session.start_keyring("--unlock");
        Some(session)
    }

    /// A bus with a locked keyring that contains a key.
    fn locked() -> Option<Self> {
        let mut session = Self::unlocked()?;
        session.save(KEY).unwrap();
        session.stop_keyring();
        session.start_keyring("--start");
        Some(session)
    }

    fn addresses(&self) -> [Address; 1] {
        [Address::Path(self.home.join("bus"))]
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", self.home.join("bus").display()))
            .env("HOME", &self.home)
            .env("XDG_RUNTIME_DIR", self.home.join("run"))
            .env("XDG_DATA_HOME", self.home.join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    /// Starts gnome-keyring and waits until it owns its name on the bus.
    fn start_keyring(&mut self, how: &str) {
        const BUS: &str = "org.freedesktop.DBus";
        let mut observer = self.client();
        let watch = observer.watch("/org/freedesktop/DBus", BUS, "NameOwnerChanged");
        observer.reply(watch).unwrap();
        let mut daemon = self.command("gnome-keyring-daemon");
        let mut daemon =
            daemon.args([how, "--foreground", "--components=secrets"]).stdout(Stdio::null()).spawn().unwrap();
        daemon.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        self.keyring = Some(daemon);
        loop {
            let signal = observer.signal(BUS).unwrap();
            if signal.body("sss").unwrap().text() == Ok(SERVICE) {
                return;
            }
        }
    }

    fn stop_keyring(&mut self) {
        if let Some(mut daemon) = self.keyring.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    /// A second client of the bus, for the test itself.
    fn client(&self) -> Bus {
        Bus::open(&self.addresses(), Instant::now() + Duration::from_secs(30)).unwrap()
    }

    /// Owns a name on the bus and never answers, while the returned value lives.
    fn take_name(&self, name: &str) -> Bus {
        let mut client = self.client();
        let bus = Method {
            destination: "org.freedesktop.DBus",
            path: "/org/freedesktop/DBus",
            interface: "org.freedesktop.DBus",
            member: "RequestName",
            signature: "su",
        };
        let request = client.call(&bus, |body| {
            body.text(name);
            body.number(0);
        });
        client.reply(request).unwrap();
        client
    }

    /// Calls `load`. Also returns how often it reported waiting for the user.
    fn load_within(&self, limits: Limits) -> (Result<Option<String>>, u32) {
        let mut waits = 0;
        let mut waiting = || waits += 1;
        let key = Keyring::open(&self.addresses(), limits, &mut waiting).and_then(Keyring::load);
        (key.map(|key| key.map(|key| key.expose_secret().to_owned())), waits)
    }

    fn load(&self) -> Result<Option<String>> {
        self.load_within(LIMITS).0
    }

    fn save(&self, key: &str) -> Result<()> {
        Keyring::open(&self.addresses(), LIMITS, &mut || ())?.save(&SecretString::from(key.to_owned()))
    }

    fn delete(&self) -> Result<bool> {
        Keyring::open(&self.addresses(), LIMITS, &mut || ())?.delete()
    }

    /// The number of entries, as libsecret sees it.
    fn count(&self) -> usize {
        let found = self.command("secret-tool").args(["search", "--all", "service", "cast"]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().lines().filter(|line| line.starts_with("[/")).count()
    }

    /// Stores an entry with these attributes through libsecret.
    fn store(&self, attributes: &[&str], value: &str) {
        let mut tool = self.command("secret-tool").args(["store", "--label=x"]).args(attributes).spawn().unwrap();
        tool.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop_keyring();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

#[test]
fn a_key_lives_and_dies() {
    let Some(session) = Session::unlocked() else { return };
    assert_eq!(session.load(), Ok(None));
    assert_eq!(session.delete(), Ok(false));
    assert_eq!(session.save(KEY), Ok(()));
    assert_eq!(session.load(), Ok(Some(KEY.into())));
    let longer = KEY.repeat(100);
    assert_eq!(session.save(&longer), Ok(()));
    assert_eq!(session.load(), Ok(Some(longer)));
    assert_eq!(session.count(), 1, "the second one replaced the first");
    assert_eq!(session.delete(), Ok(true));
    assert_eq!((session.load(), session.count()), (Ok(None), 0));
}

#[test]
fn an_entry_made_by_another_program_is_the_same_entry() {
    let Some(session) = Session::unlocked() else { return };
    session.store(&["service", "cast", "username", "someone-else"], "other");
    assert_eq!(session.load(), Ok(None));
    session.store(&["service", "cast", "username", "master-key", "application", "rust-keyring"], "first");
    assert_eq!(session.load(), Ok(Some("first".into())));
    assert_eq!(session.save("second"), Ok(()));
    assert_eq!((session.load(), session.count()), (Ok(Some("second".into())), 2));
}

#[test]
fn five_hundred_fetches_in_a_row_do_not_bring_the_service_down() {
    let Some(session) = Session::unlocked() else { return };
    session.save(KEY).unwrap();
    for count in 0..500 {
        assert_eq!(session.load(), Ok(Some(KEY.into())), "{count}");
    }
}

#[test]
fn no_bus_is_an_absent_keyring() {
    let nowhere = Address::Path(std::env::temp_dir().join("cast-no-such-folder/bus"));
    let endless = Address::Path(PathBuf::from(format!("/{}", "x".repeat(300))));
    let unheard = Address::Abstract(b"cast-nobody-listens".to_vec());
    for addresses in [vec![], vec![nowhere], vec![endless, unheard]] {
        let error = Keyring::open(&addresses, LIMITS, &mut || ()).err().unwrap();
        assert!(matches!(error, KeyringError::NoBus { .. }) && error.is_absent(), "{error}");
    }
}

#[test]
fn the_first_bus_that_answers_is_taken() {
    let Some(session) = Session::start() else { return };
    let [good] = session.addresses();
    let addresses = [Address::Path(session.home.join("none")), good];
    assert_eq!(Keyring::open(&addresses, LIMITS, &mut || ()).err(), Some(KeyringError::NoService));
}

#[test]
fn a_bus_without_a_service_is_an_absent_keyring() {
    let Some(session) = Session::start() else { return };
    assert_eq!(session.load(), Err(KeyringError::NoService));
    assert_eq!(session.save(KEY), Err(KeyringError::NoService));
}

#[test]
fn a_bus_of_another_user_is_told_apart() {
    if !rustix::process::geteuid().is_root() {
        cast_testing::skip("keyring: only root can start a bus for another user");
        return;
    }
    let Some(session) = Session::start_as(Some(65534)) else { return };
    assert_eq!(session.load(), Err(KeyringError::OtherUsersBus));
}

#[test]
fn a_locked_keyring_without_a_dialog_fails_at_once() {
    let Some(session) = Session::locked() else { return };
    assert_eq!(session.load_within(LIMITS), (Err(KeyringError::Locked), 0));
    assert_eq!(session.save("other"), Err(KeyringError::Locked));
    assert_eq!(session.delete(), Err(KeyringError::Locked));
}

#[test]
fn a_locked_keyring_without_the_key_is_not_taken_for_an_empty_one() {
    let Some(mut session) = Session::unlocked() else { return };
    session.store(&["service", "something", "username", "else"], "x");
    session.stop_keyring();
    session.start_keyring("--start");
    assert_eq!(session.load(), Err(KeyringError::Locked));
}

#[test]
fn a_dialog_that_is_never_answered_ends() {
    let Some(session) = Session::locked() else { return };
    let _prompter = session.take_name("org.gnome.keyring.SystemPrompter");
    let hasty = Limits { grace: Duration::from_millis(50), dialog: Duration::from_millis(200), ..LIMITS };
    assert_eq!(session.load_within(hasty), (Err(KeyringError::DialogTimeout), 1));
}

#[test]
fn a_keyring_without_a_collection_holds_no_key_and_takes_none() {
    let Some(mut session) = Session::start() else { return };
    session.start_keyring("--start");
    assert_eq!(session.load(), Ok(None));
    assert_eq!(session.delete(), Ok(false));
    assert_eq!(session.save(KEY), Err(KeyringError::NoDefaultCollection));
}

#[test]
fn two_entries_are_never_chosen_from() {
    let Some(session) = Session::unlocked() else { return };
    session.save(KEY).unwrap();
    session.store(&["service", "cast", "username", "master-key", "more", "1"], "second");
    assert_eq!(session.load(), Err(KeyringError::Ambiguous(2)));
    assert_eq!(session.save("third"), Err(KeyringError::Ambiguous(2)));
    assert_eq!(session.delete(), Err(KeyringError::Ambiguous(2)));
    assert_eq!(session.count(), 2);
}

#[test]
fn an_entry_that_is_no_text_is_damaged() {
    let Some(session) = Session::unlocked() else { return };
    session.save(KEY).unwrap();
    let mut waiting = || ();
    let mut keyring = Keyring::open(&session.addresses(), LIMITS, &mut waiting).unwrap();
    let opened = keyring.open_session();
    let Ok(Place::Item(item)) = keyring.find() else { panic!("it was just saved") };
    let opened = keyring.session(opened).unwrap();
    let set = keyring.bus.call(&of_item(&item, "SetSecret", "(oayays)"), |body| {
        body.text(&opened);
        body.bytes(&[]);
        body.bytes(b"AGE-SECRET-KEY-\xff");
        body.text("text/plain");
    });
    keyring.bus.reply(set).unwrap();
    assert_eq!(session.load(), Err(KeyringError::NotUtf8));
}

#[test]
fn a_service_that_never_answers_is_left_after_the_limit() {
    let Some(session) = Session::start() else { return };
    let _service = session.take_name(SERVICE);
    let hasty = Limits { service: Duration::from_millis(100), ..LIMITS };
    assert_eq!(session.load_within(hasty), (Err(KeyringError::Silent), 0));
}

#[test]
fn a_service_that_dies_meanwhile_is_not_waited_for() {
    let Some(mut session) = Session::unlocked() else { return };
    let mut waiting = || ();
    let addresses = session.addresses();
    let keyring = Keyring::open(&addresses, LIMITS, &mut waiting).unwrap();
    session.stop_keyring();
    assert_eq!(keyring.load().err(), Some(KeyringError::NoService));
}

#[test]
fn a_bus_that_is_stopped_is_left_after_the_limit() {
    let Some(session) = Session::start() else { return };
    let pid = Pid::from_child(&session.bus);
    kill_process(pid, Signal::STOP).unwrap();
    let hasty = Limits { service: Duration::from_millis(100), ..LIMITS };
    assert_eq!(session.load_within(hasty), (Err(KeyringError::Silent), 0));
}

#[test]
fn a_bus_that_has_stopped_accepting_is_left_after_the_limit() {
    let path = std::env::temp_dir().join(format!("cast-full-{}", std::process::id()));
    let socket = rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &rustix::net::SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let addresses = [Address::Path(path.clone())];
    let open = || Bus::open(&addresses, Instant::now() + Duration::from_millis(50));
    let taken: Vec<_> = (0..10).map(|_| open()).take_while(std::result::Result::is_ok).collect();
    assert!(taken.len() < 10, "the queue is full");
    assert_eq!(open().err(), Some(BusError::Timeout));
    std::fs::remove_file(&path).unwrap();
}

/// Connects where the variable names these addresses and the user has a bus at `own`.
fn named_or_own(named: Vec<Address>, own: &Address) -> std::result::Result<Bus, BusError> {
    Bus::named_or_own(Some(named), || Some(own.clone()), Instant::now() + Duration::from_millis(200))
}

#[test]
fn a_named_bus_that_is_gone_gives_way_to_the_users_own() {
    let Some(session) = Session::unlocked() else { return };
    session.save(KEY).unwrap();
    let [own] = session.addresses();
    let refused = session.home.join("refused");
    drop(std::os::unix::net::UnixListener::bind(&refused).unwrap());
    for gone in [
        vec![Address::Path(session.home.join("none"))],
        vec![Address::Path(session.home.join("bus.conf/none"))],
        vec![Address::Path(refused)],
        vec![Address::Abstract(b"cast-nobody-listens".to_vec()), Address::Path(session.home.join("none"))],
    ] {
        let bus = named_or_own(gone, &own).unwrap();
        let key = Keyring::on(bus, LIMITS, &mut || ()).and_then(Keyring::load).unwrap();
        assert_eq!(key.unwrap().expose_secret(), KEY);
    }
}

#[test]
fn a_named_bus_that_takes_the_connection_is_the_one() {
    let (Some(session), Some(broken)) = (Session::unlocked(), Session::start()) else { return };
    session.save(KEY).unwrap();
    let [own] = session.addresses();
    // A bus without a keyring.
    let bus = named_or_own(broken.addresses().into(), &own).unwrap();
    assert_eq!(Keyring::on(bus, LIMITS, &mut || ()).err(), Some(KeyringError::NoService));
    // One that has stopped.
    kill_process(Pid::from_child(&broken.bus), Signal::STOP).unwrap();
    let hasty = Limits { service: Duration::from_millis(100), ..LIMITS };
    let bus = named_or_own(broken.addresses().into(), &own).unwrap();
    assert_eq!(Keyring::on(bus, hasty, &mut || ()).err(), Some(KeyringError::Silent));
    // None that can be used, as with "disabled:".
    assert!(matches!(named_or_own(vec![], &own), Err(BusError::NoBus(_))));
}

#[test]
fn an_own_bus_that_does_not_answer_is_left_after_the_limit() {
    let Some(session) = Session::start() else { return };
    kill_process(Pid::from_child(&session.bus), Signal::STOP).unwrap();
    let [own] = session.addresses();
    let bus = named_or_own(vec![Address::Path(session.home.join("none"))], &own).unwrap();
    assert_eq!(Keyring::on(bus, LIMITS, &mut || ()).err(), Some(KeyringError::Silent));
    // Where that one is gone as well, the error names what is wrong.
    let gone = named_or_own(vec![Address::Path(session.home.join("none"))], &Address::Path(session.home.join("x")));
    assert_eq!(gone.err(), Some(BusError::NoBus("DBUS_SESSION_BUS_ADDRESS names a bus that is gone".into())));
}
