//! The master key in the Secret Service of this session (freedesktop.org Secret Service API, draft 0.2): one entry,
//! found by the attributes that the `keyring` crate uses. Promises an answer within `Limits`, and never to replace or
//! remove an entry if more than one matches.
//!
//! A fetch takes four round trips: the bus's handshake; `Hello` and a greeting; `OpenSession` and `SearchItems`;
//! `GetSecret`. The session is not encrypted: the secret crosses a local socket that only this user and root can read,
//! and both could ask the service anyway.

mod bus_error;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
#[cfg(test)]
mod real;
#[cfg(test)]
mod scripted;

use std::time::{Duration, Instant};

use age::secrecy::{ExposeSecret, SecretString};

use crate::dbus::{Bus, BusError, Message, Method, Pending, Writer};
use crate::{KeyringError, Presence};

type Result<T> = std::result::Result<T, KeyringError>;

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
/// The path that means "no object".
const NONE: &str = "/";

/// The attributes that identify the entry: those of the `keyring` crate's Secret Service stores.
const ATTRIBUTES: [(&str, &str); 2] = [("service", "cast"), ("username", "master-key")];
const LABEL: &str = "cast master key";

/// How long to wait.
#[derive(Clone, Copy)]
struct Limits {
    /// The total for all answers without a dialog.
    service: Duration,
    /// For a dialog to fail because it cannot be shown: gnome-keyring reports that after 0.1 s. If the dialog ends
    /// later, the user dismissed it.
    grace: Duration,
    /// For the user to answer the dialog. With zero, nothing is unlocked.
    dialog: Duration,
}

const LIMITS: Limits =
    Limits { service: Duration::from_secs(5), grace: Duration::from_secs(1), dialog: Duration::from_secs(60) };

impl Limits {
    /// The limits for a caller who waits for `patience`: the whole of it for a dialog, and at most the usual time for
    /// everything else.
    fn within(patience: Duration) -> Self {
        // An instant too far away would overflow the clock.
        let patience = patience.min(LONGEST);
        Self { service: LIMITS.service.min(patience), grace: LIMITS.grace.min(patience), dialog: patience }
    }
}

/// The longest wait for a dialog.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// For a caller that does not wait.
const AT_ONCE: Limits = Limits { service: Duration::from_millis(300), grace: Duration::ZERO, dialog: Duration::ZERO };

/// Fetches the key. `None` means that there is certainly no key, not even in a locked collection. Calls `waiting` once
/// if the keyring shows the user a dialog.
pub fn load(patience: Duration, waiting: &mut dyn FnMut()) -> Result<Option<SecretString>> {
    Keyring::of_this_session(Limits::within(patience), waiting)?.load()
}

/// Fetches the key from a keyring that is unlocked and answers within 300 ms. Never shows a dialog.
pub fn load_at_once() -> Result<Option<SecretString>> {
    Keyring::of_this_session(AT_ONCE, &mut || ())?.load()
}

/// Stores the key and replaces an existing one. The caller must read it back.
pub fn save(key: &SecretString, patience: Duration, waiting: &mut dyn FnMut()) -> Result<()> {
    Keyring::of_this_session(Limits::within(patience), waiting)?.save(key)
}

/// Removes the key. Returns whether there was one.
pub fn delete(patience: Duration, waiting: &mut dyn FnMut()) -> Result<bool> {
    Keyring::of_this_session(Limits::within(patience), waiting)?.delete()
}

/// Checks whether there is a key. Unlocks nothing, so it shows no dialog.
pub fn look() -> Result<Presence> {
    Keyring::of_this_session(LIMITS, &mut || ())?.look()
}

/// Where the key is, or would be.
enum Place {
    /// In this item, which is unlocked.
    Item(String),
    /// Nowhere. A new item belongs in this collection, which is unlocked; `None` if there is no default collection.
    Nowhere(Option<String>),
}

