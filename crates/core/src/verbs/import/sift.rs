//! Sorts the assignments of a `.env` file into secrets and findings. Promises that nothing of the file gets lost in
//! silence: each line that is passed over, cut or refused is a finding.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use cast_mask::Unmasked;
use cast_vault::{AgentName, SecretName, SecretValue};

use crate::audit_log::{Action, Event};
use crate::door::{Effect, Verb};
use crate::dotenv::{Assignment, Dotenv, Doubt};
use crate::failure::{Failure, Kind, Result, name_in_file};
use crate::masking::exemption;
use crate::session::Session;

/// What an import of a file can store, and what it cannot store as the file has it.
pub struct Sifted {
    /// The secrets, by name, as a program would get them from the file.
    pub secrets: BTreeMap<SecretName, SecretValue>,
    /// In the order of the lines.
    pub findings: Vec<Finding>,
}

/// A line that is not stored as it is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The number of the line, from 1.
    pub line: usize,
    /// The name, if it is a valid one. Any other word may be a secret.
    pub name: Option<SecretName>,
    pub fault: Fault,
}

/// Why a line is not stored as it is written.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is passed over: dotenv does the same without a word.
    NotAnAssignment,
    /// Its value is cut at a `#`.
    CutAtHash,
    /// It is passed over, because a later line assigns another value.
    AssignedAgain { line: usize },
    /// It is refused for its name, for this reason.
    Name(String),
    /// It is refused, because its name makes programs load code.
    DangerousName,
    /// It is refused for its value, for this reason.
    Value(String),
}

/// Refuses a file with findings, unless the caller accepts them, and one without secrets. The audit log gets no names
/// from a refusal: they may be parts of a value that lacks its quotes.
pub struct Admit<'a> {
    /// The agent that would get the secrets.
    pub agent: &'a AgentName,
    /// The file.
    pub sifted: &'a Sifted,
    /// Store what can be stored.
    pub lenient: bool,
    /// The file is to be removed, and so nothing of it may be left out.
    pub remove: bool,
}

/// Sorts the assignments of `file`, without those of the names `except`, as the file has them. Of several assignments
/// of a name the last one counts. `dangerous` allows names that make programs load code.
pub fn sift(file: Dotenv, dangerous: bool, except: &[OsString]) -> Result<Sifted> {
    let Dotenv { mut assignments, ignored } = file;
    refuse_unknown(&assignments, except)?;
    assignments.retain(|assignment| !except.iter().any(|word| word == assignment.key.as_str()));

    let mut findings: Vec<_> =
        ignored.into_iter().map(|line| Finding { line, name: None, fault: Fault::NotAnAssignment }).collect();
    let mut last: BTreeMap<SecretName, Assignment> = BTreeMap::new();
    for assignment in assignments {
        let line = assignment.line;
        let name = match SecretName::typed(&assignment.key) {
            Ok(name) => name,
            Err(fault) => {
                let fault = Fault::Name(name_in_file(fault));
                findings.push(Finding { line, name: None, fault });
                continue;
            }
        };
        if assignment.doubt == Some(Doubt::CutAtHash) {
            findings.push(Finding { line, name: Some(name.clone()), fault: Fault::CutAtHash });
        }
        let value = assignment.value.clone();
        if let Some(former) = last.insert(name.clone(), assignment)
            && former.value != value
        {
            findings.push(Finding { line: former.line, name: Some(name), fault: Fault::AssignedAgain { line } });
        }
    }
    let mut secrets = BTreeMap::new();
    for (name, Assignment { mut value, line, doubt, .. }) in last {
        let fault = if name.is_dangerous() && !dangerous {
            Fault::DangerousName
        } else if doubt == Some(Doubt::OneLineOfKey) {
            Fault::Value(ONE_LINE_OF_KEY.to_owned())
        } else {
            match admit(&name, std::mem::take(&mut *value)) {
                Ok(value) => {
                    secrets.insert(name, value);
                    continue;
                }
                Err(failure) => Fault::Value(failure.to_string()),
            }
        };
        findings.push(Finding { line, name: Some(name), fault });
    }
    findings.sort_by_key(|finding| finding.line);
    Ok(Sifted { secrets, findings })
}

