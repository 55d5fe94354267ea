"""Draws docs/explanation/architecture.svg from the layers of the import contract in .importlinter.

python docs/draw_architecture.py           write the picture
python docs/draw_architecture.py --check   fail if the picture is not what the contract says
"""

import sys
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "explanation" / "architecture.svg"
SVG = "http://www.w3.org/2000/svg"
CONTRACT = "importlinter:contract:layers"

# Of each package what it does, a line each; and what it talks to outside of Unlost.
DOES = {
    "cli": ("commands",),
    "library": ("Python API",),
    "testing": ("fakes and contracts",),
    "web": ("console and REST API",),
    "app": ("actions: permissions, audit, wiring",),
    "alerts": ("rules, and ways to send",),
    "outside": ("exports and SQL",),
    "engine": ("backup,", "compare,", "restore"),
    "catalog": ("orgs, runs,", "people,", "alerts"),
    "jobs": ("queue, runs", "that survive", "crashes"),
    "vault": ("encrypted", "store of all", "versions"),
    "connectors": ("one folder", "for each", "system"),
    "kit": ("HTTP, OAuth, CSV and JSON to Arrow",),
    "model": ("values, errors, ports",),
}
TALKS_TO = {
    "cli": ("terminal, programs",),
    "web": ("browser, API clients",),
    "alerts": ("e-mail, webhook, chat",),
    "outside": ("Parquet, CSV, Delta",),
    "catalog": ("catalog, jobs: database",),
    "vault": ("vault: folder or bucket",),
    "connectors": ("connectors: Salesforce",),
}

WIDTH, MARGIN, GAP = 720, 16, 8
LAYERS_WIDTH, OUTSIDE_WIDTH = 508, 164
LINE, PADDING = 16, 12
STYLE = """
    .page { fill: #ffffff; }
    .package { fill: #e3eeec; stroke: #0b5c5a; }
    .outside { fill: none; stroke: #6b6b6b; stroke-dasharray: 4 3; }
    .wire { stroke: #6b6b6b; fill: none; }
    text { font-family: system-ui, sans-serif; font-size: 12px; fill: #1c1c1c; }
    .name { font-family: ui-monospace, monospace; font-size: 13px; font-weight: 700; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #1b1e21; }
      .package { fill: #12393a; stroke: #6fc2bb; }
      .outside, .wire { stroke: #a7adb3; }
      text { fill: #eceff1; }
    }
"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with a name and lines of text below it."""

    x: int
    y: int
    width: int
    height: int
    name: str
    lines: Sequence[str]
    style: str = "package"

    def drawn(self) -> Iterator[str]:
        yield (
            f'<rect class="{self.style}" x="{self.x}" y="{self.y}" width="{self.width}" '
            f'height="{self.height}" rx="4"/>'
        )
        texts = [("name", self.name)] if self.name else []
        texts += [("", line) for line in self.lines]
        first = self.y + (self.height - LINE * len(texts)) // 2 + LINE - 4
        for number, (style, text) in enumerate(texts):
            mark = f' class="{style}"' if style else ""
            middle = self.x + self.width // 2
            yield (
                f'<text{mark} x="{middle}" y="{first + number * LINE}" text-anchor="middle">'
                f"{escape(text)}</text>"
            )


def layers() -> list[list[str]]:
    """The packages of each layer, the top layer first."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", "utf-8")
    lines = contracts[CONTRACT]["layers"].split("\n")
    return [[package.strip() for package in line.split("|")] for line in lines if line.strip()]


def row(packages: Sequence[str], y: int) -> tuple[int, list[str]]:
    """One layer and what it talks to: its height, and its shapes."""
    height = LINE * (1 + max(len(DOES[package]) for package in packages)) + PADDING
    width = (LAYERS_WIDTH - GAP * (len(packages) - 1)) // len(packages)
    shapes: list[str] = []
    for number, package in enumerate(packages):
        x = MARGIN + number * (width + GAP)
        shapes += Box(x, y, width, height, package, DOES[package]).drawn()
    outside = [line for package in packages for line in TALKS_TO.get(package, ())]
    if outside:
        left, right, middle = MARGIN + LAYERS_WIDTH, WIDTH - MARGIN - OUTSIDE_WIDTH, y + height // 2
        shapes.append(f'<path class="wire" d="M {left} {middle} H {right}"/>')
        shapes += Box(right, y, OUTSIDE_WIDTH, height, "", outside, "outside").drawn()
    return height, shapes


def picture() -> str:
    """The whole picture as SVG."""
    y, shapes = MARGIN, []
    for packages in layers():
        height, drawn = row(packages, y)
        shapes += drawn
        y += height + GAP
    note = "A package imports only from the layers below it. On the right: what it talks to."
    shapes.append(f'<text x="{MARGIN}" y="{y + LINE}">{note}</text>')
    bottom = y + LINE + MARGIN
    names = "; ".join(" and ".join(packages) for packages in layers())
    return "\n".join(
        [
            f'<svg xmlns="{SVG}" viewBox="0 0 {WIDTH} {bottom}" role="img" aria-labelledby="title layers">',
            '<title id="title">The packages of Unlost</title>',
            f'<desc id="layers">Layers from top to bottom: {names}.</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="page" width="{WIDTH}" height="{bottom}"/>',
            *shapes,
            "</svg>\n",
        ]
    )


def main() -> int:
    text = picture()
    if "--check" in sys.argv[1:]:
        return int(PICTURE.read_text("utf-8") != text)
    PICTURE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