/// A conversation with the service.
struct Keyring<'a> {
    bus: Bus,
    /// The unique name of the service on the bus, so that no other process can answer for a dialog.
    owner: String,
    limits: Limits,
    waiting: &'a mut dyn FnMut(),
}

impl<'a> Keyring<'a> {
    fn of_this_session(limits: Limits, waiting: &'a mut dyn FnMut()) -> Result<Self> {
        Self::on(Bus::of_this_session(Instant::now() + limits.service)?, limits, waiting)
    }

    fn on(mut bus: Bus, limits: Limits, waiting: &'a mut dyn FnMut()) -> Result<Self> {
        let owner = greet(&mut bus)?;
        Ok(Self { bus, owner, limits, waiting })
    }

    fn load(mut self) -> Result<Option<SecretString>> {
        let session = self.open_session();
        let Place::Item(item) = self.find()? else {
            return Ok(None);
        };
        let session = self.session(session)?;
        let secret = self.bus.call(&of_item(&item, "GetSecret", "o"), |arguments| arguments.text(&session));
        let reply = self.bus.reply(secret)?;
        let mut body = reply.body("(oayays)").map_err(BusError::from)?;
        let mut value = || {
            body.path()?;
            body.bytes()?; // the parameters of an encrypted session
            body.bytes()
        };
        let text = std::str::from_utf8(value().map_err(BusError::from)?).map_err(|_| KeyringError::NotUtf8)?;
        Ok(Some(SecretString::from(text.to_owned())))
    }

    fn save(mut self, key: &SecretString) -> Result<()> {
        let session = self.open_session();
        let place = self.find()?;
        let session = self.session(session)?;
        self.bus.reserve(key.expose_secret().len());
        match place {
            Place::Item(item) => {
                let set = self.bus.call(&of_item(&item, "SetSecret", "(oayays)"), |body| secret(body, &session, key));
                self.bus.reply(set)?;
            }
            Place::Nowhere(None) => return Err(KeyringError::NoDefaultCollection),
            Place::Nowhere(Some(collection)) => {
                let create = method(&collection, "org.freedesktop.Secret.Collection", "CreateItem", "a{sv}(oayays)b");
                let create = self.bus.call(&create, |body| {
                    properties(body);
                    secret(body, &session, key);
                    // Do not replace: the search found nothing, so an entry made since then is a key of another
                    // process. The caller notices two entries when it reads back, but would never notice a replaced
                    // one.
                    body.number(0);
                });
                let reply = self.bus.reply(create)?;
                let mut body = reply.body("oo").map_err(BusError::from)?;
                body.path().map_err(BusError::from)?;
                self.follow(body.path().map_err(BusError::from)?)?;
            }
        }
        Ok(())
    }

    fn delete(mut self) -> Result<bool> {
        let Place::Item(item) = self.find()? else {
            return Ok(false);
        };
        let delete = self.bus.call(&of_item(&item, "Delete", ""), |_| ());
        let reply = self.bus.reply(delete)?;
        self.follow(reply.body("o").and_then(|mut body| body.path()).map_err(BusError::from)?)?;
        Ok(true)
    }

    fn open_session(&mut self) -> Pending {
        self.bus.call(&of_service("OpenSession", "sv"), |arguments| {
            arguments.text("plain");
            arguments.signature("s");
            arguments.text("");
        })
    }

    fn session(&mut self, call: Pending) -> Result<String> {
        let reply = self.bus.reply(call).map_err(|cause| match cause {
            BusError::Refused(name) if name == "org.freedesktop.DBus.Error.NotSupported" => {
                KeyringError::Protocol { detail: "the service refuses a plain session".into() }
            }
            cause => cause.into(),
        })?;
        let mut body = reply.body("vo").map_err(BusError::from)?;
        let path = body.skip_variant().and_then(|()| body.path()).map_err(BusError::from)?;
        Ok(path.to_owned())
    }

