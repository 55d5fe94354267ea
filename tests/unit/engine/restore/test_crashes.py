"""A crash at every call of a restore: the next one goes on, and nothing is lost or doubled."""

import copy
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from sweeps import parts_of
from unit.engine.restore.workshop import Workshop
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.plan import Action, PlanStep, RestorePlan
from unlost.testing.faults import Crash, CrashPoint

MOST = 2_000  # calls of the script with room to spare; the test fails if the script outgrows it


@dataclass
class Script:
    """A scripted disaster and its plan: every action, a cycle, a file, a master and its detail."""

    shop: Workshop

    def __post_init__(self) -> None:
        shop = self.shop
        shop.platform.unique.append(("Memo", ("Name",)))
        mother = shop.make("Account", "Mother")
        daughter = shop.make("Account", "Daughter", Parent=mother)
        shop.org.update("Account", mother, {"Parent": daughter})
        contact = shop.make("Contact", "Ann", Account=daughter)
        same = [shop.make("Contact", "Same", Account=mother) for _ in range(2)]
        paper = shop.org.attach("Paper", "recipe", b"cocoa")
        shop.org.update("Paper", paper, {"Account": mother})
        memo = shop.make("Memo", "call", About=contact)
        kept = shop.make("Account", "Kept", Number="1")
        binned = shop.make("Account", "Binned", Number="2")
        detail = shop.make("Contact", "Detail", Account=binned)
        shop.night()
        for table, record in (("Memo", memo), ("Paper", paper), ("Account", mother)):
            shop.lose(table, record)
        shop.lose("Account", daughter)
        shop.org.update("Account", kept, {"Number": "9"})
        shop.org.update("Account", binned, {"Number": "8"})
        shop.platform.delete("Account", binned, by="U2")
        twin = shop.make("Memo", "call")
        shop.night()
        create, schema = Action.CREATE, shop.head.schema().table("Account")
        assert schema is not None
        self.steps: list[PlanStep] = [
            shop.step("Account", binned, Action.UNDELETE, live=binned, columns=("Number",)),
            shop.step("Contact", detail, Action.UNDELETE, live=detail, level=1),
            shop.step(
                "Account",
                kept,
                Action.UPDATE,
                live=kept,
                columns=("Number",),
                expect=digest(schema, {"Number": "9"}),
            ),
            shop.step("Account", mother, create, late=("Parent",)),
            shop.step("Account", daughter, create, level=1),
            shop.step("Contact", contact, create, level=2),
            *(shop.step("Contact", one, create, level=2) for one in same),
            shop.step("Paper", paper, create, level=3),
            shop.step("Memo", memo, Action.ADOPT, live=twin, columns=("About",)),
        ]

    def copied(self, folder: Path) -> Self:
        """The same disaster in an org and a vault of its own."""
        script = copy.copy(self)
        script.shop = self.shop.copied(folder)
        return script

    def plan(self) -> RestorePlan:
        return self.shop.plan(*self.steps)

    def picture(self) -> list[Any]:
        """What is live, with names instead of ids: equal for equal orgs."""
        shop = self.shop
        names = {
            record: f"{table}:{cells['Name']}"
            for table in shop.org.tables
            for record, cells in shop.live(table).items()
        }
        found = [
            (
                table,
                [(c, names.get(v or "", v)) for c, v in sorted(cells.items()) if c != "Id"],
                shop.org.tables[table].files.get(record, b""),
            )
            for table in shop.org.tables
            for record, cells in shop.live(table).items()
        ]
        return sorted(found, key=repr)


PARTS = 16  # tests that share the calls


def finish(shop: Workshop, plan: RestorePlan) -> RestoreOutcome:
    shop.reopen()
    return shop.restore(plan)


WRITES = frozenset({"put_new", "put_stream", "delete"})


def guarded(
    shop: Workshop, plan: RestorePlan, point: CrashPoint, only: Collection[str] | None = WRITES
) -> bool:
    """Run with a crash at the point's call; false if the run ended before it came.

    Calls of the writer count, and calls that change the store (``only`` None: any call of it).
    Between two of these nothing is written anywhere.
    """
    writer = shop.writer
    shop.writer = point.guard(writer, after=True)
    shop.reopen(point.guard(shop.store, after=True, only=only))
    try:
        shop.restore(plan)
    except Crash:
        return True
    finally:
        shop.writer = writer
        shop.reopen()
    return False


@pytest.fixture(scope="module")
def disaster(tmp_path_factory: pytest.TempPathFactory) -> Script:
    """The script before its plan is run, to be copied."""
    return Script(Workshop(tmp_path_factory.mktemp("disaster")))


def crash_everywhere(
    disaster: Script, folder: Path, *, part: int, parts: int, only: Collection[str] | None = WRITES
) -> int:
    """Crash at every ``parts``-th call from ``part`` on; the number of crashes."""
    calm = disaster.copied(folder / "calm")
    wanted = finish(calm.shop, calm.plan())
    assert wanted.whole
    picture = calm.picture()
    for crashes, at in enumerate(range(1 + part, MOST, parts)):
        script = disaster.copied(folder / str(at))
        plan = script.plan()
        if not guarded(script.shop, plan, CrashPoint(at), only):
            return crashes
        outcome = finish(script.shop, plan)
        assert script.picture() == picture, f"crash at call {at}"
        assert [(o.record, o.ending, o.differences) for o in outcome.records] == [
            (o.record, o.ending, o.differences) for o in wanted.records
        ], f"crash at call {at}"
    raise AssertionError("the script makes more calls than the test expects")


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 4))
def test_a_crash_at_any_write_neither_loses_nor_doubles_anything(
    disaster: Script, tmp_path: Path, part: int
) -> None:
    assert crash_everywhere(disaster, tmp_path, part=part, parts=PARTS) >= 6


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(8))
def test_a_crash_at_any_call_neither_loses_nor_doubles_anything(
    disaster: Script, tmp_path: Path, part: int
) -> None:
    assert crash_everywhere(disaster, tmp_path, part=part, parts=8, only=None) > 60


@pytest.mark.full
def test_two_crashes_in_one_restore(disaster: Script, tmp_path: Path) -> None:
    calm = disaster.copied(tmp_path / "calm")
    finish(calm.shop, calm.plan())
    picture = calm.picture()
    for first in range(5, 120, 23):
        for second in range(3, 60, 14):
            script = disaster.copied(tmp_path / f"{first}-{second}")
            plan = script.plan()
            assert guarded(script.shop, plan, CrashPoint(first))
            guarded(script.shop, plan, CrashPoint(second))
            finish(script.shop, plan)
            assert script.picture() == picture, f"crashes at {first} and {second}"


def test_the_picture_notices_a_double(disaster: Script, tmp_path: Path) -> None:
    script = disaster.copied(tmp_path / "x")
    finish(script.shop, script.plan())
    before = script.picture()
    script.shop.make("Contact", "Ann")
    assert script.picture() != before
