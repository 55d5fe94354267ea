"""Lets the tests hunt mutants: which are noticed, and which live on.

    python tests/mutants/hunt.py mutants.jsonl .mutants/coverage .mutants/seconds.jsonl --out result.jsonl

Each mutant is put into a copy of the sources, and the tests that run its line are run over it, the quickest
first, until one fails. One that does not end is noticed; one that no test runs lives on.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from coverage import CoverageData

ROOT = Path(__file__).parents[2]
COPIED = ("src", "simulators", "tests", "docs", "demo", "pyproject.toml", "README.md", "changes")
ONE_TEST_SECONDS = 120  # of a test that takes a second or two: the mutant never ends
HUNT_SECONDS = 60.0  # of tests over one mutant, as they last without it: the rest is not tried
PATIENCE = 5  # times as long may they take
NO_SUCH_TEST, NOTHING_RAN = 4, 5  # pytest's exit codes


@dataclass(frozen=True, slots=True)
class Hunt:
    """What became of a mutant. ``tests``: how many ran its line; ``ran``: how many of them were tried."""

    path: str
    line: int
    operator: str
    before: str
    after: str
    fate: str
    tests: int
    ran: int
    by: str = ""


class Runs:
    """Which tests run which line, and how long they last."""

    def __init__(self, measured: Path, seconds: Path, *, most: float = HUNT_SECONDS) -> None:
        self.most = most
        self._data = CoverageData(str(measured))
        self._data.read()
        self._files = {self._below(file): file for file in self._data.measured_files()}
        self._lines: dict[str, Mapping[int, Sequence[str]]] = {}
        told = (json.loads(line) for line in seconds.read_text("utf-8").splitlines())
        self.seconds: dict[str, float] = {one["test"]: one["seconds"] for one in told}

    @staticmethod
    def _below(file: str) -> str:
        return file[file.rindex("/src/") + 1 :] if "/src/" in file else file

    def of(self, path: str, line: int) -> list[str]:
        """Tests that run a line, the likeliest and quickest first; of the whole file for what is run once."""
        if path not in self._files:
            return []
        if path not in self._lines:
            self._lines[path] = self._data.contexts_by_lineno(self._files[path])
        lines = self._lines[path]
        tests = self._tests(lines.get(line, ())) or self._tests(
            context for contexts in lines.values() for context in contexts
        )
        subject = f"/test_{Path(path).stem}.py"
        return sorted(tests, key=lambda test: (subject not in test, self.seconds[test]))

    def _tests(self, contexts: Any) -> set[str]:
        return {test for context in contexts if (test := context.partition("|")[0]) in self.seconds}

    def affordable(self, tests: Sequence[str]) -> list[str]:
        """The first of these, as long as they last no longer than a hunt may."""
        left, taken = self.most, list[str]()
        for test in tests:
            left -= self.seconds[test]
            if left < 0:
                break
            taken.append(test)
        return taken


@contextmanager
def copies(count: int) -> Iterator[SimpleQueue[Path]]:
    """So many copies of the sources, to be taken and given back."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        free: SimpleQueue[Path] = SimpleQueue()
        for number in range(count):
            copy = Path(folder, str(number))
            copy.mkdir()
            for name in COPIED:
                kind = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
                kind(ROOT / name, copy / name)
            free.put(copy)
        yield free


def hunted(mutant: Mapping[str, Any], runs: Runs, free: SimpleQueue[Path]) -> Hunt:
    """One mutant in a copy that is free."""
    tests = runs.of(mutant["path"], mutant["line"])
    tried = runs.affordable(tests)
    told = {name: mutant[name] for name in ("path", "line", "operator", "before", "after")}
    if not tried:
        return Hunt(**told, fate="lives", tests=len(tests), ran=0)
    copy = free.get()
    file = copy / mutant["path"]
    kept = file.read_text("utf-8")
    try:
        file.write_text(mutant["source"], "utf-8")
        fate, by = tried_on(copy, tried, expected=sum(runs.seconds[test] for test in tried))
    finally:
        file.write_text(kept, "utf-8")
        free.put(copy)
    return Hunt(**told, fate=fate, tests=len(tests), ran=len(tried), by=by)


