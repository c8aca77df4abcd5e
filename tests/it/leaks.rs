//! Which secrets a model reads, and by which path: real agents under `cast run`, against a model that plays a script
//! and keeps every request. `docs/leaks.md` has the table.

pub mod agents;
mod brokered;
pub mod model;
mod page;
mod screen;
pub mod session;
mod settings;
mod views;

use std::io::Write;

use agents::{Agent, Guard, OWN_KEY};
use model::ToolCall;
use session::{Left, SECRETS, Session, all_of, bare, secret};

use crate::sandbox::{lacks, skip};

/// The paths from a secret to a model: the rows of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    OwnKey,
    Brokered,
    Pipe,
    Pty,
    Nested,
    McpResult,
    McpNested,
    McpLog,
    Typed,
    Disk,
}

/// What was seen on a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Cell {
    Masked,
    Reaches,
    /// It reaches the model unless one of these is set; each was tried.
    ClosedBy(Vec<Guard>),
    /// Nor does it without masking.
    NotSent,
    /// No process has it.
    NotThere,
    /// The agent has no such thing.
    None,
}

impl Row {
    const ALL: [Self; 10] = [
        Self::OwnKey,
        Self::Brokered,
        Self::Pipe,
        Self::Pty,
        Self::Nested,
        Self::McpResult,
        Self::McpNested,
        Self::McpLog,
        Self::Typed,
        Self::Disk,
    ];

    fn words(self) -> &'static str {
        match self {
            Self::OwnKey => "the agent's own key, from `env` in its shell tool",
            Self::Brokered => "the agent's own key, brokered, in any of its processes and files",
            Self::Pipe => "a tool's secret, shell tool with a pipe",
            Self::Pty => "a tool's secret, shell tool with a terminal",
            Self::Nested => "the agent's own key, from `cast run deploy -- env`",
            Self::McpResult => "an MCP server's secret, in a result",
            Self::McpNested => "the agent's own key, in an MCP server's result",
            Self::McpLog => "an MCP server's secret, on its standard error",
            Self::Typed => "a tool's secret, in a command that you type (`!`, aider: `/run`)",
            Self::Disk => "any tool's or server's secret, in the files that the agent leaves",
        }
    }
}

impl Cell {
    fn words(&self) -> String {
        match self {
            Self::Masked => "masked".to_owned(),
            Self::Reaches => "**reaches the model**".to_owned(),
            Self::ClosedBy(guards) => {
                let words: Vec<_> = guards.iter().map(|guard| guard.words()).collect();
                format!("closed by {}", words.join(" or "))
            }
            Self::NotSent => "not sent".to_owned(),
            Self::NotThere => "not there".to_owned(),
            Self::None => "–".to_owned(),
        }
    }

    fn seen(masked: bool, bare: bool) -> Self {
        match (masked, bare) {
            (true, _) => Self::Reaches,
            (false, true) => Self::Masked,
            (false, false) => Self::NotSent,
        }
    }
}

/// The commands of a path: through cast as it should be used, and with nothing masked.
fn commands(name: &str) -> [String; 2] {
    let who = who(name);
    [
        format!("cast run deploy -- show {name} masked-{who}"),
        format!("cast run bare --no-mask -- show {name} bare-{who}"),
    ]
}

/// The first word of a secret's name.
fn who(name: &str) -> String {
    name.split('_').next().unwrap_or_default().to_lowercase()
}

fn own_key(agent: Agent) -> String {
    format!("show {} own", agent.key())
}

fn nested(agent: Agent) -> [String; 2] {
    let key = agent.key();
    [
        format!("cast run deploy -- show {key} masked-nested"),
        format!("cast run bare --no-mask --inherit-secrets -- show {key} bare-nested"),
    ]
}

