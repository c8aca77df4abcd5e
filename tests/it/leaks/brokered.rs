//! The agent's own key, brokered: right at the host, and nowhere in what the agent's processes have, write and leave.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::agents::{Agent, OWN_KEY};
use super::session::{Session, all_of};
use super::{Cell, own_key};
use crate::broker::outer::Lead;
use crate::broker::upstream::{AtHost, Host, Root};
use crate::broker::world::forms;
use crate::sandbox::skip;

/// The headers that carry a key to a model.
const FIELDS: [&str; 3] = ["authorization", "x-api-key", "x-goog-api-key"];

/// A session with a brokered key, looked at while a tool of the agent runs.
pub fn cell(agent: Agent) -> Cell {
    let hold = ": >held; read x <fifo";
    let script = if agent == Agent::Aider {
        vec![]
    } else {
        vec![agent.shell("step_own", &own_key(agent)), agent.shell("step_held", &at_home(hold))]
    };
    let session = Session::new(agent, None, script);
    let home = session.sandbox.home().to_owned();
    assert!(std::process::Command::new("mkfifo").arg(home.join("fifo")).status().unwrap().success());

    // The host that stands for the real one, and passes on to the model what is for it.
    let (root, heads) = (Root::new(), Arc::<Mutex<Vec<String>>>::default());
    let (model, all) = (session.model.url["http://".len()..].to_owned(), heads.clone());
    let host = Host::new(root.server(agent.host(), |_| {}), move |line| pass_on(line, &model, &all));
    let lead = Lead::new(host.address);
    fs::create_dir_all(home.join(".config/cast")).unwrap();
    let settings = format!("proxy = \"http://{}\"\nroots = [\"{}\"]\n", lead.address, root.path().display());
    fs::write(home.join(".config/cast/config.toml"), settings).unwrap();
    let cast = |words: &[&str]| session.sandbox.cast(words).succeeds().out;
    cast(&["set", agent.vault(), agent.key(), "--keep", "--host", agent.host()]);
    let stand_in = cast(&["run", agent.vault(), "--no-mask", "--", "printenv", agent.key()]).trim().to_owned();
    assert!(stand_in.len() == OWN_KEY.len() && stand_in != OWN_KEY);

    let session = session.with_stand_in(&stand_in);
    let (forms, mut looked) = (forms(OWN_KEY), false);
    let input = format!("/run {}\n/run {}\nhello\n/exit\n", own_key(agent), at_home(hold));
    let said = session.run_and(if agent == Agent::Aider { &input } else { "" }, |cast| {
        if !looked && home.join("held").exists() {
            looked = true;
            look(agent, cast, &forms, &stand_in);
            fs::write(home.join("fifo"), "go on\n").unwrap();
        }
    });
    assert!(looked, "{agent:?}: the tool did not run: {said}");

    let has = |text: &str| forms.iter().find(|form| text.contains(form.as_str()));
    assert_eq!(has(&said), None, "{agent:?} wrote it");
    let left = session.left();
    assert!(left.reached_the_model(&all_of("own")), "{agent:?}: the tool did not run");
    assert!(left.reached_the_model(&stand_in), "{agent:?}: the tool showed nothing");
    assert!(!left.reached_the_model(OWN_KEY), "{agent:?}: its key reaches the model");
    assert!(!left.is_on_disk(OWN_KEY), "{agent:?}: its key is in its files");
    // What the agent asked its model, it asked with its key.
    let heads = heads.lock().unwrap();
    let keys = heads.iter().flat_map(|head| head.lines()).filter(|line| {
        line.split_once(':').is_some_and(|(name, _)| FIELDS.contains(&name.to_ascii_lowercase().as_str()))
    });
    let keys: Vec<_> = keys.collect();
    assert!(!keys.is_empty() && keys.iter().all(|line| line.ends_with(OWN_KEY)), "{agent:?}: {} keys", keys.len());
    assert!(!heads.iter().any(|head| head.contains(&stand_in)), "{agent:?}: the host got the stand-in");
    Cell::NotThere
}

fn at_home(command: &str) -> String {
    format!("cd; {command}")
}

/// Gives a request to the model, and its answer to the agent: one on each connection.
fn pass_on(mut line: AtHost, model: &str, heads: &Mutex<Vec<String>>) {
    let head = line.head();
    if head.is_empty() {
        return;
    }
    heads.lock().unwrap().push(head.clone());
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:"));
    let Ok(mut to) = TcpStream::connect(model) else { return };
    to.write_all(head.as_bytes()).unwrap();
    if lower.contains("transfer-encoding: chunked") {
        let _ = to.write_all(line.until("\r\n0\r\n\r\n").as_bytes());
    } else {
        let _ = to.write_all(&line.exactly(length.map_or(0, |length| length.trim().parse().unwrap())));
    }
    let mut answer = Vec::new();
    let _ = to.read_to_end(&mut answer);
    let _ = line.try_send(answer);
}

