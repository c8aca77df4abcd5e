"""Times of processes, from `posix_spawn` to `wait4`, in turns: what else the machine does hits all alike."""

import gc
import os
import statistics
import time

from stage import Unusable

#: A contender that is slow gets fewer runs: this long in all.
SECONDS = 30


class Row:
    """One contender of one case, and what was measured."""

    def __init__(self, name, way="", words=(), env=None, peer=True, alone=False):
        self.name, self.way, self.words, self.env, self.peer = name, way, list(words), env, peer
        self.alone = alone  # it starts no command
        self.times, self.limit, self.why, self.peak, self.daemons = [], None, None, None, None

    def again(self):
        """The same contender for another case."""
        other = Row(self.name, self.way, self.words, self.env, self.peer, self.alone)
        other.why = self.why
        return other

    def data(self):
        """What a table shows, and what a file keeps."""
        return {
            "name": self.name,
            "way": self.way,
            "peer": self.peer,
            "why": self.why,
            "median": statistics.median(self.times) if self.times else None,
            "peak": self.peak,
            "daemons": self.daemons,
            "times": self.times,
        }


def spawn(words, env, stdin=None, stdout=None):
    def stream(number, given, mode):
        if given is None:
            return (os.POSIX_SPAWN_OPEN, number, "/dev/null", mode, 0)
        return (os.POSIX_SPAWN_DUP2, given, number)

    actions = [stream(0, stdin, os.O_RDONLY), stream(1, stdout, os.O_WRONLY), stream(2, None, os.O_WRONLY)]
    return os.posix_spawn(words[0], words, env, file_actions=actions)


def succeeded(status):
    if status != 0:
        raise Unusable(f"a run ended with {os.waitstatus_to_exitcode(status)}")


def start(row, command, masked=False):
    """One run; standard output is /dev/null, or a pipe where masking is wanted."""
    os.chdir(row.env["HOME"])
    ends = os.pipe() if masked else (None, None)
    try:
        begin = time.perf_counter()
        pid = spawn(row.words + ([] if row.alone else command), row.env, stdout=ends[1])
        status = os.wait4(pid, 0)[1]
        took = time.perf_counter() - begin
    finally:
        for end in ends:
            if end is not None:
                os.close(end)
    succeeded(status)
    return took


def pipeline(stages, env):
    """Processes with pipes between them, the last one's output to /dev/null; the time until all have ended."""
    os.chdir(env["HOME"])
    pids, given = [], None
    begin = time.perf_counter()
    for number, words in enumerate(stages):
        last = number == len(stages) - 1
        read, write = (None, None) if last else os.pipe()
        pids.append(spawn(words, env, stdin=given, stdout=write))
        for end in (given, write):
            if end is not None:
                os.close(end)
        given = read
    ends = [os.wait4(pid, 0)[1] for pid in pids]
    took = time.perf_counter() - begin
    for status in ends:
        succeeded(status)
    return took


def in_turns(rows, runs, once):
    """Each round runs every row once. The first, which warms the caches, does not count."""
    gc.disable()
    for round_ in range(runs + 1):
        for row in rows:
            if row.why or (row.limit is not None and len(row.times) >= row.limit):
                continue
            try:
                took = once(row)
            except Unusable as why:
                row.why = str(why)
                continue
            if round_ == 0:
                row.limit = min(runs, max(3, int(SECONDS / took)))
            else:
                row.times.append(took)
    gc.enable()


def peaks(rows, once, file):
    """The peak RSS in MB, of some runs below the program `peak`; of one, if a run is slow."""
    for row in rows:
        found = []
        try:
            for _ in range(0 if row.why else max(1, min(3, row.limit // 3))):
                once(row)
                with open(file, encoding="ascii") as text:
                    found.append(int(text.read()) * 1024 / 1e6)
        except Unusable as why:
            row.why = str(why)
        row.peak = statistics.median(found) if found else None


def daemons(rows, runs, stage, once):
    """The CPU time of the bus and the keyring for each run."""
    for row in rows:
        if row.why or not row.times:
            continue
        count = min(runs, row.limit)
        before = stage.daemons_time(row.env)
        try:
            for _ in range(count):
                once(row)
        except Unusable as why:
            row.why = str(why)
        row.daemons = (stage.daemons_time(row.env) - before) / count
