"""Plan files and restore journals of the release that was pinned are read, run and resumed."""

import json
from dataclasses import replace
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
from unlost.engine.restore.journal.entries import (
    BypassNoted,
    BypassSwitched,
    Entry,
    RecordsRead,
    RowsSaved,
    RunUndone,
)
from unlost.engine.restore.planning.shown.summary import summary
from unlost.engine.restore.running.execute import execute, run_of
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.plan import Action, RestorePlan, SelectionKind

PLANS = sorted(file.stem for file in (GOLDEN / "inputs" / "plans").iterdir())
EXPECTED: Any = json.loads(golden("inputs/expected.json"))


def plan(name: str) -> RestorePlan:
    return read_plan(golden(f"inputs/plans/{name}.json").encode(), known=["oid1"], org="oid1")


WRITTEN_FOR = b"oid1"  # the oid of the org in these files


def journal(name: str) -> list[bytes]:
    return golden(f"inputs/journals/{name}.jsonl").encode().splitlines()


def for_org(restore: RestorePlan, org: str) -> RestorePlan:
    """The plan for an org of a new vault, which has another oid."""
    assert restore.org == restore.target == WRITTEN_FOR.decode()
    return replace(restore, org=org, target=org)


LATER = {SelectionKind.UNDO, SelectionKind.CORRECTION, SelectionKind.ARCHIVE}  # of format 2
LATER_ACTIONS = {Action.DELETE, Action.RECREATE}  # of formats 2 and 3


def test_the_plan_files_have_each_selection_and_each_action_of_format_1() -> None:
    plans = [plan(name) for name in PLANS]
    assert {each.selection.kind for each in plans} == {*SelectionKind} - LATER
    assert {step.action for each in plans for step in each.steps} == {*Action} - LATER_ACTIONS
    assert any(each.typed.values and each.typed.instead for each in plans)


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_file_is_read_and_summarised(name: str) -> None:
    restore = plan(name)
    assert without_sentences(summary(restore)) == EXPECTED["summaries"][name]
    assert write_plan(restore).decode() == golden(f"inputs/plans/{name}.json")


def test_a_plan_file_is_run(tmp_path: Path) -> None:
    losses = lose_records(tmp_path / "org")
    restore = for_org(plan("records"), losses.shop.oid)
    outcome = execute(restore, losses.shop.restore_ports())
    assert isinstance(outcome, RestoreOutcome)
    assert endings(outcome) == EXPECTED["endings of a run"]


def test_a_journal_has_each_kind_of_entry_of_that_release() -> None:
    tags = {tag_of(kind) for kind in members_of(Entry.__value__)}
    later = {
        tag_of(kind) for kind in (RecordsRead, RowsSaved, RunUndone, BypassNoted, BypassSwitched)
    }
    assert set(count_entries(journal("ended"))) == tags - later


@pytest.mark.parametrize("name", ["interrupted", "ended"])
def test_a_journal_is_read_and_leads_to_the_same_decisions(name: str) -> None:
    assert decisions(state_of(journal(name))) == EXPECTED["decisions"][name]


def test_an_interrupted_restore_is_resumed_from_its_journal(tmp_path: Path) -> None:
    losses = lose_records(tmp_path / "org")
    org = losses.shop.oid
    restore = for_org(plan("records"), org)
    interrupt(losses, restore)
    entries = [entry.replace(WRITTEN_FOR, org.encode()) for entry in journal("interrupted")]
    outcome = resume_from(losses, run_of(restore), entries)
    assert endings(outcome) == EXPECTED["endings of a resumed run"]
    assert EXPECTED["endings of a resumed run"] != EXPECTED["endings of a run"]
