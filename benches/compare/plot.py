"""The start with ten secrets as a picture: bars on a logarithmic axis, readable on a light and on a dark page."""

import math
from html import escape

WIDTH, LEFT, RIGHT, LINE, TOP = 860, 330, 70, 24, 62
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

    parts, y = [], TOP
    for name, rows in groups:
        parts.append(f'<text x="{LEFT - 8}" y="{y + 15}" class="head" text-anchor="end">{escape(name)}</text>')
        y += LINE
        for row in sorted((row for row in rows if row["median"]), key=lambda row: row["median"]):
            value = row["median"] * 1e3
            kind = "cast" if row["name"] == "cast" else "peer" if row["peer"] else "floor"
            way = row["way"].split(";")[0].replace("`", "")
            label = row["name"].replace("`", "") + (f": {way}" if way else "")
            label = label if len(label) <= 52 else row["name"].replace("`", "")
            parts.append(f'<text x="{LEFT - 8}" y="{y + 14}" class="{kind}" text-anchor="end">{escape(label)}</text>')
            parts.append(f'<rect x="{LEFT}" y="{y + 3}" width="{at(value) - LEFT:.1f}" height="14" rx="2" class="{kind}"/>')
            shown = f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
            parts.append(f'<text x="{at(value) + 6:.1f}" y="{y + 14}" class="{kind}">{shown}</text>')
            y += LINE
        y += LINE // 2
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if low <= math.log10(tick) <= high]
    grid = [f'<line x1="{at(tick):.1f}" y1="{TOP}" x2="{at(tick):.1f}" y2="{y - 8}"/>' for tick in ticks]
    grid += [f'<text x="{at(tick):.1f}" y="{y + 6}" class="small" text-anchor="middle">{tick:g}</text>' for tick in ticks]
    facts = data["about"]
    foot = f"{facts['date']}, commit {facts['commit']}, {facts['cpu']}; medians of {facts['runs']} runs in turns; .ci/compare"
    title = "Time to start a program with ten secrets"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 36}" width="{WIDTH}" height="{y + 36}" role="img">\n'
        f"<title>{title}, in milliseconds</title>\n<style>{STYLE}</style>\n"
        f'<text x="12" y="24" class="title">{title}</text>\n'
        f'<text x="12" y="44" class="small">milliseconds, logarithmic; /bin/true itself is in all of them; shorter is better</text>\n'
        + "\n".join(grid + parts)
        + f'\n<text x="12" y="{y + 28}" class="small">{escape(foot)}</text>\n</svg>\n'
    )
