"""Where everything runs: a temporary folder with homes, and a keyring on a bus of its own. Nothing of it is left."""

import ctypes
import os
import random
import re
import shutil
import signal
import string
import subprocess
import tempfile
import time


class Unusable(Exception):
    """Why a contender is not timed: one line for the table."""


def secrets(count):
    """The same in every run: names, and 40 random characters each."""
    dice = random.Random(22)
    return {
        f"SERVICE_{number:04}_TOKEN": "".join(dice.choices(string.ascii_letters + string.digits, k=40))
        for number in range(count)
    }


def dotenv(values):
    return "".join(f"{name}={value}\n" for name, value in values.items())


def write(path, text, mode=0o600):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Stage:
    def __init__(self, path):
        self.path = path
        self.root = tempfile.mkdtemp(prefix="cast-compare-")
        self.daemons = {}  # by the address of their bus
        # A daemon that a contender leaves behind becomes a child of this process, and ends with it.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER

    def which(self, program):
        found = shutil.which(program, path=self.path)
        if not found:
            raise Unusable("not on PATH")
        return found

    def home(self):
        """A new home; the variables of a program that lives there."""
        home = tempfile.mkdtemp(dir=self.root)
        os.mkdir(os.path.join(home, "run"), 0o700)
        return {
            "PATH": self.path,
            "HOME": home,
            "USER": "somebody",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "XDG_RUNTIME_DIR": os.path.join(home, "run"),
        }

    def call(self, words, env, given=None, timeout=120):
        """Runs a step of a set-up in that home; returns its output."""
        options = {"input": given} if given is not None else {"stdin": subprocess.DEVNULL}
        try:
            done = subprocess.run(
                words, env=env, cwd=env["HOME"], capture_output=True, text=True, timeout=timeout, check=False, **options
            )
        except subprocess.TimeoutExpired:
            raise Unusable(f"'{os.path.basename(words[0])} {words[1]}' did not end") from None
        if done.returncode != 0:
            said = (done.stderr + done.stdout).replace(env["HOME"], "~").splitlines()
            lines = [line.strip() for line in said if line.strip() and not re.match("note|warn", line, re.IGNORECASE)]
            raise Unusable(" ".join(" ".join(lines[:2]).split())[:160] if lines else f"it ended with {done.returncode}")
        return done.stdout

    def keyring(self, env):
        """Adds a keyring to a home, which nobody else uses; returns the home's variables."""
        for program in ["dbus-daemon", "gnome-keyring-daemon", "secret-tool", "dbus-send"]:
            self.which(program)
        own = self.home()
        rules = (
            "<auth>EXTERNAL</auth><policy context='default'><allow send_destination='*' eavesdrop='true'/>"
            "<allow eavesdrop='true'/><allow own='*'/></policy>"
        )
        # No <servicedir>: the bus would start the machine's own keyring.
        listen = f"<listen>unix:path={own['HOME']}/bus</listen>"
        config = write(f"{own['HOME']}/bus.conf", f"<busconfig><type>session</type>{listen}{rules}</busconfig>")
        words = [self.which("dbus-daemon"), "--nofork", "--print-address=1", f"--config-file={config}"]
        quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        bus = subprocess.Popen(words, env=own, stdout=subprocess.PIPE, text=True, **quiet)
        address = {"DBUS_SESSION_BUS_ADDRESS": bus.stdout.readline().strip()}
        words = [self.which("gnome-keyring-daemon"), "--unlock", "--foreground", "--components=secrets"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        daemon = subprocess.Popen(words, env=own | address, stdin=subprocess.PIPE, **quiet)
        daemon.stdin.write(b"password")
        daemon.stdin.close()
        ask = ["dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"]
        ask += ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]
        while "true" not in self.call(ask, own | address):
            if daemon.poll() is not None:
                raise Unusable("gnome-keyring-daemon ended")
        self.daemons[address["DBUS_SESSION_BUS_ADDRESS"]] = (bus.pid, daemon.pid)
        return env | address

    def daemons_time(self, env):
        """The CPU time of a home's bus and keyring so far, in seconds, once they are idle."""
        before = None
        while True:
            now = sum(thread_times(pid) for pid in self.daemons[env["DBUS_SESSION_BUS_ADDRESS"]])
            if now == before:
                return now / 1e9
            before = now
            time.sleep(0.02)

    def close(self):
        handlers = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
        for number in handlers:
            signal.signal(number, signal.SIG_IGN)
        for _ in range(100):  # a process that is killed may leave us its children
            for pid in children(os.getpid()):
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    pass
            if not children(os.getpid()):
                break
        shutil.rmtree(self.root, ignore_errors=True)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def thread_times(pid):
    """In ns: the ticks of /proc/PID/stat are too coarse."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total