    /// Finds the entry, and unlocks it or the collection where it would be.
    fn find(&mut self) -> Result<Place> {
        if let Some(item) = self.search()? {
            return Ok(Place::Item(item));
        }
        let Some(collection) = self.default_collection()? else {
            return Ok(Place::Nowhere(None));
        };
        // Some services (KeePassXC) cannot search a locked collection. Only an unlocked one can prove that there is no
        // key, and cast makes a new key when there is none.
        if self.unlock(&collection)?
            && let Some(item) = self.search()?
        {
            return Ok(Place::Item(item));
        }
        Ok(Place::Nowhere(Some(collection)))
    }

    fn look(mut self) -> Result<Presence> {
        match self.search_items()? {
            Some((_, true)) => return Ok(Presence::Locked),
            Some((_, false)) => return Ok(Presence::Entry),
            None => {}
        }
        let collection = self.default_collection()?.ok_or(KeyringError::NoDefaultCollection)?;
        Ok(if self.is_locked(&collection)? { Presence::Locked } else { Presence::Nothing })
    }

    /// Searches all collections and unlocks the item.
    fn search(&mut self) -> Result<Option<String>> {
        match self.search_items()? {
            Some((item, true)) => self.unlock(&item).map(|_| Some(item)),
            found => Ok(found.map(|(item, _)| item)),
        }
    }

    /// Searches all collections for the one item. Returns whether it is locked.
    fn search_items(&mut self) -> Result<Option<(String, bool)>> {
        let search = self.bus.call(&of_service("SearchItems", "a{ss}"), attributes);
        let reply = self.bus.reply(search)?;
        let mut body = reply.body("aoao").map_err(BusError::from)?;
        let unlocked = body.paths().map_err(BusError::from)?;
        let locked = body.paths().map_err(BusError::from)?;
        match (unlocked.as_slice(), locked.as_slice()) {
            ([], []) => Ok(None),
            ([item], []) => Ok(Some(((*item).to_owned(), false))),
            ([], [item]) => Ok(Some(((*item).to_owned(), true))),
            _ => Err(KeyringError::Ambiguous(unlocked.len() + locked.len())),
        }
    }

    fn is_locked(&mut self, collection: &str) -> Result<bool> {
        let get = self.bus.call(&method(collection, "org.freedesktop.DBus.Properties", "Get", "ss"), |arguments| {
            arguments.text("org.freedesktop.Secret.Collection");
            arguments.text("Locked");
        });
        let reply = self.bus.reply(get)?;
        let mut body = reply.body("v").map_err(BusError::from)?;
        match body.signature().map_err(BusError::from)? {
            "b" => Ok(body.boolean().map_err(BusError::from)?),
            _ => Err(KeyringError::Protocol { detail: "the service does not say whether it is locked".into() }),
        }
    }

    fn default_collection(&mut self) -> Result<Option<String>> {
        let read = self.bus.call(&of_service("ReadAlias", "s"), |arguments| arguments.text("default"));
        let reply = self.bus.reply(read)?;
        let path = reply.body("o").and_then(|mut body| body.path()).map_err(BusError::from)?;
        Ok((path != NONE).then(|| path.to_owned()))
    }

    /// Unlocks an item or a collection. Returns whether it was locked.
    fn unlock(&mut self, object: &str) -> Result<bool> {
        if self.limits.dialog.is_zero() {
            return Err(KeyringError::Locked);
        }
        let unlock = self.bus.call(&of_service("Unlock", "ao"), |arguments| {
            arguments.array(4, |objects| objects.text(object));
        });
        let reply = self.bus.reply(unlock)?;
        let mut body = reply.body("aoo").map_err(BusError::from)?;
        let done = body.paths().map_err(BusError::from)?.contains(&object);
        let asked = self.follow(body.path().map_err(BusError::from)?)?;
        if done || asked { Ok(asked) } else { Err(KeyringError::Locked) }
    }

