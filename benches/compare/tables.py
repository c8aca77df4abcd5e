"""The numbers as Markdown, and the targets beside them."""

from cases import LOGS

FLOOR = "a Rust program that only execs"


def all_tables(data):
    """All tables of a run."""
    parts = [about(data["about"])]
    cases = data["cases"]
    for count in (10, 1000):
        if f"start {count}" in cases:
            near, far = cases[f"start {count}"], cases[f"keyring {count}"]
            title = f"**Start, {count:,} secrets**"
            parts.append(f"{title}: `TOOL run -- /bin/true`, key in a file or a variable, nothing masked")
            parts.append(starts(near, near))
            parts.append(f"{title}, key or secrets in the keyring (gnome-keyring on a bus of its own)")
            parts.append(starts(far, near, daemons=True))
    if "masked start" in cases:
        parts.append("**Start, 10 secrets**, output to a pipe and masked")
        parts.append(starts(cases["masked start"], cases["masked start"]))
    if any(case.startswith("log") for case in cases):
        parts.append(f"**A log of {data['log'] >> 20} MiB** from `cat` through a pipe, masked, in MB/s")
        parts.append(logs(cases, data["log"]))
    parts.append("**Targets**")
    parts.append(table(["", "in this run", "target", ""], targets(data), "lrrl"))
    for text in data.get("benches", {}).values():
        parts.append("\n".join(f"    {line}" if line else "" for line in text.strip().splitlines()))
    return "\n\n".join(parts) + "\n"


def about(facts):
    versions = ", ".join(
        f"{name} {number(text)}" for name, text in facts["versions"].items() if text and text != "not on PATH"
    )
    lacking = [name for name, text in facts["versions"].items() if text == "not on PATH"]
    lines = [
        f"{facts['date']}, commit {facts['commit']}, {facts['cpu']}, {facts['kernel']}, load {facts['load']:.1f}. "
        f"{facts['runs']} runs of each program in turns; medians. A slow program has fewer, and the table says so.",
        f"Versions: {versions}." + (f" Not on PATH: {', '.join(lacking)}." if lacking else ""),
    ]
    return "\n\n".join(lines)


def number(version):
    """Of `dbus-daemon 1.14.10`, `GNU bash, version 5.2.15(1)`, `v1.1.1`: what begins with a digit."""
    words = [word.strip("v,()") for word in version.split()]
    return next((word for word in words if word[:1].isdigit()), version)


