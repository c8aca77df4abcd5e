//! Interactive shells on a pseudo-terminal, in which the test types a line and presses Tab. Two extra key bindings make
//! the outcome exact: one replaces the last word with all candidates, one writes the line to a file and clears it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::sandbox::{CAST, Call, Sandbox, skip};
use crate::terminal::Terminal;

/// A shell that tests drive.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Bash,
    /// With the bash-completion package.
    BashCompletion,
    Zsh,
    Fish,
}

const BASH_COMPLETION: &str = "/usr/share/bash-completion/bash_completion";

const BASH: &str = r#"
PS1='ready> '
unset HISTFILE
bind 'set enable-bracketed-paste off'
bind '"\ea": insert-completions'
show_line() {
    printf '%s' "$READLINE_LINE" >"$ROOM/line"
    READLINE_LINE=
    READLINE_POINT=0
    echo "[shown $((++shown))]"
}
bind -x '"\C-t": show_line'
complete -W 'alpha beta' listing-tool
of_tool() {
    printf '%s' "$COMP_LINE" >"$ROOM/tool"
    COMPREPLY=($(compgen -W 'gamma delta' -- "$2"))
}
complete -F of_tool tool
"#;

const ZSH: &str = r#"
PS1='ready> '
autoload -Uz compinit
compinit -u -D
all() {
    _main_complete
    compstate[insert]=all
}
zle -C all complete-word all
bindkey '\ea' all
show_line() {
    print -rn -- "$BUFFER" >"$ROOM/line"
    BUFFER=
    zle -I
    print "[shown $((++shown))]"
}
zle -N show_line
bindkey '^T' show_line
compdef "_values tool gamma delta" tool
compdef "_values tool alpha beta" listing-tool
"#;

const FISH: &str = r#"
function fish_prompt; printf 'ready> '; end
function fish_greeting; end
set -g fish_autosuggestion_enabled 0
set -g shown 0
function show_line
    printf '%s' "$argv" >$ROOM/line
    commandline ''
    set shown (math $shown + 1)
    echo "[shown $shown]"
end
bind \ct 'show_line (commandline)'
function all
    set -l offered (complete -C (commandline) | string replace -r '\t.*' '' | string join ' ')
    test -n "$offered"; and commandline -rt -- $offered
end
bind \ea all
complete -c tool -f -a 'gamma delta'
complete -c listing-tool -f -a 'alpha beta'
"#;

/// A shell that waits for a line.
pub struct Shell {
    pub kind: Kind,
    terminal: Terminal,
    line: PathBuf,
    shown: usize,
}

impl Shell {
    /// Starts it in this sandbox, with cast and its completions; `last` is the end of its start-up file.
    pub fn start(kind: Kind, sandbox: &Sandbox, last: &str) -> Option<Self> {
        Self::start_with(kind, sandbox, last, |call| call)
    }

    pub fn start_with(
        kind: Kind,
        sandbox: &Sandbox,
        last: &str,
        with: impl FnOnce(Call<'_>) -> Call<'_>,
    ) -> Option<Self> {
        let program = kind.program();
        let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if there.is_err() {
            skip(&format!("completion: {program} is not installed"));
            return None;
        }
        let room = sandbox.home().join("shell");
        fs::create_dir_all(&room).unwrap();
        let (file, begin, source) = match kind {
            Kind::Bash => ("rc", BASH.to_owned(), r#"eval "$(cast completions bash)""#),
            Kind::BashCompletion if !fs::exists(BASH_COMPLETION).unwrap() => {
                skip("completion: bash-completion is not installed");
                return None;
            }
            Kind::BashCompletion => {
                ("rc", format!("source {BASH_COMPLETION}\n{BASH}"), r#"eval "$(cast completions bash)""#)
            }
            Kind::Zsh => (".zshrc", ZSH.to_owned(), r#"eval "$(cast completions zsh)""#),
            Kind::Fish => ("rc", FISH.to_owned(), "cast completions fish | source"),
        };
        let file = room.join(file);
        fs::write(&file, format!("{begin}\n{source}\n{last}\n")).unwrap();
        let file = file.to_str().unwrap();
        let source_file = format!("source {file}");
        let words = match kind {
            Kind::Bash | Kind::BashCompletion => vec!["--noprofile", "--rcfile", file, "-i"],
            Kind::Zsh => vec!["-d", "-i"],
            Kind::Fish => vec!["--private", "--init-command", &source_file],
        };
        let path = std::env::join_paths(
            [PathBuf::from(CAST).parent().unwrap().to_owned(), room.clone()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let call = sandbox.other(program, words).env("PATH", path.unwrap()).env("ROOM", &room).env("ZDOTDIR", &room);
        let mut terminal = Terminal::start(with(call));
        terminal.sees("ready> ");
        Some(Self { kind, terminal, line: room.join("line"), shown: 0 })
    }

    /// The line after Tab at its end.
    #[track_caller]
    pub fn tab(&mut self, line: &str) -> String {
        self.press(line, "\t")
    }

    /// All candidates for the last word of the line, sorted.
    #[track_caller]
    pub fn offers(&mut self, line: &str) -> Vec<String> {
        let whole = self.press(line, "\x1ba");
        let (before, begun) = line.rsplit_once(' ').unwrap();
        let offered = whole.strip_prefix(before).unwrap_or_else(|| panic!("{line:?} became {whole:?}"));
        let mut offered: Vec<String> = offered.split_whitespace().map(str::to_owned).collect();
        // Without candidates, the typed word stays.
        if offered == [begun] {
            offered.clear();
        }
        offered.sort();
        offered
    }

    /// The screen never showed a message of the shell or of cast.
    #[track_caller]
    pub fn shows_no_complaint(&self) {
        let screen = self.terminal.text();
        for complaint in ["cast:", "bash:", "zsh:", "fish:", "_cast", "not found", "rror"] {
            assert!(!screen.contains(complaint), "'{complaint}' is on the screen: {screen}");
        }
    }

    #[track_caller]
    fn press(&mut self, line: &str, key: &str) -> String {
        self.shown += 1;
        self.terminal.types(format!("{line}{key}\x14"));
        self.terminal.sees(&format!("[shown {}]", self.shown));
        fs::read_to_string(&self.line).unwrap()
    }
}

impl Kind {
    fn program(self) -> &'static str {
        match self {
            Self::Bash | Self::BashCompletion => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
        }
    }
}
