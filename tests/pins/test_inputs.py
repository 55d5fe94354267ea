"""Plan files and restore journals of the release that was pinned are read, run and resumed."""

import json
from pathlib import Path
from typing import Any

import pytest

from pins.pinned import GOLDEN, golden
from pins.restores import (
    count_entries,
    decisions,
    endings,
    interrupt,
    lose_records,
    resume_from,
    state_of,
    without_sentences,
)
from pins.shapes import members_of, tag_of
from unlost.engine.restore.entries import Entry
from unlost.engine.restore.execute import execute, run_of
from unlost.engine.restore.outcome import RestoreOutcome
from unlost.engine.restore.planfile import read_plan, write_plan
from unlost.engine.restore.summary import summary
from unlost.model.plan import Action, RestorePlan, SelectionKind

PLANS = sorted(file.stem for file in (GOLDEN / "inputs" / "plans").iterdir())
EXPECTED: Any = json.loads(golden("inputs/expected.json"))


def plan(name: str) -> RestorePlan:
    return read_plan(golden(f"inputs/plans/{name}.json").encode(), known=["oid1"], org="oid1")


def journal(name: str) -> list[bytes]:
    return golden(f"inputs/journals/{name}.jsonl").encode().splitlines()


def test_the_plan_files_have_each_selection_and_each_action() -> None:
    plans = [plan(name) for name in PLANS]
    assert {each.selection.kind for each in plans} == set(SelectionKind)
    assert {step.action for each in plans for step in each.steps} == set(Action)
    assert any(each.typed.values and each.typed.instead for each in plans)


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_file_is_read_and_summarised(name: str) -> None:
    restore = plan(name)
    assert without_sentences(summary(restore)) == EXPECTED["summaries"][name]
    assert write_plan(restore).decode() == golden(f"inputs/plans/{name}.json")


def test_a_plan_file_is_run(tmp_path: Path) -> None:
    losses = lose_records(tmp_path / "org")
    outcome = execute(plan("records"), losses.shop.restore_ports())
    assert isinstance(outcome, RestoreOutcome)
    assert endings(outcome) == EXPECTED["endings of a run"]


def test_a_journal_has_each_kind_of_entry() -> None:
    tags = {tag_of(kind) for kind in members_of(Entry.__value__)}
    assert set(count_entries(journal("ended"))) == tags


@pytest.mark.parametrize("name", ["interrupted", "ended"])
def test_a_journal_is_read_and_leads_to_the_same_decisions(name: str) -> None:
    assert decisions(state_of(journal(name))) == EXPECTED["decisions"][name]


def test_an_interrupted_restore_is_resumed_from_its_journal(tmp_path: Path) -> None:
    restore = plan("records")
    losses = lose_records(tmp_path / "org")
    interrupt(losses, restore)
    outcome = resume_from(losses, run_of(restore), journal("interrupted"))
    assert endings(outcome) == EXPECTED["endings of a resumed run"]
    assert EXPECTED["endings of a resumed run"] != EXPECTED["endings of a run"]