/// An unknown name is an error: it may be a typo, and the secret would be stored.
fn refuse_unknown(assignments: &[Assignment], except: &[OsString]) -> Result<()> {
    let is_there = |word: &OsString| assignments.iter().any(|assignment| *word == assignment.key.as_str());
    let Some(position) = except.iter().position(|word| !is_there(word)) else { return Ok(()) };
    let what = match SecretName::typed(&except[position]) {
        Ok(name) => format!("FILE has no '{name}' to leave out"),
        // It may be a secret.
        Err(_) => format!("FILE does not have name {} of '--except'", position + 1),
    };
    Err(Failure::new(Kind::NotFound, what).hint("write each name as the file has it"))
}

const ONE_LINE_OF_KEY: &str = "the value is only one line of a PEM key: put quotes around the whole key";

fn admit(name: &SecretName, text: String) -> Result<SecretValue> {
    let value = SecretValue::from_text(text)?;
    value.check_fits(name)?;
    if exemption(&value) == Some(Unmasked::Armour) {
        return Err(Failure::new(Kind::Usage, ONE_LINE_OF_KEY));
    }
    Ok(value)
}

impl Verb for Admit<'_> {
    type Done = ();
    const EFFECT: Effect = Effect::Look;

    fn event(&self) -> Event {
        Event::new(Action::Import).agent(self.agent)
    }

    fn perform(self, _: &Session, _: &mut Event) -> Result<()> {
        if self.sifted.secrets.is_empty() {
            let nothing = Failure::new(Kind::Usage, "FILE has no assignments to store");
            return Err(self.sifted.detail(nothing));
        }
        if self.lenient { Ok(()) } else { self.sifted.refuse(self.remove) }
    }
}

impl Sifted {
    /// Adds a line for each finding.
    fn detail(&self, failure: Failure) -> Failure {
        self.findings.iter().fold(failure, |failure, finding| failure.detail(finding.to_string()))
    }

    fn refuse(&self, remove: bool) -> Result<()> {
        if self.findings.is_empty() {
            return Ok(());
        }
        let any = |is: fn(&Fault) -> bool| self.findings.iter().any(|finding| is(&finding.fault));
        let is_refused = any(|fault| matches!(fault, Fault::Name(_) | Fault::DangerousName | Fault::Value(_)));
        let what = match self.findings.len() {
            1 => "nothing was imported: one line would not be stored as it is written",
            _ => "nothing was imported: some lines would not be stored as they are written",
        };
        let failure = Failure::new(if is_refused { Kind::Usage } else { Kind::Other }, what);
        let mut failure = self.detail(failure);
        if any(|fault| *fault == Fault::DangerousName) {
            failure = failure.hint("to accept names that make programs load code, add '--allow-dangerous-name'");
        } else if any(|fault| matches!(fault, Fault::Name(_))) {
            failure = failure.hint(
                "a name has 1 to 255 characters from 'A-Z', 'a-z', '0-9' and '_', and does not begin with a digit",
            );
        }
        Err(if remove {
            failure.hint("fix the file; or import it without '--remove', and with '--except NAME,...' or '--lenient'")
        } else {
            failure
                .hint("fix the file, or leave names out with '--except NAME,...', or store the rest with '--lenient'")
        })
    }
}

