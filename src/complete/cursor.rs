//! Finds the cursor's place on an unfinished command line, which clap's own parser cannot read.

use clap::{Arg, Command};

/// What the user is typing.
pub(crate) enum At<'a> {
    /// An option's name.
    Option(&'a Command),
    /// The value of an option, and what precedes it in the same word, as in `--option=`.
    Value(&'a Arg, &'a str),
    /// A command's name, or a value of this argument.
    Word(&'a Command, Option<&'a Arg>),
    /// Another command line, which begins at this one of the words before the cursor, or at the cursor.
    Foreign(usize),
}

/// The cursor's place, and what precedes it.
pub(crate) struct Cursor<'a> {
    pub(crate) at: At<'a>,
    pub(crate) root: &'a Command,
    /// Whether the next word may be a command's name.
    pub(crate) wants_command: bool,
    given: Vec<(&'a str, &'a str)>,
}

impl<'a> Cursor<'a> {
    /// Reads `before`, the words after the program's name, as clap would; `current` is the word at the cursor.
    pub(crate) fn find(root: &'a Command, before: &'a [String], current: &'a str) -> Self {
        let mut command = root;
        let mut given: Vec<(&str, &str)> = Vec::new();
        let mut positionals = 0;
        let mut awaited: Option<&Arg> = None;
        let mut literal = false;
        let mut foreign_at = None;
        for (place, word) in before.iter().enumerate() {
            if foreign_at.is_some() {
                break;
            } else if let Some(option) = awaited.take() {
                given.push((option.get_id().as_str(), word));
            } else if !literal && word == "--" {
                literal = true;
                foreign_at = foreign(command).map(|_| place + 1);
            } else if !literal && let Some((option, value)) = option(command, word) {
                match value {
                    None if option.get_action().takes_values() && !option.is_require_equals_set() => {
                        awaited = Some(option);
                    }
                    value => given.push((option.get_id().as_str(), value.unwrap_or_default())),
                }
            } else if let Some(next) = command.find_subcommand(word).filter(|_| positionals == 0 && !literal) {
                command = next;
            } else if literal || !word.starts_with('-') || takes_dashes(command, positionals) {
                match (positional(command, positionals), foreign(command)) {
                    (Some(arg), _) => given.push((arg.get_id().as_str(), word)),
                    (None, Some(_)) => foreign_at = Some(place),
                    (None, None) => {}
                }
                positionals += 1;
            }
        }
        let next = positional(command, positionals);
        let at = if let Some(option) = awaited {
            At::Value(option, "")
        } else if let Some(place) = foreign_at {
            At::Foreign(place)
        } else if literal {
            At::Word(command, next)
        } else if let Some((option, Some(value))) = option(command, current) {
            At::Value(option, &current[..current.len() - value.len()])
        } else if current.starts_with('-') {
            At::Option(command)
        } else if next.is_none() && foreign(command).is_some() {
            At::Foreign(before.len())
        } else {
            At::Word(command, next)
        };
        Self { at, root, wants_command: positionals == 0 && !literal, given }
    }

    /// Whether the user has given this argument.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.all(id).next().is_some()
    }

    /// All values that the user has given to an argument.
    pub(crate) fn all(&self, id: &str) -> impl Iterator<Item = &'a str> {
        self.given.iter().filter(move |(given, _)| *given == id).map(|(_, word)| *word)
    }
}

/// The option that a word names, and its value if the word holds one: `--option=value` or `-ovalue`.
fn option<'a>(command: &'a Command, word: &'a str) -> Option<(&'a Arg, Option<&'a str>)> {
    let mut options = command.get_arguments().filter(|arg| !arg.is_positional());
    if let Some(word) = word.strip_prefix("--") {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        return Some((options.find(|arg| arg.get_long() == Some(name))?, value));
    }
    let mut letters = word.strip_prefix('-')?.char_indices();
    let (_, letter) = letters.next()?;
    let option = options.find(|arg| arg.get_short() == Some(letter))?;
    let rest = letters.as_str();
    // Further letters are further flags, unless this option takes a value.
    let value = (option.get_action().takes_values() && !rest.is_empty()).then_some(rest);
    Some((option, value))
}

/// The argument that takes the word after `before` others; an argument of several values takes all that follow.
fn positional(command: &Command, before: usize) -> Option<&Arg> {
    let own: Vec<&Arg> = command.get_positionals().filter(|arg| !arg.is_trailing_var_arg_set()).collect();
    let several = |arg: &&&Arg| arg.get_num_args().is_some_and(|count| count.max_values() > 1);
    own.get(before).or_else(|| own.last().filter(several)).copied()
}

/// The argument that takes another command line.
fn foreign(command: &Command) -> Option<&Arg> {
    command.get_positionals().find(|arg| arg.is_trailing_var_arg_set())
}

fn takes_dashes(command: &Command, before: usize) -> bool {
    positional(command, before).is_some_and(Arg::is_allow_hyphen_values_set)
}