def tried_on(copy: Path, tests: Sequence[str], *, expected: float) -> tuple[str, str]:
    """Run tests until one fails: what became of the mutant, and which test saw it.

    Where it changes what they are called by their parameters, that is not seen by any: they are run
    with whatever parameters they have then.
    """
    try:
        ended = _ran(copy, tests, expected=expected)
        if ended.returncode == NO_SUCH_TEST:
            bare = list(dict.fromkeys(test.partition("[")[0] for test in tests))
            ended = _ran(copy, bare, expected=expected)
    except subprocess.TimeoutExpired:
        return "noticed", "it never ended"
    if ended.returncode in (0, NOTHING_RAN):
        return "lives", ""
    return "noticed", (_failed(ended.stdout) or ["it could not start"])[0]


def _failed(said: str) -> list[str]:
    """The tests that pytest names as failed."""
    lines = (line for line in said.splitlines() if line.startswith(("FAILED ", "ERROR ")))
    return [line.partition(" ")[2].partition(" - ")[0] for line in lines]


def doubted(hunts: Sequence[Hunt], runs: Runs, copy: Path) -> list[Hunt]:
    """The same, where what noticed a mutant fails without one too: that one was not noticed."""
    by = sorted({hunt.by for hunt in hunts} & runs.seconds.keys())
    if not by:
        return list(hunts)
    ended = _ran(copy, by, expected=sum(runs.seconds[test] for test in by), most=len(by))
    flaws = set(_failed(ended.stdout))
    return [replace(hunt, fate="doubtful") if hunt.by in flaws else hunt for hunt in hunts]


def _ran(
    copy: Path, tests: Sequence[str], *, expected: float, most: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run tests until so many failed."""
    listed = copy / "chosen.txt"
    listed.write_text("\n".join(tests), "utf-8")
    words = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--no-header", "--tb=no")
    limits = (f"--maxfail={most}", f"--timeout={ONE_TEST_SECONDS}")
    command = (sys.executable, "-B", "-m", "pytest", *words, *limits)
    own = {
        "PYTHONPATH": f"{copy}/src:{copy}/simulators/src",
        "PYTHONDONTWRITEBYTECODE": "1",  # nor may programs that tests start leave a mutant behind
        "UNLOST_WHOLE": "1",  # also tests of a later tier
        "HYPOTHESIS_STORAGE_DIRECTORY": f"{copy}/kept",
    }
    return subprocess.run(
        (*command, f"@{listed}"),
        cwd=copy,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=60 + PATIENCE * expected,
        check=False,
    )


def score(hunts: Sequence[Hunt]) -> str:
    """How many were noticed, in all and by folder."""
    told = [f"{sum(h.fate == 'noticed' for h in hunts)} of {len(hunts)} mutants were noticed"]
    rooms = Counter(str(Path(hunt.path).parent) for hunt in hunts)
    for room, count in sorted(rooms.items()):
        own = [hunt for hunt in hunts if str(Path(hunt.path).parent) == room]
        told.append(f"  {room}: {sum(h.fate == 'noticed' for h in own)} of {count}")
    told += [
        f"{hunt.path}:{hunt.line}: {hunt.before}\n    {hunt.fate} as: {hunt.after}"
        for hunt in hunts
        if hunt.fate != "noticed"
    ]
    return "\n".join(told)


def main() -> None:
    """Hunt all mutants of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mutants", type=Path)
    parser.add_argument("measured", type=Path)
    parser.add_argument("seconds", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most", type=float, default=HUNT_SECONDS, help="seconds a mutant")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    runs = Runs(asked.measured, asked.seconds, most=asked.most)
    mutants = [json.loads(line) for line in asked.mutants.read_text("utf-8").splitlines()]
    hunts: list[Hunt] = []
    with (
        asked.out.open("w", encoding="utf-8") as out,
        copies(asked.jobs) as free,
        ThreadPoolExecutor(asked.jobs) as hunters,
    ):
        for hunt in hunters.map(lambda one: hunted(one, runs, free), mutants):
            hunts.append(hunt)
            out.write(json.dumps(asdict(hunt)) + "\n")
            out.flush()
            print("." if hunt.fate == "noticed" else "L", end="", flush=True)
        hunts = doubted(hunts, runs, free.get())
    print("\n" + score(hunts))


if __name__ == "__main__":
    main()