def table(head, rows, sides):
    ruler = ["---:" if side == "r" else "---" for side in sides]
    lines = [head, ruler, *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def median(rows, name, way=None):
    for row in rows:
        if row["name"] == name and way in (None, row["way"]):
            return row["median"]
    return None


def starts(rows, floors, daemons=False):
    floor = median(floors, FLOOR)
    head = ["program", "how", "median ms", "× floor", "peak RSS MB"] + (["daemons' CPU ms"] if daemons else [])
    lines = []
    runs = max(len(row["times"]) for row in floors)
    for row in sorted((row for row in rows if not row["why"]), key=lambda row: row["median"]):
        name = f"**{row['name']}**" if row["name"] == "cast" else row["name"]
        few = f" ({len(row['times'])} runs)" if len(row["times"]) < runs else ""
        cells = [name, row["way"] + few, f"{row['median'] * 1e3:.2f}", f"{row['median'] / floor:.2f}"]
        cells.append(f"{row['peak']:.1f}")
        if daemons:
            cells.append("" if row["daemons"] is None else f"{row['daemons'] * 1e3:.2f}")
        lines.append(cells)
    return table(head, lines, "llrrr" + ("r" if daemons else "")) + not_timed(rows)


def not_timed(rows):
    """The contenders that are not in a table, by their reason."""
    reasons = {}
    for row in rows:
        if row["why"]:
            reasons.setdefault(row["why"], {})[row["name"]] = None
    left = [f"{', '.join(names)}: {why}" for why, names in reasons.items()]
    return "\n\nNot timed: " + "; ".join(left) + "." if left else ""


def logs(cases, size):
    tables = {case: rows for case, rows in cases.items() if case.startswith("log")}
    names = dict.fromkeys(row["name"] for rows in tables.values() for row in rows if row["median"])
    lines = []
    for case, rows in tables.items():
        _, count, text = case.split()
        found = {row["name"]: row for row in rows if row["median"]}
        cells = [count, "none" if text == "clean" else "one per MiB"]
        cells += [f"{size / found[name]['median'] / 1e6:,.0f}" if name in found else "" for name in names]
        if "cast" in found:
            cells += [f"{rows[0]['median'] / found['cast']['median']:.2f}", f"{found['cast']['peak']:.1f}"]
        lines.append(cells)
    head = ["secrets", "hits", *names, "cast ÷ `cat \\| cat`", "cast's peak RSS MB"]
    left = list({row["name"]: row for rows in tables.values() for row in rows}.values())
    return table(head, lines, "rl" + "r" * (len(names) + 2)) + not_timed(left)


def targets(data):
    """What the project wants to reach, each with what this run saw."""
    cases, lines = data["cases"], []

    def target(what, seen, bound, met):
        if seen is not None:
            lines.append([what, seen, bound, "met" if met else "missed"])

    for count in (10, 1000):
        rows = cases.get(f"start {count}")
        if not rows:
            continue
        floor, ours = median(rows, FLOOR), median(rows, "cast", "key in a file")
        if count == 10 and ours:
            target("10 secrets, key in a file ÷ floor", f"{ours / floor:.2f}", "≤ 1.4", ours / floor <= 1.4)
        against(target, f"{count:,} secrets, key in a file", rows, ours, 3 if count == 10 else 1)
        rows = cases[f"keyring {count}"]
        cast = next((row for row in rows if row["name"] == "cast" and row["median"]), None)
        if cast and count == 10:
            above = (cast["median"] - cast["daemons"]) * 1e3
            target("10 secrets, keyring, above the daemons' own time", f"{above:.2f} ms", "≤ 1 ms", above <= 1)
        if cast:
            against(target, f"{count:,} secrets, keyring", rows, cast["median"], 4 if count == 10 else 1)
    rows = cases.get("masked start")
    if rows and median(rows, "cast"):
        ratio = median(rows, "cast") / median(rows, FLOOR)
        target("masked start, 10 secrets ÷ floor", f"{ratio:.2f}", "≤ 2.5", ratio <= 2.5)
        against(target, "masked start, 10 secrets", rows, median(rows, "cast"), 1)
    for count in LOGS:
        for text, what in (("clean", "no hits"), ("hits", "a hit per MiB")):
            rows = cases.get(f"log {count} {text}", [])
            ours = median(rows, "cast")
            if ours and count in (1, 20, 200):
                ratio = rows[0]["median"] / ours
                target(f"masked log, {secrets(count)}, {what} ÷ `cat \\| cat`", f"{ratio:.2f}", "≥ 0.9", ratio >= 0.9)
            if ours and count in (10, 100):
                against(target, f"masked log, {secrets(count)}, {what}", rows, ours, 1)
    for case, what in (("start 10", "start, 10 secrets"), ("masked start", "masked start, 10 secrets"),
                       ("log 20 hits", "masked log, 20 secrets"), ("log 200 hits", "masked log, 200 secrets")):
        peaks = [row["peak"] for row in cases.get(case, []) if row["name"] == "cast" and row["peak"]]
        if peaks:
            target(f"peak RSS: {what}", f"{max(peaks):.1f} MB", "< 5 MB", max(peaks) < 5)
    return lines


def secrets(count):
    return f"{count} secret" + "s" * (count > 1)


def against(target, what, rows, ours, least):
    peers = [row for row in rows if row["peer"] and row["median"]]
    if ours and peers:
        best = min(peers, key=lambda row: row["median"])
        ratio = best["median"] / ours
        what += f", beside the fastest peer ({best['name']})"
        target(what, f"{ratio:.2f} × as fast", f"≥ {least} ×", ratio >= least)
