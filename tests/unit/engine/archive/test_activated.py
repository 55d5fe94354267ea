"""Activated records that a policy names are drafts before they leave, and activated if they stay."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from sweeps import parts_of
from unit.engine.archive.test_run import OLD, POLICY, Office, archived, note_codes, stayed
from unlost.engine.restore.running.passes import archiving
from unlost.model.archive_facts import ArchiveFacts, ProtectedRecords
from unlost.model.errors import UsageError
from unlost.model.plan import RestorePlan
from unlost.model.source.writing import Identity, LateColumn, LockedDelete
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.platform import RowRefused

PARTS = 4  # of the calls at which it crashes

ORDER = LateColumn("Number", "draft", locks=("old",), locked_delete=LockedDelete.AS_DRAFT)
FACTS = ArchiveFacts((ProtectedRecords("activated", "Activated", "Account", (OLD,)),))
NAMED = replace(POLICY, include=("activated",))
EACH = {"Account": 4, "Contact": 4, "Paper": 4}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(archiving, "FIRST_TURN", 3)
    made = Office(tmp_path)
    for table in ("Account", "Contact", "Paper"):
        made.allow(table, identity=Identity.UNDELETE)
    lock(made, ORDER)
    yield made
    made.close()


def lock(office: Office, late: LateColumn) -> None:
    """Let the org refuse to delete activated accounts."""
    office.allow("Account", late=(late,))
    delete = type(office.platform).delete

    def refusing(table: str, record: str, *, by: str) -> None:
        cells = office.org.tables[table].records[record].cells
        if table == "Account" and cells["Number"] == "old" and late is ORDER:
            raise RowRefused("DELETE_FAILED", "It is activated.")
        delete(office.platform, table, record, by=by)

    office.platform.delete = refusing  # type: ignore[method-assign]


def plan_of(office: Office) -> RestorePlan:
    office.clock.advance(hours=2)
    return office.archive_plan(policy=NAMED, facts=FACTS)


def test_a_named_activated_record_stays(office: Office) -> None:
    plan = plan_of(office)
    assert "draft-first" in note_codes(plan)
    assert {step.late for step in plan.steps if step.table == "Account"} == {("Number",)}
    done = office.run(plan)
    assert archived(done) == EACH
    assert done.whole
    assert office.ops("Account", "A0") == ["U", "A"]


@pytest.mark.parametrize("days", [1, 20])
def test_a_record_is_put_back_as_a_draft(office: Office, days: int) -> None:
    done = office.run(plan_of(office))
    office.clock.advance(days=days)
    if days > 15:
        office.platform.purge_bin()
    assert office.restore(office.undo(done.run)).whole
    numbers = {cells["Name"]: cells["Number"] for cells in office.live("Account").values()}
    assert numbers["A0"] == numbers["A3"] == "old"


def test_a_record_that_is_not_named_becomes_a_draft(office: Office) -> None:
    office.clock.advance(hours=2)
    with pytest.raises(UsageError) as refused:
        office.archive_plan(policy=POLICY, facts=ArchiveFacts())
    assert refused.value.code == "archive-all-stay"


def test_an_org_that_allows_no_draft_ends_the_run(office: Office) -> None:
    office.writer.faults.plant("row", RowRefused("CLOSED", "no draft again"), table="Account")
    outcome = office.run(plan_of(office))
    assert archived(outcome) == {"Account": 3, "Contact": 3, "Paper": 3}
    codes = stayed(outcome)
    account = next(key for key in codes if key.startswith("Account"))
    sentence = next(r.sentence for r in outcome.records if str(r.key) == account)
    assert "no draft again" in sentence
    assert sorted(codes.values()).count("archive-together") == 2


def test_a_draft_that_the_org_does_not_delete_stays_a_draft(office: Office) -> None:
    office.writer.faults.plant("row", RowRefused("RULE", "not today"), table="Account", after=1)
    outcome = office.run(plan_of(office))
    assert len(stayed(outcome)) >= 1
    live = office.live("Account").values()
    assert {cells["Number"] for cells in live} == {"old", "new"}


def test_a_contract_that_may_be_deleted_alone_stays(office: Office) -> None:
    lock(office, replace(ORDER, locked_delete=LockedDelete.ALONE))
    done = office.run(plan_of(office))
    assert archived(done) == EACH


@pytest.mark.parametrize("part", parts_of(PARTS, full=2))
def test_a_crash_at_any_call_leaves_a_draft_behind(
    office: Office, tmp_path: Path, part: int
) -> None:
    plan = plan_of(office)
    for at in count(1 + part, PARTS):
        copied = office.copied(tmp_path / str(at))
        lock(copied, ORDER)
        usual, point = copied.writer, CrashPoint(at)
        copied.writer = point.guard(usual, after=True)
        try:
            copied.run(plan)
            break
        except Crash:
            pass
        finally:
            copied.writer = usual
        if at % 3 == 0:
            copied.night()
        outcome = copied.run(plan)
        assert archived(outcome) == EACH, at
    assert at > 10
