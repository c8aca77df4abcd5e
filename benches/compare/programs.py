"""The programs that this compares: cast, the floors, and the peers that registries have. And what the machine is."""

import os
import platform
import re
import shutil
import subprocess
import sys
import time

from measure import Row
from stage import dotenv, write

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.environ.get("CARGO_TARGET_DIR", "target")
PEERS = os.path.join(TARGET, "peers")
CRATES = [
    ["envio@0.8.0"],
    ["lade@0.20.1"],
    ["envchain-rs@0.1.13"],
    # Of its two dozen stores, those that are on this machine.
    ["secretspec@0.21.1", "--no-default-features", "--features", "cli,keyring,age"],
    ["fnox@1.46.0"],
]
PACKAGES = ["@dotenvx/dotenvx@2.38.2", "varlock@1.20.0"]
VERSIONS = ["age", "rage", "bash", "gnome-keyring-daemon", "dbus-daemon", "node"]
VERSIONS += ["envio", "lade", "fnox", "secretspec", "envchain", "varlock", "dotenvx", "op"]


def path():
    """PATH, with what was installed for this in front of it."""
    places = [os.path.abspath(os.path.join(PEERS, place)) for place in ("bin", "node_modules/.bin")]
    return os.pathsep.join([place for place in places if os.path.isdir(place)] + [os.environ["PATH"]])


def install_peers():
    """From their registries; one that cannot be built is one less."""
    for crate in CRATES:
        words = ["cargo", "install", "--root", PEERS, "--target-dir", os.path.join(PEERS, "build"), *crate]
        # A lock file may name what its registry has no more.
        if all(subprocess.run([*words, *lock], check=False).returncode != 0 for lock in (["--locked"], [])):
            print(f"compare: {crate[0]} could not be built", file=sys.stderr)
    words = ["npm", "install", "--prefix", PEERS, "--no-audit", "--no-fund", *PACKAGES]
    if not shutil.which("npm") or subprocess.run(words, check=False).returncode != 0:
        print(f"compare: {' '.join(PACKAGES)} could not be installed", file=sys.stderr)


def build_cast():
    """The static binary, as .ci/install builds it."""
    target = f"{platform.machine()}-unknown-linux-musl"
    if shutil.which("rustup"):
        subprocess.run(["rustup", "target", "add", target], capture_output=True, check=False)
    env = dict(os.environ)
    if not shutil.which("musl-gcc"):
        env.setdefault(f"CC_{target.replace('-', '_')}", "cc")
    words = ["cargo", "build", "--release", "--locked", "--bin", "cast", "--target", target]
    subprocess.run(words, env=env, check=True)
    return os.path.join(TARGET, target, "release", "cast")


def build_rust(name, folder):
    """One of the small programs beside this file, static."""
    out = os.path.join(folder, name)
    words = ["rustc", "-O", "--edition=2024", "--target", f"{platform.machine()}-unknown-linux-musl"]
    subprocess.run([*words, "-C", "panic=abort", "-o", out, os.path.join(HERE, f"{name}.rs")], check=True)
    return out


class Cast:
    """cast in homes of its own, with the secrets in the vault `a`."""

    def __init__(self, binary):
        self.binary = binary

    def home(self, stage, values, store="file"):
        env = stage.keyring(stage.home()) if store == "keyring" else stage.home()
        stage.call([self.binary, "init", "--key-store", store], env)
        write(f"{env['HOME']}/.env", dotenv(values))
        stage.call([self.binary, "secrets", "import", "a", ".env"], env)
        return env

    def row(self, way, env, *options):
        return Row("cast", way, [self.binary, "run", *options, "a", "--"], env, peer=False)

    def in_file(self, stage, values):
        return self.row("key in a file", self.home(stage, values), "--no-mask")

    def in_variable(self, stage, values):
        env = self.home(stage, values)
        key = stage.call([self.binary, "key", "export", "--output", "-"], env)
        env["CAST_KEY"] = next(line for line in key.splitlines() if line.startswith("AGE-SECRET-KEY-"))
        return self.row("key in a variable", env, "--no-mask")

    def in_keyring(self, stage, values):
        return self.row("key in the keyring", self.home(stage, values, "keyring"), "--no-mask")

    def masked(self, stage, values):
        return self.row("masked, key in a file", self.home(stage, values))


def first_line(words, env_path):
    program = shutil.which(words[0], path=env_path)
    if not program:
        return None
    env = os.environ | {"PATH": env_path, "HOME": "/nonexistent"}
    try:
        done = subprocess.run([program, *words[1:]], env=env, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "unknown"
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if any(map(str.isdigit, line))]
    return lines[0] if lines else "unknown"


def about(cast, env_path):
    """The machine, the time and the versions."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    versions = {"cast": first_line([cast, "--version"], env_path)}
    commit = re.search(r"\(([0-9a-f]+)\b", versions["cast"])
    for name in VERSIONS:
        option = "version" if name == "envio" else "--version"
        versions[name] = first_line([name, option], env_path) or "not on PATH"
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "kernel": f"{platform.system()} {platform.release()}",
        "commit": commit[1] if commit else "unknown",
        "versions": versions,
    }
