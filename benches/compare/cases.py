"""The cases: who takes part in each, and how it is run. Each contender first has to hand over its secrets."""

import os

import peers
from measure import Row, daemons, in_turns, peaks, pipeline, start
from stage import Unusable, secrets, write

TRUE = ["/bin/true"]
LOG = 256 << 20
LOGS = (1, 10, 20, 100, 200)  # the numbers of secrets


class Cases:
    def __init__(self, stage, cast, floor, peak, runs, tell):
        self.stage, self.cast, self.floor, self.peak, self.runs, self.tell = stage, cast, floor, peak, runs, tell
        self.file = os.path.join(stage.root, "found")

    def rows(self, makers, values, masked=False):
        """Sets up each of these, and tries it."""
        rows = []
        for name, make in makers:
            self.tell(f"  set up: {make.__name__}, {len(values)} secrets")
            try:
                row = make(self.stage, values)
            except Unusable as why:
                row = Row(name)
                row.why = str(why)
            rows.append(self.tried(row, values, masked))
        return rows

    def tried(self, row, values, masked):
        """Whether a program gets the first and the last secret and, if so wanted, whether its output is masked."""
        if row.why or row.alone:
            return row
        names = list(values)
        first, last = names[0], names[-1]
        got = os.path.join(row.env["HOME"], "got")
        lines = ["#!/bin/sh", f'printf "%s\\n" "${first}" "${last}" >{got}', f'printf "%s\\n" "${first}"']
        script = write(os.path.join(row.env["HOME"], "show"), "\n".join(lines) + "\n", 0o755)
        try:
            said = self.stage.call([*row.words, script], row.env)
            with open(got, encoding="utf-8") as file:
                if file.read().split() != [values[first], values[last]]:
                    raise Unusable("it does not hand over the secrets")
            if masked and values[first] in said:
                raise Unusable("it does not mask")
        except (Unusable, OSError) as why:
            row.why = str(why)
        return row

    def floors(self, masked=False):
        env = self.stage.home()
        rows = [] if masked else [Row("`/bin/true`", "", [], env, peer=False)]
        return [*rows, Row("a Rust program that only execs", "static musl", [self.floor], env, peer=False)]

    def timed(self, rows, masked=False):
        def once(row):
            return start(row, TRUE, masked)

        def below(row):
            return start(Row("", words=[self.peak, self.file, *row.words], env=row.env, alone=row.alone), TRUE, masked)

        in_turns(rows, self.runs, once)
        peaks(rows, below, self.file)
        return once

    def starts(self, count):
        """Without masking: floors, a key in a file or a variable, and the keyring, all in one run."""
        values = secrets(count)
        floors = self.floors()
        ours = [("cast", self.cast.in_variable), ("cast", self.cast.in_file)]
        near = self.rows([*ours, *peers.KEY], values)
        far = self.rows([("cast", self.cast.in_keyring), *peers.KEYRING], values)
        self.tell(f"  time: {count} secrets")
        once = self.timed(floors + near + far)
        daemons(far, self.runs, self.stage, once)
        return {f"start {count}": floors + near, f"keyring {count}": far}

    def masked(self):
        """The start with output to a pipe, masked."""
        values = secrets(10)
        rows = self.floors(masked=True) + self.rows([("cast", self.cast.masked), *peers.MASKED], values, masked=True)
        self.tell("  time: masked start")
        self.timed(rows, masked=True)
        return {"masked start": rows}

    def logs(self):
        """A log through a pipe, for each number of secrets; the peers at two of them."""
        tables = {}
        cat = self.stage.which("cat")
        for count in LOGS:
            values = secrets(count)
            makers = [("cast", self.cast.masked), *(peers.MASKED if count in (10, 100) else [])]
            ready = self.rows(makers, values, masked=True)
            for hits in (False, True):
                log = write_log(os.path.join(self.stage.root, "log"), LOG, list(values.values()) if hits else [])
                floor = Row("`cat \\| cat`", "", [cat], self.stage.home(), peer=False)
                rows = [floor, *(row.again() for row in ready)]

                def once(row, log=log, floor=floor):
                    stages = [[cat, log], [cat], [cat]] if row is floor else [[*row.words, cat, log], [cat]]
                    return pipeline(stages, row.env)

                def below(row, log=log):
                    pipeline([[self.peak, self.file, *row.words, cat, log], [cat]], row.env)

                self.tell(f"  time: a log, {count} secrets, {'a hit' if hits else 'no hit'} per MiB")
                in_turns(rows, self.runs, once)
                peaks(rows[1:2], below, self.file)
                tables[f"log {count} {'hits' if hits else 'clean'}"] = rows
        return tables


def write_log(path, size, values):
    """Lines as a server writes them; with values, one in each MiB."""
    lines = []
    length = 0
    while length < 1 << 20:
        number = len(lines)
        lines.append(
            f"2026-01-15T10:30:{number % 60:02}.{number * 7919 % 999983:06}Z INFO server::http request "
            f"id={number * 2654435761 % (1 << 32):08x} path=/api/v1/items/{number} auth=- took {number % 7919} us\n"
        )
        length += len(lines[-1])
    middle = len(lines) // 2
    with open(path, "w", encoding="ascii") as file:
        for piece in range(size >> 20):
            told = values[piece % len(values)] if values else "-" * 40
            file.write("".join(lines[:middle]) + f"auth={told}\n" + "".join(lines[middle:]))
    return path
