"""`.ci/compare`: cast beside the floors and every peer on PATH, in one run. See docs/performance.md."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time

import plot
import programs
import tables
from cases import LOG, Cases
from stage import Stage

PAGE, PICTURE = "docs/performance.md", ".github/performance.svg"
BEGIN, END = "<!-- .ci/compare --write: begin -->\n", "<!-- .ci/compare --write: end -->\n"
PARTS = ["start", "thousand", "masked", "log", "benches"]
BENCHES = {"masking": ["keystroke", "latency", "memory"], "broker": []}


def options():
    parser = argparse.ArgumentParser(prog=".ci/compare", description=__doc__.split(":", 1)[1].strip())
    parser.add_argument("--cast", metavar="FILE", help="compare this binary; otherwise the static one is built")
    parser.add_argument("--runs", type=int, default=50, metavar="N", help="runs of each program (default: 50)")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="A,B", help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--install-peers", action="store_true", help="first install peers in target/peers: takes long")
    parser.add_argument("--json", metavar="FILE", help="keep all numbers in FILE")
    parser.add_argument("--from", metavar="FILE", dest="kept", help="run nothing; print what --json kept in FILE")
    parser.add_argument("--svg", metavar="FILE", help="draw the start with ten secrets")
    parser.add_argument("--write", action="store_true", help=f"rewrite {PAGE} and {PICTURE}")
    return parser.parse_args()


def tell(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def run(asked, parts):
    here, path, load = os.getcwd(), programs.path(), os.getloadavg()[0]
    cast = os.path.abspath(asked.cast or programs.build_cast())
    stage = Stage(path)
    try:
        floor, peak = (programs.build_rust(name, stage.root) for name in ("floor", "peak"))
        cases = Cases(stage, programs.Cast(cast), floor, peak, asked.runs, tell)
        found = {}
        for part, work in {
            "start": lambda: cases.starts(10),
            "thousand": lambda: cases.starts(1000),
            "masked": cases.masked,
            "log": cases.logs,
        }.items():
            if part in parts:
                tell(part)
                found |= work()
        about = programs.about(cast, path) | {"runs": asked.runs, "load": load}
        rows = {case: [row.data() for row in rows] for case, rows in found.items()}
        return {"about": about, "log": LOG, "cases": rows}
    finally:
        os.chdir(here)
        stage.close()


def benches():
    """What cargo's benches print of latency, memory and the broker, and whether their limits hold."""
    found = {}
    for name, rooms in BENCHES.items():
        words = ["cargo", "bench", "--quiet", "--locked", "--bench", name, *(["--", *rooms] if rooms else [])]
        tell(" ".join(words))
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
        end = "all limits hold" if done.returncode == 0 else f"it ended with {done.returncode}"
        found[name] = f"$ {' '.join(words)}\n{done.stdout.strip()}\n{end}"
    return found


def written(text):
    """The page with the new tables."""
    with open(PAGE, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + text + "\n" + END + rest.split(END)[1])


def main():
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    asked = options()
    parts = asked.parts.split(",")
    if unknown := [part for part in parts if part not in PARTS]:
        sys.exit(f"compare: there is no part '{unknown[0]}'")
    if asked.write and not asked.kept and set(parts) != set(PARTS):
        sys.exit("compare: --write needs all parts")
    if asked.install_peers:
        programs.install_peers()
    if asked.kept:
        with open(asked.kept, encoding="utf-8") as file:
            data = json.load(file)
    else:
        data = run(asked, parts)
        if "benches" in parts:
            data["benches"] = benches()
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            json.dump(data, file)
    text = tables.all_tables(data)
    print(text)
    if asked.svg or asked.write:
        picture = plot.draw(data)
        for file in filter(None, [asked.svg, PICTURE if asked.write else None]):
            with open(file, "w", encoding="utf-8") as out:
                out.write(picture)
    if asked.write:
        written(text)


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
