"""The start with ten secrets as a picture: bars on a logarithmic axis, readable on a light and on a dark page."""

import math
from html import escape

WIDTH, LEFT, RIGHT, LINE, TOP = 860, 360, 70, 24, 62
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 } .small { font-size: 11px; fill: #59636e }
  .cast { font-weight: 600 } .head { font-weight: 600; fill: #59636e }
  rect { fill: #afb8c1 } rect.floor { fill: #6e7781 } rect.cast { fill: #0969da } line { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc } .small, .head { fill: #9198a1 }
    rect { fill: #484f58 } rect.floor { fill: #8b949e } rect.cast { fill: #4493f8 } line { stroke: #3d444d }
  }
"""


def draw(data):
    groups = [("key in a file or a variable", data["cases"]["start 10"])]
    groups.append(("key or secrets in the keyring", data["cases"]["keyring 10"]))
    times = [row["median"] * 1e3 for _, rows in groups for row in rows if row["median"]]
    low, high = math.log10(min(times) / 1.5), math.log10(max(times) * 1.1)

    def at(value):
        return LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def text(x, y, kind, words, anchor="start"):
        return f'<text x="{x:.1f}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'

    parts, y = [], TOP
    for name, rows in groups:
        parts.append(text(LEFT - 8, y + 15, "head", name, "end"))
        y += LINE
        for row in sorted((row for row in rows if row["median"]), key=lambda row: row["median"]):
            value = row["median"] * 1e3
            kind = "cast" if row["name"] == "cast" else "peer" if row["peer"] else "floor"
            label = ": ".join(filter(None, [row["name"], row["way"]])).replace("`", "")
            shown = f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
            length = at(value) - LEFT
            parts.append(text(LEFT - 8, y + 14, kind, label, "end"))
            parts.append(f'<rect x="{LEFT}" y="{y + 3}" width="{length:.1f}" height="14" rx="2" class="{kind}"/>')
            parts.append(text(at(value) + 6, y + 14, kind, shown))
            y += LINE
        y += LINE // 2
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low <= math.log10(tick) <= high]
    grid = [f'<line x1="{at(tick):.1f}" y1="{TOP}" x2="{at(tick):.1f}" y2="{y - 8}"/>' for tick in ticks]
    grid += [text(at(tick), y + 6, "small", f"{tick:g}", "middle") for tick in ticks]
    facts = data["about"]
    foot = f"{facts['date']}, commit {facts['commit']}, {facts['cpu']}; medians of {facts['runs']} runs; .ci/compare"
    title, high = "Time to start a program with ten secrets", y + 36
    size = f'viewBox="0 0 {WIDTH} {high}" width="{WIDTH}" height="{high}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', f"<title>{title}, in milliseconds</title>"]
    lines += [f"<style>{STYLE}</style>", text(12, 24, "title", title)]
    unit = "milliseconds, on a logarithmic axis; /bin/true itself is in all of them; shorter is better"
    lines.append(text(12, 44, "small", unit))
    lines += [*grid, *parts, text(12, y + 28, "small", foot), "</svg>"]
    return "\n".join(lines) + "\n"