/// The calls that an agent's model asks for when nobody is there.
fn script(agent: Agent) -> Vec<ToolCall> {
    let [pipe, bare_pipe] = commands("PIPE_TOKEN");
    let [nested, bare_nested] = nested(agent);
    let tell =
        |id: &str, tool: &str| ToolCall { id: id.to_owned(), tool: tool.to_owned(), arguments: serde_json::json!({}) };
    let mut script = vec![
        agent.shell("step_own", &own_key(agent)),
        agent.shell("step_pipe", &pipe),
        agent.shell("bare_pipe", &bare_pipe),
        agent.shell("step_nested", &nested),
        agent.shell("bare_nested", &bare_nested),
    ];
    if !agent.has_terminals_only_when_typed() {
        script.extend(on_terminal(agent));
    }
    script.extend([tell("step_mcp", "masked_tell"), tell("bare_mcp", "bare_tell")]);
    script
}

fn on_terminal(agent: Agent) -> [ToolCall; 2] {
    let [pty, bare_pty] = commands("PTY_TOKEN");
    [agent.shell_on_terminal("step_pty", &pty), agent.shell_on_terminal("bare_pty", &bare_pty)]
}

/// The same for aider, whose model has no tools: its user runs them, and it reads the lines from a pipe.
fn lines_for_aider() -> String {
    let [pipe, bare_pipe] = commands("PIPE_TOKEN");
    let [nested, bare_nested] = nested(Agent::Aider);
    let own = own_key(Agent::Aider);
    format!(
        "/run : step_own; {own}\n/run {pipe}\n/run {bare_pipe}\n/run : step_nested; {nested}\n/run : bare_nested; \
         {bare_nested}\nhello\n/exit\n"
    )
}

/// All sessions of an agent without guards.
fn base(agent: Agent) -> Left {
    let alone = if agent == Agent::Aider {
        let session = Session::new(agent, None, vec![]);
        session.run(&lines_for_aider());
        session.left()
    } else {
        let session = Session::new(agent, None, script(agent));
        session.run("");
        session.left()
    };
    alone.join(typed(agent, None))
}

/// The session at a terminal: what a person types, and the tools that have a terminal only then.
fn typed(agent: Agent, guard: Option<Guard>) -> Left {
    let script = if agent == Agent::Gemini { on_terminal(agent).into() } else { vec![] };
    let session = Session::new(agent, guard, script);
    let mut commands = commands("TYPED_TOKEN").to_vec();
    if agent == Agent::Aider {
        commands.splice(0..0, self::commands("PTY_TOKEN"));
    }
    session.type_in(&commands.join("; "));
    session.left()
}

/// The column of an agent.
fn column(agent: Agent) -> Vec<Cell> {
    let left = base(agent);
    let reached = |vault, name| {
        Cell::seen(left.reached_the_model(&secret(vault, name)), left.reached_the_model(&bare(vault, name)))
    };
    let answered = |step, bare| Cell::seen(left.was_answered(step, OWN_KEY), left.was_answered(bare, OWN_KEY));
    // A tool that did not run shows nothing either.
    for name in ["own", "masked-pipe", "masked-pty", "masked-nested", "masked-typed"] {
        assert!(left.reached_the_model(&all_of(name)), "{agent:?}: '{name}' did not run");
    }
    assert!(agent == Agent::Aider || left.was_answered("step_mcp", "\"told\":true"), "{agent:?} called no MCP server");
    let mut column: Vec<_> = Row::ALL
        .into_iter()
        .map(|row| match row {
            Row::McpResult | Row::McpNested | Row::McpLog if agent == Agent::Aider => Cell::None,
            Row::OwnKey => answered("step_own", "step_own"),
            Row::Brokered => brokered::cell(agent),
            Row::Pipe => reached("deploy", "PIPE_TOKEN"),
            Row::Pty => reached("deploy", "PTY_TOKEN"),
            Row::Nested => answered("step_nested", "bare_nested"),
            Row::McpResult => reached("mcp", "MCP_TOKEN"),
            Row::McpNested => answered("step_mcp", "bare_mcp"),
            Row::McpLog => reached("mcp", "LOG_TOKEN"),
            Row::Typed => reached("deploy", "TYPED_TOKEN"),
            Row::Disk => Cell::seen(
                SECRETS.iter().any(|(vault, name)| left.is_on_disk(&secret(vault, name))),
                SECRETS.iter().any(|(vault, name)| left.is_on_disk(&bare(vault, name))),
            ),
        })
        .collect();
    if agent == Agent::Aider {
        // It sets no variable by which cast could know it: to cast, its terminals are a person's.
        let left = typed(agent, Some(Guard::MaskAlways));
        for (row, name) in [(Row::Pty, "PTY_TOKEN"), (Row::Typed, "TYPED_TOKEN")] {
            assert!(!left.reached_the_model(&secret("deploy", name)), "{name} reaches the model of aider");
            assert!(left.reached_the_model(&bare("deploy", name)), "{name}: the path leads nowhere");
            column[place(row)] = Cell::ClosedBy(vec![Guard::MaskAlways]);
        }
        // The files of a session have what it sent.
        assert!(!SECRETS.iter().any(|(vault, name)| left.is_on_disk(&secret(vault, name))));
        column[place(Row::Disk)] = Cell::ClosedBy(vec![Guard::MaskAlways]);
    }
    let guards: Vec<_> = agent.guards().iter().copied().filter(|guard| closes(agent, *guard)).collect();
    if !guards.is_empty() {
        assert_eq!(column[place(Row::OwnKey)], Cell::Reaches, "{agent:?} shows no key without a guard");
        column[place(Row::OwnKey)] = Cell::ClosedBy(guards);
    }
    column
}

