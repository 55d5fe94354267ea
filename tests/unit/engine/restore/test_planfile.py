"""A plan as a file: what is written is read again, and nothing else is."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from unlost.engine.restore.values.plan_file import read_plan, sealed, write_plan
from unlost.model.errors import IntegrityError, UnlostError, UsageError
from unlost.model.plan import (
    Action,
    ActionReason,
    Estimate,
    NoteWeight,
    PlanLink,
    PlanNote,
    PlanStep,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
)

KEY = RecordKey("Account", "001")
PLAN = sealed(
    RestorePlan(
        1,
        "plan-1",
        "oid1",
        "oid1",
        7,
        datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
        Selection(SelectionKind.RECORDS, (KEY,)),
        True,
        (
            PlanStep(
                "Account",
                "001",
                Action.CREATE,
                ActionReason.SELECTED,
                5,
                "d1",
                edits={"Owner": None},
            ),
            PlanStep(
                "Contact", "003", Action.UPDATE, ActionReason.CHILD, 6, "d2", because=str(KEY)
            ),
        ),
        (PlanLink("User", "005", "006"),),
        (PlanNote("new-id", NoteWeight.NOTE, "It comes back with a new id.", count=1),),
        Estimate(3, 100, 0, 2.5),
    )
)


def changed(**fields: Any) -> bytes:
    return json.dumps({**json.loads(write_plan(PLAN)), **fields}).encode()


def refusal(data: bytes, **meant: Any) -> UnlostError:
    with pytest.raises(UnlostError) as caught:
        read_plan(data, **meant)
    assert caught.value.next_step
    return caught.value


def test_what_is_written_is_read_again() -> None:
    assert read_plan(write_plan(PLAN), known={"oid1"}, org="oid1") == PLAN


def test_the_file_is_canonical() -> None:
    data = write_plan(PLAN)
    told = json.loads(data)
    assert data.decode() == json.dumps(told, sort_keys=True, separators=(",", ":")) + "\n"
    assert write_plan(sealed(replace(PLAN, digest="something"))) == data


def test_another_layout_is_the_same_plan() -> None:
    assert read_plan(json.dumps(json.loads(write_plan(PLAN)), indent=2).encode()) == PLAN


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"format":"one"}',
        b'{"format":1}',
        b'{"format":1,"id":"\xff"}',
        write_plan(PLAN)[:-20],
        changed(steps=3),
        changed(selection={"kind": "whatever"}),
    ],
)
def test_what_is_no_plan_is_refused(data: bytes) -> None:
    found = refusal(data)
    assert isinstance(found, UsageError)
    assert found.code == "plan-unreadable"


def test_an_edited_plan_is_refused() -> None:
    told = json.loads(write_plan(PLAN))
    told["steps"][0]["record"] = "002"
    found = refusal(json.dumps(told).encode())
    assert isinstance(found, IntegrityError)
    assert found.code == "plan-edited"
    assert refusal(changed(digest="")).code == "plan-edited"


def test_a_newer_plan_is_refused_before_it_is_understood() -> None:
    assert refusal(b'{"format":4,"steps":"otherwise"}').code == "plan-newer"


def test_a_plan_that_says_more_than_is_known_is_refused_by_the_place() -> None:
    found = refusal(changed(approved_by="somebody"))
    assert found.code == "plan-unknown-fields"
    assert "approved_by" in found.sentence
    told = json.loads(write_plan(PLAN))
    told["steps"][1]["force"] = True
    found = refusal(json.dumps(told).encode())
    assert found.code == "plan-unknown-fields"
    assert "steps[1].force" in found.sentence


def test_a_plan_of_another_vault_is_refused() -> None:
    assert refusal(write_plan(PLAN), known={"oid2"}).code == "plan-other-vault"


def test_a_plan_of_another_org_is_refused() -> None:
    found = refusal(write_plan(PLAN), known={"oid1", "oid2"}, org="oid2")
    assert found.code == "plan-other-org"