    /// Shows the dialog that a call requires and waits for its end. Returns whether there was a dialog.
    fn follow(&mut self, prompt: &str) -> Result<bool> {
        const INTERFACE: &str = "org.freedesktop.Secret.Prompt";
        if prompt == NONE {
            return Ok(false);
        }
        // Sends both in one write. The bus handles them in order, so cast cannot miss the end of the dialog.
        let watch = self.bus.watch(prompt, INTERFACE, "Completed");
        let show = self.bus.call(&method(prompt, INTERFACE, "Prompt", "s"), |arguments| arguments.text(""));
        self.bus.reply(watch)?;
        self.bus.reply(show)?;

        let shown = Instant::now();
        let mut ended = self.ended_by(shown + self.limits.grace);
        let dialog_is_open = ended == Err(BusError::Timeout);
        if dialog_is_open {
            (self.waiting)();
            ended = self.ended_by(shown + self.limits.dialog);
        }
        self.bus.deadline = Instant::now() + self.limits.service;
        match ended {
            Ok(false) => Ok(true),
            Ok(true) if dialog_is_open => Err(KeyringError::Refused),
            Ok(true) => Err(KeyringError::Locked),
            Err(BusError::Timeout) => {
                // Closes the dialog, because cast no longer listens to it. The result of the call does not matter.
                self.bus.call(&method(prompt, INTERFACE, "Dismiss", ""), |_| ());
                let _ = self.bus.flush();
                Err(KeyringError::DialogTimeout)
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// Waits until `deadline` for the end of the dialog. Returns whether the user dismissed it.
    fn ended_by(&mut self, deadline: Instant) -> std::result::Result<bool, BusError> {
        self.bus.deadline = deadline;
        let signal: Message = self.bus.signal(&self.owner)?;
        Ok(signal.body("bv")?.boolean()?)
    }
}

/// Greets the service with a cheap question, an alias that does not exist. Returns the unique name of the service on
/// the bus.
///
/// gnome-keyring registers a new caller in one step of its main loop and handles the caller's message in another. If
/// the second step comes first, it aborts and comes back locked. An answer from the main loop to a call that needs no
/// registered caller shows that the caller is registered by now. A `Ping` does not show that, because another thread
/// answers it.
fn greet(bus: &mut Bus) -> std::result::Result<String, BusError> {
    let greeting = bus.call(&of_service("ReadAlias", "s"), |arguments| arguments.text("cast"));
    Ok(bus.reply(greeting)?.sender().to_owned())
}

fn method<'a>(path: &'a str, interface: &'a str, member: &'a str, signature: &'a str) -> Method<'a> {
    Method { destination: SERVICE, path, interface, member, signature }
}

fn of_service(member: &'static str, signature: &'static str) -> Method<'static> {
    method(ROOT, "org.freedesktop.Secret.Service", member, signature)
}

fn of_item<'a>(item: &'a str, member: &'static str, signature: &'static str) -> Method<'a> {
    method(item, "org.freedesktop.Secret.Item", member, signature)
}

/// The `a{ss}` of a search.
fn attributes(body: &mut Writer) {
    body.array(8, |body| {
        for (name, value) in ATTRIBUTES {
            body.align(8);
            body.text(name);
            body.text(value);
        }
    });
}

/// The `a{sv}` of a new item.
fn properties(body: &mut Writer) {
    body.array(8, |body| {
        body.align(8);
        body.text("org.freedesktop.Secret.Item.Label");
        body.signature("s");
        body.text(LABEL);
        body.align(8);
        body.text("org.freedesktop.Secret.Item.Attributes");
        body.signature("a{ss}");
        attributes(body);
    });
}

/// The `(oayays)` of a secret.
fn secret(body: &mut Writer, session: &str, key: &SecretString) {
    body.align(8);
    body.text(session);
    body.bytes(&[]); // a plain session has no parameters
    body.bytes(key.expose_secret().as_bytes());
    body.text("text/plain");
}