fn place(row: Row) -> usize {
    Row::ALL.iter().position(|other| *other == row).unwrap()
}

/// Whether the guard keeps the agent's own key from its model and its files, and lets tools do their work; false if
/// it cannot be tried here.
fn closes(agent: Agent, guard: Guard) -> bool {
    if guard.needs().iter().any(|program| lacks(program, &format!("leaks: {guard:?}"))) {
        return false;
    }
    let [pipe, _] = commands("PIPE_TOKEN");
    let session = Session::new(
        agent,
        Some(guard),
        vec![agent.shell("step_own", &own_key(agent)), agent.shell("step_pipe", &pipe)],
    );
    session.run("");
    let left = session.left();
    assert!(left.was_answered("step_own", &all_of("own")), "{guard:?}: the tool did not run");
    assert!(left.was_answered("step_pipe", "[cast:PIPE_TOKEN]"), "{guard:?}: no tool runs through cast");
    assert!(!left.reached_the_model(OWN_KEY), "{guard:?} does not keep the key of {agent:?} from its model");
    assert!(!left.is_on_disk(OWN_KEY), "{guard:?} does not keep the key of {agent:?} from its files");
    true
}

/// Runs an agent and compares its column with the page; the variable `CAST_TEST_REWRITE` rewrites it there.
fn check(agent: Agent) {
    if std::env::var("CAST_TEST_CLIENTS").as_deref() != Ok("1") {
        return skip("leaks: the real agents, 2 GB, run only with CAST_TEST_CLIENTS=1");
    }
    if !agent.is_there() || lacks("node", "leaks") {
        return skip(&format!("leaks: {} is not installed", agent.title()));
    }
    let column = column(agent);
    let seen: Vec<_> = column.iter().map(Cell::words).collect();
    let rows = Row::ALL.iter().zip(&seen).map(|(row, cell)| format!("| {} | {cell} |\n", row.words()));
    let table = format!("| {} {} | |\n|---|---|\n{}", agent.title(), agent.version(), rows.collect::<String>());
    let _ = std::io::stderr().write_all(table.as_bytes());
    for (row, cell) in Row::ALL.iter().zip(&column) {
        // An agent needs its own key in its own environment, and aider gives it to every command.
        let open = *row == Row::OwnKey && agent == Agent::Aider;
        assert!(open || *cell != Cell::Reaches, "{agent:?}: {} reaches the model", row.words());
    }
    if std::env::var_os("CAST_TEST_REWRITE").is_some() {
        page::rewrite(agent, &seen);
    }
    assert_eq!(
        seen,
        page::column(agent),
        "docs/leaks.md is behind: CAST_TEST_REWRITE=1 CAST_TEST_CLIENTS=1 .ci/test leaks"
    );
}

#[test]
fn claude_code() {
    check(Agent::Claude);
}

#[test]
fn codex() {
    check(Agent::Codex);
}

#[test]
fn gemini_cli() {
    check(Agent::Gemini);
}

#[test]
fn opencode() {
    check(Agent::Opencode);
}

#[test]
fn aider() {
    check(Agent::Aider);
}
