"""What a plan wants is read in windows of neighbours, and read once."""

from dataclasses import replace
from typing import Any

import pytest

from unit.engine.restore.workshop import Workshop
from unlost.engine.restore.running import wanted as module
from unlost.engine.restore.running.wanted import WantedReader, rows_in_memory
from unlost.model.errors import IntegrityError
from unlost.model.plan import Action, PlanStep
from unlost.model.source.schema import Column, Table, WireKind


class Counted:
    """A vault that counts how many records each read asks for."""

    def __init__(self, vault: Any) -> None:
        self.vault = vault
        self.reads: list[int] = []

    def at(self, org: str, number: int, *, forgotten: bool = False) -> "CountedSnapshot":
        return CountedSnapshot(self, self.vault.at(org, number, forgotten=forgotten))


class CountedSnapshot:
    """One of its snapshots."""

    def __init__(self, counted: Counted, snapshot: Any) -> None:
        self._counted, self._snapshot = counted, snapshot
        self.schema = snapshot.schema

    def get(self, table: str, records: Any) -> Any:
        self._counted.reads.append(len(records))
        return self._snapshot.get(table, records)


class Five:
    """Five accounts, and a plan's steps for them."""

    def __init__(self, shop: Workshop) -> None:
        records = [shop.make("Account", f"A{n}", Number=str(n)) for n in range(5)]
        shop.night()
        self.steps = [shop.step("Account", one, Action.CREATE) for one in records]
        self.vault = Counted(shop.vault)
        self.org = shop.oid

    def wanted(self, steps: list[PlanStep] | None = None) -> WantedReader:
        self.steps = steps or self.steps
        return WantedReader(self.vault, self.org, self.steps)  # type: ignore[arg-type]

    def named(self, wanted: WantedReader, steps: list[PlanStep]) -> list[str | None]:
        return [cells["Name"] for cells in wanted.cells(steps).values()]


@pytest.fixture
def five(atelier: Workshop, monkeypatch: pytest.MonkeyPatch) -> Five:
    monkeypatch.setattr(module, "READ_ROWS", 2)
    return Five(atelier)


def test_neighbours_are_read_together_and_once(five: Five) -> None:
    wanted = five.wanted()
    assert five.named(wanted, five.steps[3:4]) == ["A3"]
    assert five.vault.reads == [2]
    assert five.named(wanted, five.steps) == ["A0", "A1", "A2", "A3", "A4"]
    assert sorted(five.vault.reads) == [1, 2, 2]
    assert five.named(wanted, five.steps[::-1]) == ["A4", "A3", "A2", "A1", "A0"]
    assert len(five.vault.reads) == 3


def test_what_was_asked_for_long_ago_is_read_again(
    five: Five, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 0)
    wanted = five.wanted()
    for _ in range(2):
        assert five.named(wanted, five.steps[:2]) == ["A0", "A1"]
    assert five.vault.reads == [2], "the last one is kept in any case"
    five.named(wanted, five.steps[2:4])
    five.named(wanted, five.steps[:2])
    assert five.vault.reads == [2, 2, 2]


def test_what_is_used_stays_longer(five: Five, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = five.wanted()
    five.named(wanted, five.steps[:2])
    monkeypatch.setattr(module, "KEPT_BYTES", 2 * wanted._held)
    five.named(wanted, five.steps[2:4])
    five.named(wanted, five.steps[:2])
    five.named(wanted, five.steps[4:])
    five.named(wanted, five.steps[:2])
    assert five.vault.reads == [2, 2, 1]


def test_a_record_that_is_not_as_planned_is_refused_when_it_is_wanted(five: Five) -> None:
    steps = [*five.steps[:1], replace(five.steps[1], digest="0"), *five.steps[2:]]
    wanted = five.wanted(steps)
    assert five.named(wanted, steps[:1]) == ["A0"], "its neighbour is not its business"
    with pytest.raises(IntegrityError) as caught:
        wanted.cells(steps[:2])
    assert caught.value.code == "restore-version-moved"


def test_a_record_that_the_vault_never_saw_is_refused(five: Five) -> None:
    steps = [*five.steps, replace(five.steps[0], record="nobody")]
    with pytest.raises(IntegrityError):
        five.wanted(steps).cells(steps)


def test_edits_are_told_by_column_too(five: Five) -> None:
    steps = [
        replace(five.steps[0], edits={"Number": "typed"}),
        five.steps[1],
        replace(five.steps[2], edits={"Number": None, "New": "x"}),
        replace(five.steps[3], edits={"Number": "other"}),
    ]
    wanted = five.wanted(steps)
    told = {
        step.record: (number, new)
        for states in wanted.states(steps)
        for step, number, new in zip(
            states.steps, states.texts("Number"), states.texts("New"), strict=True
        )
    }
    assert [told[step.record] for step in steps] == [
        ("typed", None), ("1", None), (None, "x"), ("other", None),
    ]  # fmt: skip
    cells = [wanted.cells(steps)[step.key] for step in steps]
    assert [(one["Number"], one.get("New")) for one in cells] == [told[s.record] for s in steps]


def test_fewer_are_held_together_where_texts_may_be_long() -> None:
    short, long = (Table("T", (Column("A", WireKind.TEXT, length=n),)) for n in (10, 200_000))
    assert (rows_in_memory(short), rows_in_memory(long)) == (2_000, 500)
