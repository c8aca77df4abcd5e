"""How each peer stores secrets on this machine, without an account, and hands them to a program: the fastest of its
documented ways. Each function of the lists at the end makes a home with these secrets and returns a `Row`, or
raises `Unusable`."""

import base64
import json
import os
import pty
import re
import select
import termios
import time
from urllib.parse import quote

from measure import Row
from stage import Unusable, dotenv, write


def identity(stage, env):
    """A key of age in a file; its path, the key and its recipient."""
    path = f"{env['HOME']}/key.txt"
    stage.call([stage.which("age-keygen"), "-o", path], env)
    with open(path, encoding="ascii") as file:
        text = file.read()
    os.chmod(path, 0o600)
    return path, re.search("AGE-SECRET-KEY-.*", text)[0], re.search("age1[0-9a-z]+", text)[0]


def sealed(stage, env, to, text, armor=False):
    """What age makes of it, as a file."""
    path = write(f"{env['HOME']}/plain", text)
    out = f"{env['HOME']}/sealed.age"
    stage.call([stage.which("age"), "-r", to, *(["-a"] if armor else []), "-o", out, path], env)
    os.remove(path)
    return out


def typed(words, env, answers, seconds=60):
    """Runs a program that wants a terminal; each answer is typed when its question shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        termios.tcsetwinsize(0, (50, 200))
        os.chdir(env["HOME"])
        os.execve(words[0], words, env)
    shown, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the terminal has no program any more
            break
        if not piece:
            break
        shown += piece.decode(errors="replace")
        if answers and answers[0][0] in shown:
            os.write(terminal, answers.pop(0)[1].encode())
            shown = ""
    else:
        os.kill(pid, 9)
    status = os.waitpid(pid, 0)[1]
    os.close(terminal)
    if status != 0:
        raise Unusable(f"'{os.path.basename(words[0])} {words[1]}' failed on a terminal")


def require_encrypted(env, file, values):
    """Raises if a set-up left values in plain text."""
    with open(f"{env['HOME']}/{file}", encoding="utf-8") as text:
        found = text.read()
    if any(value in found for value in values.values()):
        raise Unusable(f"its set-up leaves values in plain text in {file}")


def envio(stage, values):
    env, program = stage.home(), stage.which("envio")
    stage.call([program, "init"], env)
    pairs = [f"{name}={value}" for name, value in values.items()]
    said = stage.call([program, "create", "a", "-k", "symmetric", "-e", *pairs], env)
    env["ENVIO_KEY"] = re.search(r"[A-Za-z0-9+/]{43}=", said)[0]
    return Row("envio", "its encrypted file, key in a variable", [program, "run", "a", "--"], env)


def envio_keyring(stage, values):
    row = envio(stage, values)
    key = row.env.pop("ENVIO_KEY")
    row.env = stage.keyring(row.env)
    typed([row.words[0], "add-key", "a"], row.env, [("encryption key", key + "\r")])
    row.way = "its encrypted file, key in the keyring"
    return row


def age_with_bash(stage, values, program="age"):
    env, program = stage.home(), stage.which(program)
    path, _, to = identity(stage, env)
    file = sealed(stage, env, to, dotenv(values))
    script = f'set -a; eval "$({program} -d -i {path} {file})"; exec "$@"'
    name = os.path.basename(program)
    words = [stage.which("bash"), "-c", script, "bash"]
    return Row(f"`{name} -d` and bash", "an age file, key in a file", words, env)


def rage_with_bash(stage, values):
    return age_with_bash(stage, values, "rage")


def lade(stage, values, ttl="off", mask=False):
    env, program = stage.home(), stage.which("lade")
    _, env["LADE_AGE_KEY"], to = identity(stage, env)
    lines = [".:", "  .:", f"    ttl: {ttl}", "    silent: true"]
    for name, value in values.items():
        with open(sealed(stage, env, to, value, armor=True), encoding="ascii") as file:
            lines.append(f"  {name}: age://{quote(file.read(), safe='')}")
    write(f"{env['HOME']}/lade.yaml", "\n".join(lines) + "\n")
    way = "age for each value, key in a variable" if ttl == "off" else "values in its hub's memory"
    return Row("lade", way, [program, "inject", *([] if mask else ["--no-mask"]), "--"], env)


def lade_warm(stage, values):
    return lade(stage, values, ttl="1h")


def lade_masked(stage, values):
    return lade(stage, values, ttl="1h", mask=True)


def fnox(stage, values, options=("--replace",)):
    env, program = stage.home(), stage.which("fnox")
    env["FNOX_DAEMON"] = "off"
    _, env["FNOX_AGE_KEY"], to = identity(stage, env)
    lines = ["[providers]", f'age = {{ type = "age", recipients = ["{to}"] }}', "[secrets]"]
    for name, value in values.items():
        with open(sealed(stage, env, to, value), "rb") as file:
            text = base64.b64encode(file.read()).decode()
        lines.append(f'{name} = {{ provider = "age", value = "{text}" }}')
    write(f"{env['HOME']}/fnox.toml", "\n".join(lines) + "\n")
    way = ", ".join(["age for each value, key in a variable", *(f"`{option}`" for option in options)])
    return Row("fnox", way, [program, "exec", *options, "--"], env)


def fnox_masked(stage, values):
    return fnox(stage, values, ("--redact",))


def fnox_warm(stage, values):
    row = fnox(stage, values)
    row.env["FNOX_DAEMON"] = "on"
    row.way = "values in its daemon's memory"
    return row


def fnox_keyring(stage, values):
    row = fnox(stage, values, ())
    key = row.env.pop("FNOX_AGE_KEY")
    row.env = stage.keyring(row.env)
    file = f"{row.env['HOME']}/fnox.toml"
    with open(file, encoding="ascii") as text:
        lines = text.read().replace(" }\n", ', identity = { provider = "keychain", value = "age-key" } }\n', 1)
    write(file, lines.replace("[providers]\n", '[providers]\nkeychain = { type = "keychain", service = "fnox" }\n'))
    words = ["secret-tool", "store", "--label=x", "service", "fnox", "username", "age-key", "target", "default"]
    stage.call(words, row.env, key)
    row.way = "age for each value, key in the keyring"
    return row


def secretspec(stage, values, provider="dotenv", way="a plain .env file, not encrypted"):
    env, program = stage.home(), stage.which("secretspec")
    lines = ['[project]\nname = "compare"\nrevision = "1.0"\n[profiles.default]']
    lines += [f'{name} = {{ description = "a secret", required = true }}' for name in values]
    write(f"{env['HOME']}/secretspec.toml", "\n".join(lines) + "\n")
    write(f"{env['HOME']}/.env", dotenv(values))
    return Row("secretspec", way, [program, "run", "--provider", provider, "--"], env)


def secretspec_age(stage, values):
    row = secretspec(stage, values, way="an age file, key in a variable")
    _, row.env["AGE_IDENTITY"], to = identity(stage, row.env)
    row.words[3] = f"age://{sealed(stage, row.env, to, dotenv(values), armor=True)}"
    return row


def secretspec_keyring(stage, values):
    row = secretspec(stage, values, "keyring", "each value in the keyring")
    row.env = stage.keyring(row.env)
    for name, value in values.items():
        stage.call([row.words[0], "set", name, value, "--provider", "keyring"], row.env)
    return row


def envchain(stage, values):
    env, program = stage.keyring(stage.home()), stage.which("envchain")
    for name, value in values.items():
        words = ["secret-tool", "store", f"--label=compare.{name}", "name", "compare", "key", name]
        stage.call([*words, "xdg:schema", "envchain.EnvironmentVariable"], env, value)
    return Row("envchain", "each value in the keyring", [program, "compare"], env)


def secret_tool(stage, values):
    env, program = stage.keyring(stage.home()), stage.which("secret-tool")
    stage.call([program, "store", "--label=x", "service", "compare"], env, next(iter(values.values())))
    words = [program, "lookup", "service", "compare"]
    return Row("`secret-tool lookup`", "one value, and starts nothing", words, env, peer=False, alone=True)


def varlock(stage, values, options=("--no-redact-stdout",)):
    env, program = stage.home(), stage.which("varlock")
    env["VARLOCK_TELEMETRY_DISABLED"] = "1"
    names = "".join(f"# @sensitive\n{name}=\n" for name in values)
    write(f"{env['HOME']}/.env.schema", f"# @defaultRequired=true\n# ---\n{names}")
    write(f"{env['HOME']}/.env.local", dotenv(values))
    write(f"{env['HOME']}/package.json", json.dumps({"name": "compare", "private": True}))
    typed([program, "encrypt", "--file", ".env.local"], env, [("enter to confirm", "\r")], 60 + len(values))
    require_encrypted(env, ".env.local", values)
    words = [program, "run", *options, "--inject", "vars", "--"]
    return Row("varlock", "its local encryption, key in a file", words, env)


def varlock_masked(stage, values):
    return varlock(stage, values, ())


def dotenvx(stage, values, options=()):
    env, program = stage.home(), stage.which("dotenvx")
    alone = ["--no-armor", "--no-native"]
    write(f"{env['HOME']}/.env", dotenv(values))
    stage.call([program, "encrypt", *alone], env, timeout=600)
    require_encrypted(env, ".env", values)
    return Row("dotenvx", "an encrypted .env, key in a file", [program, "run", "--quiet", *alone, *options, "--"], env)


def dotenvx_masked(stage, values):
    return dotenvx(stage, values, ("--redact",))


def op(stage, _values):
    stage.which("op")
    raise Unusable("on PATH, but it needs an account")


KEY = [
    ("envio", envio),
    ("`age -d` and bash", age_with_bash),
    ("`rage -d` and bash", rage_with_bash),
    ("lade", lade),
    ("lade", lade_warm),
    ("fnox", fnox),
    ("fnox", fnox_warm),
    ("secretspec", secretspec_age),
    ("secretspec", secretspec),
    ("varlock", varlock),
    ("dotenvx", dotenvx),
    ("op", op),
]
KEYRING = [
    ("`secret-tool lookup`", secret_tool),
    ("envio", envio_keyring),
    ("envchain", envchain),
    ("secretspec", secretspec_keyring),
    ("fnox", fnox_keyring),
]
MASKED = [("lade", lade_masked), ("fnox", fnox_masked), ("varlock", varlock_masked), ("dotenvx", dotenvx_masked)]
