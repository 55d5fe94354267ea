"""Judge branch coverage room by room: ``python tests/house/coverage_rooms.py REPORT``.

``REPORT`` is what ``coverage json`` wrote. Statements and branches count alike. Where everything
must be reached nothing is rounded: one branch of thousands that no test takes fails the room.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).parents[2]
PRODUCT = PurePosixPath("src/unlost")
SIMULATORS = PurePosixPath("simulators/src/unlost_simulators")
WHOLE = 100
MOST = 90
STRICT = ("engine", "model", "vault/format")
UNMEASURED = frozenset({"migrations"})  # written by a tool, run by every test of the catalog


@dataclass(frozen=True, slots=True)
class File:
    """What was measured of a file: how much there is, how much of it ran, where it did not."""

    path: str
    there: int
    reached: int
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """The files of a room, the share of them that must run, and those that nobody measured."""

    name: str
    bar: int
    files: tuple[File, ...]
    unmeasured: tuple[str, ...] = ()

    @property
    def there(self) -> int:
        return sum(file.there for file in self.files)

    @property
    def reached(self) -> int:
        return sum(file.reached for file in self.files)

    @property
    def good(self) -> bool:
        """True if enough of the room ran, none of it was left out, and a whole room is not empty."""
        enough = self.reached * 100 >= self.bar * self.there
        return enough and not self.unmeasured and (self.there > 0 or self.bar < WHOLE)

    @property
    def share(self) -> str:
        """Per cent with two digits, rounded down, so that only the whole reads 100.00."""
        hundredths = self.reached * 10_000 // self.there if self.there else 0
        return f"{hundredths // 100}.{hundredths % 100:02}"


def room_of(path: str) -> str:
    """The room that a source file belongs to."""
    place = PurePosixPath(path)
    if place.is_relative_to(SIMULATORS):
        return "simulators"
    first, *rest = place.relative_to(PRODUCT).parts
    if not rest:
        return "unlost"
    deeper = f"{first}/{rest[0]}"
    is_room = deeper in STRICT or (first == "connectors" and len(rest) > 1)
    return deeper if is_room else first


def sources(root: Path) -> list[str]:
    """Every source file that must be measured, below the root of the repository."""
    return sorted(
        path.relative_to(root).as_posix()
        for folder in (PRODUCT, SIMULATORS)
        for path in (root / folder).rglob("*.py")
        if not UNMEASURED.intersection(path.parts)
    )


def measured(path: str, entry: Mapping[str, Any]) -> File:
    """A file of the report."""
    told = entry["summary"]
    lines = [str(line) for line in entry["missing_lines"]]
    arcs = [f"{start}->{'exit' if end < 0 else end}" for start, end in entry["missing_branches"]]
    return File(
        path,
        there=told["num_statements"] + told["num_branches"],
        reached=told["covered_lines"] + told["covered_branches"],
        gaps=(*lines, *arcs),
    )


def rooms(report: Mapping[str, Any], expected: Iterable[str]) -> list[Room]:
    """The report, sorted by room; rooms that must be whole are there even if nothing is in them."""
    if not report["meta"]["branch_coverage"]:
        raise SystemExit("The report tells of lines alone: branches were not measured.")
    files = {path: measured(path, entry) for path, entry in report["files"].items()}
    expected = set(expected)
    names = {*STRICT, *(room_of(path) for path in expected | files.keys())}
    return [
        Room(
            name,
            WHOLE if name in STRICT else MOST,
            files=tuple(file for path, file in files.items() if room_of(path) == name),
            unmeasured=tuple(p for p in sorted(expected - files.keys()) if room_of(p) == name),
        )
        for name in sorted(names)
    ]


def table(judged: Sequence[Room]) -> str:
    """A line a room, then the places that failing rooms must still reach."""
    lines = [f"{'room':<24}{'reached':>16}{'share':>9}{'bar':>6}"]
    for room in judged:
        amount = f"{room.reached}/{room.there}"
        verdict = "" if room.good else "  too little"
        lines.append(f"{room.name:<24}{amount:>16}{room.share:>9}{room.bar:>6}{verdict}")
    for room in judged:
        if not room.good:
            lines += [f"{f.path}: {' '.join(f.gaps)}" for f in room.files if f.gaps]
            lines += [f"{path}: was not measured" for path in room.unmeasured]
    return "\n".join(lines) + "\n"


def main(words: Sequence[str], *, root: Path = ROOT) -> int:
    """Print the table; 1 if any room has too little."""
    if len(words) != 1:
        sys.stderr.write("usage: coverage_rooms.py REPORT\n")
        return 2
    report = json.loads(Path(words[0]).read_text(encoding="utf-8"))
    judged = rooms(report, sources(root))
    sys.stdout.write(table(judged))
    return 0 if all(room.good for room in judged) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
