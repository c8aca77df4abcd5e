//! CMD's environment: the caller's variables, then the built-in secrets, then the agent's own. Later ones win. The
//! variables that unlock vaults are never passed on, nor what an outer run injected (`outer`).

mod given;
mod outer;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;

use cast_vault::{AgentName, BUILTIN, Entry, Flags, SecretName, SecretValue};

use crate::failure::{Failure, Kind, Result};
use crate::platform::exec::{Environment, NEEDED_VARIABLES, VARIABLES_IGNORE_CASE};
use crate::suggestion;

pub(crate) use given::{Given, StandInKey};
pub use outer::INJECTED;
pub(crate) use outer::{Outer, SALT, injected};

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The built-in secrets, which go into every agent.
    Builtin,
    /// The agent's own secrets.
    Agent,
    /// What an outer run injected, and the user wants to keep.
    Outer,
}

/// Which secrets CMD gets.
#[derive(Debug, Default)]
pub enum Selection {
    /// All.
    #[default]
    All,
    /// Only these.
    Only(Vec<SecretName>),
    /// All but these.
    Except(Vec<SecretName>),
}

/// A secret on its way into the environment.
#[derive(Debug)]
pub struct Injection {
    /// Where it comes from.
    pub source: Source,
    /// Whether it replaces a built-in secret of the same name.
    pub overrides_builtin: bool,
    /// How the owner wants it treated.
    pub flags: Flags,
    /// What CMD gets.
    pub(crate) given: Given,
}

/// The secrets for the environment, by name.
#[derive(Debug, Default)]
pub struct Injections(BTreeMap<SecretName, Injection>);

/// The variable that holds a key.
pub const KEY: &str = "CAST_KEY";
/// The variable that names the file of a key.
pub const KEY_FILE: &str = "CAST_KEY_FILE";
/// The variable that names the file of a passphrase for the key file.
pub const PASSPHRASE_FILE: &str = "CAST_PASSPHRASE_FILE";
/// All variables that let this process open vaults.
pub const UNLOCK_MATERIAL: [&str; 3] = [KEY, KEY_FILE, PASSPHRASE_FILE];

/// The variables that a clean environment keeps, besides `LC_*`.
const CLEAN: [&str; 9] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "TZ", "TMPDIR"];

impl Injections {
    /// Adds secrets and replaces those of the same name. `stand_in_key` is for those that are brokered. `refuse_not_given`
    /// finds those that CMD cannot get as their owner wants.
    pub(crate) fn add(&mut self, source: Source, secrets: BTreeMap<SecretName, Entry>, stand_in_key: &StandInKey<'_>) {
        let added = secrets.into_iter().map(|(name, Entry { flags, secret })| {
            let overrides_builtin = source == Source::Agent && self.0.contains_key(&name);
            let given = Given::of(&name, &flags, secret.map(|secret| secret.value), stand_in_key);
            let flags = Flags { from: None, ..flags };
            (name, Injection { source, overrides_builtin, flags, given })
        });
        // Faster than one insert for each: both sides are sorted.
        let mut added = added.collect();
        self.0.append(&mut added);
    }

    /// Adds what an outer run injected, below all that is here.
    pub(crate) fn inherit(&mut self, outer: Vec<Outer>) {
        for Outer { name, value, unmasked } in outer {
            // cast injects only text, so another value is not an outer run's.
            let value = value.into_string().ok().and_then(|value| SecretValue::from_text(value).ok());
            let flags = Flags { unmasked, ..Flags::default() };
            if let Some(value) = value.filter(|_| !self.replaces(name.as_str().as_ref())) {
                let given = Given::AsItIs(value);
                let injection = Injection { source: Source::Outer, overrides_builtin: false, flags, given };
                self.0.insert(name, injection);
            }
        }
    }

    /// Refuses secrets that CMD cannot get as their owner wants: they are never given in another way.
    pub(crate) fn refuse_not_given(&self, agent: &AgentName) -> Result<(), Failure> {
        let failure = self.0.iter().find_map(|(name, Injection { source, given, .. })| {
            let owner = if *source == Source::Builtin { BUILTIN } else { agent.as_str() };
            given.failure(name, owner)
        });
        failure.map_or(Ok(()), Err)
    }

    /// Keeps only the selected secrets. An unknown name is an error: it may be a typo, and CMD would then lack a secret
    /// or get one that it should not.
    pub(crate) fn select(&mut self, selection: &Selection, agent: &AgentName) -> Result<()> {
        let (names, option) = match selection {
            Selection::Only(names) => (names, "--only"),
            Selection::Except(names) => (names, "--except"),
            Selection::All => return Ok(()),
        };
        if let Some(unknown) = names.iter().find(|name| !self.0.contains_key(*name)) {
            let what = format!("agent '{agent}' has no secret '{unknown}', which '{option}' names");
            let failure = Failure::new(Kind::NotFound, what);
            return Err(match suggestion::closest(unknown.as_str(), self.0.keys().map(SecretName::as_str)) {
                Some(known) => failure.hint(format!("did you mean '{known}'?")),
                None => failure.hint(format!("see what there is: 'cast run {agent} --explain'")),
            });
        }
        let only = matches!(selection, Selection::Only(_));
        self.0.retain(|name, _| names.contains(name) == only);
        Ok(())
    }