/// Looks through every process that the agent has: its environment, its arguments, its memory.
fn look(agent: Agent, cast: i32, forms: &[String], stand_in: &str) {
    if !Path::new("/proc/self/pagemap").exists() {
        return skip("leaks: the memory of another process cannot be read here");
    }
    // Of the children of cast, one is its keeper; the others are of the agent.
    let agents: Vec<_> = children(cast).into_iter().filter(|pid| program(*pid) != program(cast)).collect();
    assert!(!agents.is_empty(), "{agent:?} is not there");
    let mut tree = agents;
    let mut at = 0;
    while at < tree.len() {
        tree.extend(children(tree[at]));
        at += 1;
    }
    assert!(tree.len() > 1, "{agent:?} has no tool");
    let needles: Vec<_> = forms.iter().map(String::as_bytes).collect();
    let (mut seen, mut pages) = (0, 0);
    for pid in tree {
        for file in ["environ", "cmdline"] {
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert_eq!(Search::new(&needles).find(&text), None, "{agent:?}: {file} of {}", program(pid));
        }
        each_page_run(pid, |bytes| {
            pages += bytes.len() / PAGE;
            assert_eq!(Search::new(&needles).find(bytes), None, "{agent:?}: the memory of {}", program(pid));
            seen += usize::from(Search::new(&[stand_in.as_bytes()]).find(bytes).is_some());
        });
    }
    assert!(seen > 1 && pages > 1000, "{agent:?}: its memory was not read: {pages} pages, the stand-in in {seen}");
}

fn program(pid: i32) -> String {
    fs::read_link(format!("/proc/{pid}/exe")).map(|path| path.display().to_string()).unwrap_or_default()
}

fn children(pid: i32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let list = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    tasks.flat_map(|task| list(task).split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect()
}

const PAGE: usize = 4096;
/// How many pages are read at once.
const RUN: usize = 4096;

/// Calls `look` with what is really there of a process's memory: a JavaScript engine sets apart far more than it uses.
/// What the system does not let the test read, such as its own pages, is left out.
fn each_page_run(pid: i32, mut look: impl FnMut(&[u8])) {
    let read = |file: &str| fs::File::open(format!("/proc/{pid}/{file}"));
    let (Ok(map), Ok(memory)) = (read("pagemap"), read("mem")) else { return };
    let ranges = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    for line in ranges.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with('r'))) {
        let (from, to) = line.split(' ').next().and_then(|range| range.split_once('-')).unwrap();
        let [from, to] = [from, to].map(|number| usize::from_str_radix(number, 16).unwrap() / PAGE);
        let mut at = from;
        while at < to {
            let count = RUN.min(to - at);
            let mut entries = vec![0; count * 8];
            if map.read_exact_at(&mut entries, at as u64 * 8).is_err() {
                break;
            }
            // Present, or swapped out.
            let is_there: Vec<_> = entries.chunks(8).map(|entry| entry[7] & 0xC0 != 0).collect();
            let mut first = 0;
            while let Some(start) = (first..count).find(|page| is_there[*page]) {
                let end = (start..count).find(|page| !is_there[*page]).unwrap_or(count);
                let mut bytes = vec![0; (end - start) * PAGE];
                if memory.read_exact_at(&mut bytes, ((at + start) * PAGE) as u64).is_ok() {
                    look(&bytes);
                }
                first = end;
            }
            at += count;
        }
    }
}

/// Finds one of a few texts in much: a table of their first two bytes tells where to compare.
struct Search<'a> {
    needles: &'a [&'a [u8]],
    begins: Vec<bool>,
}

impl<'a> Search<'a> {
    fn new(needles: &'a [&'a [u8]]) -> Self {
        let mut begins = vec![false; 1 << 16];
        for needle in needles {
            begins[usize::from(needle[0]) << 8 | usize::from(needle[1])] = true;
        }
        Self { needles, begins }
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let is_here = |at: &usize| {
            self.begins[usize::from(bytes[*at]) << 8 | usize::from(bytes[at + 1])]
                && self.needles.iter().any(|needle| bytes[*at..].starts_with(needle))
        };
        (0..bytes.len().saturating_sub(1)).find(is_here)
    }
}

#[test]
fn what_is_in_memory_is_found() {
    let text = [b'x'; 3 * PAGE].into_iter().chain(*b"sk-own-0123").chain([b'y'; 100]).collect::<Vec<_>>();
    assert_eq!(Search::new(&[b"none", b"sk-own-"]).find(&text), Some(3 * PAGE));
    assert_eq!(Search::new(&[b"none", b"sk-own-1"]).find(&text), None);
}
