"""Writes golden files that do not exist yet. Run it after a document is registered, never to make a test pass.

    PYTHONPATH=tests python tests/pins/make_pins.py

The lines of a new field are added to the golden files by hand. Lines are not removed while there are vaults and homes
that have them.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import conftest  # noqa: F401 (sets up Django, as for all tests)
from pins.catalogue import write_home
from pins.documents import DOCUMENTS
from pins.examples import Examples
from pins.layouts import HOMES, LAYOUTS, written_home
from pins.listings import LISTINGS
from pins.pinned import GOLDEN, compact, readable
from pins.restores import (
    decisions,
    endings,
    interrupt,
    journal_of,
    lose_records,
    make_plans,
    resume_from,
    state_of,
    without_sentences,
)
from pins.shapes import shape
from unlost.engine.restore.planning.shown.summary import summary
from unlost.engine.restore.running.execute import execute, run_of
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.engine.restore.values.plan_file import write_plan

type Texts = Iterator[tuple[str, str]]


def texts() -> Texts:
    """Write the text of each golden file."""
    for name, document in DOCUMENTS.items():
        yield f"shapes/{name}.txt", as_lines(shape(document.kind))
        yield f"examples/{name}.json", example_text(name)
    for name, layout in LAYOUTS.items():
        yield f"layouts/{name}", layout.write(layout.value)
    for name, home in HOMES.items():
        yield f"homes/{name}.toml", written_home(home(Path(mkdtemp())))
    for name, listing in LISTINGS.items():
        yield f"listings/{name}.txt", as_lines(listing())
    yield "catalogue.json", as_json(write_home(Path(mkdtemp())).values)
    yield from inputs(Path(mkdtemp()))


def inputs(folder: Path) -> Texts:
    """Write plan files and journals, and the results that tests expect of them."""
    plans = make_plans(folder / "plans")
    for name, plan in plans.items():
        yield f"inputs/plans/{name}.json", write_plan(plan).decode()
    plan, losses = plans["records"], lose_records(folder / "interrupted")
    interrupted = interrupt(losses, plan)
    resumed = resume_from(losses, run_of(plan), interrupted)
    journals = {"interrupted": interrupted, "ended": journal_of(losses, run_of(plan))}
    for name, journal in journals.items():
        yield f"inputs/journals/{name}.jsonl", as_lines(payload.decode() for payload in journal)
    outcome = execute(plan, lose_records(folder / "run").shop.restore_ports())
    assert isinstance(outcome, RestoreOutcome)
    expected = {
        "summaries": {name: without_sentences(summary(plan)) for name, plan in plans.items()},
        "decisions": {name: decisions(state_of(journal)) for name, journal in journals.items()},
        "endings of a run": endings(outcome),
        "endings of a resumed run": endings(resumed),
    }
    yield "inputs/expected.json", as_json(expected)


def example_text(name: str) -> str:
    """Write a whole and a minimal example of a document."""
    document = DOCUMENTS[name]
    examples = Examples(document.fixed)
    values = {"whole": examples.whole(document.kind), "minimal": examples.minimal(document.kind)}
    written = {kind: document.write(document.seal(value)) for kind, value in values.items()}
    return as_json({kind: json.loads(text) for kind, text in written.items()})


def as_lines(lines: Iterable[str]) -> str:
    """Write one line each."""
    return "".join(f"{line}\n" for line in lines)


def as_json(value: object) -> str:
    """Write JSON for people to read."""
    return readable(compact(value)) + "\n"


def main() -> None:
    """Write the files that do not exist yet."""
    for name, text in texts():
        file = GOLDEN / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
            print(name)


if __name__ == "__main__":
    main()