    /// Whether `name` is injected.
    pub fn contains(&self, name: &SecretName) -> bool {
        self.0.contains_key(name)
    }

    /// The injected secrets, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&SecretName, &Injection)> {
        self.0.iter()
    }

    /// The names of those that CMD does not have itself.
    pub(crate) fn brokered(&self) -> impl Iterator<Item = &SecretName> {
        let is_brokered = |injection: &Injection| matches!(injection.given, Given::Brokered { .. });
        self.0.iter().filter(move |(_, injection)| is_brokered(injection)).map(|(name, _)| name)
    }

    /// The whole environment: `inherited` without unlock material, plus the secrets, plus the list of their names for an
    /// inner run.
    pub(crate) fn over(
        &self,
        inherited: impl Iterator<Item = (OsString, OsString)>,
        salt: &SecretValue,
    ) -> io::Result<Environment> {
        let mut environment = Environment::default();
        for (name, value) in inherited.filter(|(name, _)| is_inherited(name, false) && !self.replaces(name)) {
            environment.push(&name, &value)?;
        }
        for (name, injection) in &self.0 {
            let Some(text) = injection.given.text() else { continue };
            environment.push(name.as_str().as_ref(), text.as_ref())?;
        }
        if !self.0.is_empty() {
            let entries = self.0.iter().filter_map(|(name, Injection { given, flags, .. })| {
                Some((name, given.text()?.as_bytes(), flags.unmasked))
            });
            for (name, list) in outer::lists(salt.expose(), entries) {
                environment.push(name.as_ref(), list.as_ref())?;
            }
        }
        Ok(environment)
    }

    /// The values to mask that CMD has, with the names for their markers.
    pub(crate) fn into_masked(self) -> Vec<(String, SecretValue)> {
        let masked = self.0.into_iter().filter(|(_, injection)| !injection.flags.unmasked);
        let value = |given| if let Given::AsItIs(value) = given { Some(value) } else { None };
        masked.filter_map(|(name, injection)| Some((name.to_string(), value(injection.given)?))).collect()
    }

    fn replaces(&self, name: &OsStr) -> bool {
        name.to_str().is_some_and(|name| self.0.contains_key(name))
            || VARIABLES_IGNORE_CASE && self.0.keys().any(|secret| is_variable(name, secret.as_str()))
    }
}

/// CMD's first word, made safe to show. It may be an assignment that contains a secret, as in `TOKEN=sk-... node
/// agent.js`.
pub(crate) fn without_assignment(word: &OsStr) -> String {
    match word.to_string_lossy() {
        word if word.contains('=') => "...=...".to_owned(),
        word => word.into_owned(),
    }
}

fn is_variable(name: &OsStr, known: &str) -> bool {
    name == known || VARIABLES_IGNORE_CASE && name.eq_ignore_ascii_case(known)
}

/// Whether CMD gets this variable of the caller.
pub fn is_inherited(name: &OsStr, clean: bool) -> bool {
    let is_one_of = |names: &[&str]| names.iter().any(|known| is_variable(name, known));
    if is_one_of(&UNLOCK_MATERIAL) || outer::is_list(name) {
        return false;
    }
    !clean
        || is_one_of(&CLEAN)
        || is_one_of(NEEDED_VARIABLES)
        || name.to_str().is_some_and(|name| name.starts_with("LC_"))
}

#[cfg(test)]
mod tests {
    use age::secrecy::zeroize::Zeroizing;
    use cast_vault::Secret;

    use super::*;

    fn names(text: &str) -> Vec<SecretName> {
        text.split_whitespace().map(|word| SecretName::parse(word).unwrap()).collect()
    }

    fn injections(builtin: &str, agent: &str) -> Injections {
        let mut injections = Injections::default();
        let now = crate::clock::now();
        for (source, words, value) in [(Source::Builtin, builtin, "builtin"), (Source::Agent, agent, "agent")] {
            let secret = || Entry {
                flags: Flags::default(),
                secret: Some(Secret {
                    value: SecretValue::from_text(value.into()).unwrap(),
                    created: now,
                    updated: now,
                }),
            };
            let secrets = names(words).into_iter().map(|name| (name, secret())).collect();
            injections.add(source, secrets, &|| panic!("nothing is brokered"));
        }
        injections
    }