impl Fault {
    /// The name of the fault in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnAssignment => "not-an-assignment",
            Self::CutAtHash => "cut-at-hash",
            Self::AssignedAgain { .. } => "assigned-again",
            Self::Name(_) => "invalid-name",
            Self::DangerousName => "dangerous-name",
            Self::Value(_) => "invalid-value",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if let Some(name) = &self.name {
            write!(f, "'{name}': ")?;
        }
        match &self.fault {
            Fault::NotAnAssignment => f.write_str("passed over, because it is not an assignment"),
            Fault::CutAtHash => f.write_str("the value is cut at '#': if '#' belongs to it, put it in quotes"),
            Fault::AssignedAgain { line } => {
                write!(f, "passed over, because line {line} assigns another value")
            }
            Fault::DangerousName => f.write_str("the name makes programs load code or changes what runs"),
            Fault::Name(why) | Fault::Value(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dotenv;

    fn sifted(text: &str, dangerous: bool, except: &[&str]) -> Sifted {
        let except: Vec<_> = except.iter().map(OsString::from).collect();
        sift(dotenv::parse(text), dangerous, &except).unwrap()
    }

    #[track_caller]
    fn check(text: &str, dangerous: bool, except: &[&str], secrets: &[(&str, &str)], findings: &[&str]) {
        let sifted = sifted(text, dangerous, except);
        let stored: Vec<_> = sifted.secrets.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(stored, secrets, "{text:?}");
        let found: Vec<_> = sifted.findings.iter().map(Finding::to_string).collect();
        assert_eq!(found.len(), findings.len(), "{found:?}");
        for (found, words) in found.iter().zip(findings) {
            assert!(found.starts_with(words), "no '{words}' in '{found}'");
        }
        assert_eq!(sifted.refuse(false).is_err(), !findings.is_empty());
        assert!(!found.concat().contains("sk-live"), "{found:?}");
    }

    #[test]
    fn the_last_of_a_name_counts_and_the_others_are_found() {
        check("A=1\nB=2\nA=3\n", false, &[], &[("A", "3"), ("B", "2")], &["line 1: 'A': passed over, because line 3 "]);
        check("A=1\nA=2\nA=3", false, &[], &[("A", "3")], &["line 1: 'A': ", "line 2: 'A': "]);
        check("A=1\nA=1\n", false, &[], &[("A", "1")], &[]);
        check("A=1\nA=3\n", false, &["A"], &[], &[]);
        check("PATH=/bin", true, &[], &[("PATH", "/bin")], &[]);
    }

    #[test]
    fn what_is_cut_or_passed_over_is_found() {
        check(
            "A=p4ss#w0rd\nB=v # mine\nC=#\n",
            false,
            &[],
            &[("A", "p4ss"), ("B", "v"), ("C", "")],
            &["line 1: 'A': the value is cut at '#'", "line 3: 'C': the value is cut at '#'"],
        );
        check("what is sk-live\nA=1\n", false, &[], &[("A", "1")], &["line 1: passed over"]);
        check("A=p4ss#w0rd\nA=p4ss", false, &[], &[("A", "p4ss")], &["line 1: 'A': the value is cut"]);
    }

    #[test]
    fn what_is_refused_is_found_and_left_out() {
        let long = format!(
            "GOOD=good\nA.B=sk-live\nCAST_X=sk-live\n\nPATH=sk-live\nLONG={}\nNUL=sk-live\0",
            "x".repeat(140_000)
        );
        let found = ["line 2: the name is", "line 3: names", "line 5: 'PATH'", "line 6: 'LONG': ", "line 7: 'NUL': "];
        check(&long, false, &[], &[("GOOD", "good")], &found);
        check(&long, false, &["A.B", "CAST_X", "PATH", "LONG", "NUL"], &[("GOOD", "good")], &[]);
        check("sk-live=x\nsk-live-2=y", true, &[], &[], &["line 1: ", "line 2: "]);
        let key = "KEY=-----BEGIN PRIVATE KEY-----\nsk-live\nMIIEabc=\n-----END PRIVATE KEY-----\nA=1";
        check(key, false, &[], &[("A", "1")], &["line 1: 'KEY': the value is only one line"]);
        check(key, false, &["KEY"], &[("A", "1")], &[]);
        let open = "KEY=\"-----BEGIN PRIVATE KEY-----\nsk-live\nMIIEabc=\n-----END PRIVATE KEY-----\nA=1";
        check(open, false, &[], &[("A", "1")], &["line 1: 'KEY': the value is only one line"]);
        let quoted = "KEY=\"-----BEGIN X-----\nab\n-----END X-----\"";
        check(quoted, true, &[], &[("KEY", "-----BEGIN X-----\nab\n-----END X-----")], &[]);
    }

    #[test]
    fn the_kind_and_two_hints() {
        for (text, kind, hint) in [
            ("what", Kind::Other, "--lenient"),
            ("A=a#b", Kind::Other, "--except"),
            ("A-B=1", Kind::Usage, "1 to 255"),
            ("what\nPATH=1\nA-B=1", Kind::Usage, "--allow-dangerous-name"),
        ] {
            let failure = sifted(text, false, &[]).refuse(false).unwrap_err();
            assert_eq!(failure.kind(), kind, "{text}");
            assert!(failure.hints().len() <= 2 && failure.hints().concat().contains(hint), "{failure:?}");
            assert_eq!(failure.details().len(), text.lines().count());
        }
    }

    #[test]
    fn a_name_that_is_not_there_is_not_left_out() {
        let refused = |except: &[&str]| {
            let except: Vec<_> = except.iter().map(OsString::from).collect();
            sift(dotenv::parse("A=1\nB-C=2"), false, &except).err().map(|failure| failure.to_string())
        };
        assert_eq!(refused(&["A", "B-C"]), None);
        assert_eq!(refused(&["A", "TYPO"]).unwrap(), "FILE has no 'TYPO' to leave out");
        assert_eq!(refused(&["A", "sk-live"]).unwrap(), "FILE does not have name 2 of '--except'");
    }
}