    fn check(injections: &Injections, inherited: &[(&str, &str)], clean: bool, expected: &[(&str, &str)]) {
        let inherited = inherited.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let salt = SecretValue::random(SALT).unwrap();
        let environment = injections.over(inherited.filter(|(name, _)| is_inherited(name, clean)), &salt).unwrap();
        let mut found = environment.variables();
        let lists = found.extract_if(.., |(name, _)| outer::is_list(name)).count();
        assert_eq!(lists, usize::from(injections.iter().next().is_some()));
        found.sort();
        let expected: Vec<_> =
            expected.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_later_wins() {
        let inherited = [("A", "caller"), ("B", "caller"), ("C", "caller")];
        check(&injections("A B", "A"), &inherited, false, &[("A", "agent"), ("B", "builtin"), ("C", "caller")]);
    }

    #[test]
    fn unlock_material_stays_here() {
        let inherited = [("CAST_HOME", "h"), ("CAST_KEY", "k"), ("CAST_KEY_FILE", "f"), ("CAST_VAULTS", "v")];
        let inherited = inherited.into_iter().chain([("CAST_PASSPHRASE_FILE", "p")]);
        let inherited = inherited.chain([("CAST_INJECTED", "i"), ("CAST_INJECTED_2", "i")]).collect::<Vec<_>>();
        check(&injections("", ""), &inherited, false, &[("CAST_HOME", "h"), ("CAST_VAULTS", "v")]);
    }

    #[test]
    fn what_an_outer_run_injected_is_below_all_else() {
        let outer =
            |name, value: &str| Outer { name: names(name).remove(0), value: value.into(), unmasked: name == "B" };
        let mut own = injections("", "A");
        own.inherit(vec![outer("A", "outer"), outer("B", "outer"), outer("C", "outer")]);
        check(
            &own,
            &[("B", "outer"), ("D", "caller")],
            false,
            &[("A", "agent"), ("B", "outer"), ("C", "outer"), ("D", "caller")],
        );
        let masked: Vec<_> = own.into_masked().into_iter().map(|(name, _)| name).collect();
        assert_eq!(masked, ["A", "C"]);
    }

    #[test]
    fn a_stand_in_is_all_that_leaves() {
        let value = "sk-test-4bQ9ZtLw0Xk7Rm2Vn5Pc8Ys1";
        let add = |key: u8, value: &str, prefix: Option<&str>| {
            let mut injections = injections("", "PLAIN");
            let now = crate::clock::now();
            let prefix = prefix.map(str::to_owned);
            let flags = Flags { hosts: vec!["a.test".into()], prefix, unmasked: true, ..Flags::default() };
            let value = SecretValue::from_text(value.into()).unwrap();
            let entry = Entry { flags, secret: Some(Secret { value, created: now, updated: now }) };
            let secrets = [(names("K").remove(0), entry)].into();
            injections.add(Source::Agent, secrets, &move || Zeroizing::new([key; 32]));
            injections
        };
        let text = |injections: &Injections| injections.0["K"].given.text().map(str::to_owned);
        let agent = AgentName::parse("a").unwrap();
        let one = add(1, value, None);
        one.refuse_not_given(&agent).unwrap();
        let stand_in = text(&one).unwrap();
        assert!(stand_in != value && stand_in.len() == value.len());
        assert_eq!(text(&add(1, value, None)), Some(stand_in.clone()));
        assert_ne!(text(&add(2, value, None)), Some(stand_in.clone()));
        check(&one, &[("K", "of-the-caller")], false, &[("K", &stand_in), ("PLAIN", "agent")]);
        let masked: Vec<_> = one.into_masked().into_iter().map(|(name, _)| name).collect();
        assert_eq!(masked, ["PLAIN"]);
        for (value, prefix, why) in [
            ("sk-short0123456", None, "its value has 12 letters and digits beyond its prefix, and 16 are needed"),
            (
                "four blanks are in this value",
                None,
                "its value contains blanks, control characters or letters beyond ASCII",
            ),
            (value, Some("pk-"), "its value does not begin with the prefix"),
        ] {
            let unfit = add(1, value, prefix);
            let failure = unfit.refuse_not_given(&agent).unwrap_err();
            assert_eq!(failure.message(), format!("secret 'K' of agent 'a' cannot be brokered: {why}"));
            assert_eq!(text(&unfit), None);
        }
    }

    #[test]
    fn a_clean_environment_holds_little() {
        let inherited = [("AWS_KEY", "x"), ("LC_ALL", "C"), ("PATH", "/bin"), ("CAST_KEY", "k")];
        check(&injections("", "K"), &inherited, true, &[("K", "agent"), ("LC_ALL", "C"), ("PATH", "/bin")]);
    }

    #[test]
    fn selections() {
        let agent = AgentName::parse("a").unwrap();
        let mut only = injections("A B", "C");
        only.select(&Selection::Only(names("A")), &agent).unwrap();
        check(&only, &[], false, &[("A", "builtin")]);
        let mut except = injections("A B", "C");
        except.select(&Selection::Except(names("A")), &agent).unwrap();
        check(&except, &[], false, &[("B", "builtin"), ("C", "agent")]);
        let unknown = injections("A", "").select(&Selection::Only(names("X")), &agent).unwrap_err();
        assert_eq!(unknown.kind(), Kind::NotFound);
    }
}
