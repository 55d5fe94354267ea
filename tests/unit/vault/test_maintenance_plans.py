"""Each operation of maintenance keeps to its plan, and asks before it writes."""

from collections.abc import Callable
from typing import Any

import pytest

from smallvault import TABLE, SmallVault
from unlost.model.errors import Conflict, StoreError
from unlost.model.plan import RecordKey
from unlost.model.source.hidden_columns import HiddenColumns
from unlost.model.vault.erasure import Erase, PastErasure
from unlost.model.vault.maintenance import Agreement, MaintenanceOperation, unconditional
from unlost.model.vault.rectification import Rectify, RightValue
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.salvage import Salvage
from unlost.vault.layout import object_names
from unlost.vault.maintenance.operations import PROCEDURES
from unlost.vault.write.open_commit import OpenCommit
from unlost.vault.write.open_runs import open_runs

KEY = RecordKey(TABLE, "a")


def damage(small: SmallVault, number: int) -> None:
    """Cut off the segment that a backup brought."""
    segments = small.vault.org_vault(small.org).chain.live().segments[TABLE]
    (entry,) = [live.entry for live in segments.values() if live.seq == number]
    name = object_names.segment(small.org, entry.object)
    data = small.store.get(name)
    small.store.delete(name)
    assert small.store.put_new(name, data[:-100])


OPERATIONS: list[tuple[MaintenanceOperation[Any], Callable[[SmallVault], object]]] = [
    (Forget(KeepRules(daily=1)), lambda small: night(small, 4)),
    (Erase((KEY,)), lambda small: night(small, 4)),
    (Rectify(KEY, (RightValue("Name", "right"),)), lambda small: night(small, 4)),
    (Salvage(), lambda small: damage(small, 2)),
]


def night(small: SmallVault, number: int) -> None:
    small.night(f"night-{number}", ("a", "U", {"Name": f"Anna {number}"}))
    small.clock.advance(days=1)


def scene(operation: MaintenanceOperation[Any]) -> SmallVault:
    """Three backups, of which a salvage finds the first one damaged."""
    small = SmallVault()
    for number in (1, 2, 3):
        night(small, number)
    if isinstance(operation, Salvage):
        damage(small, 1)
    return small


def names(small: SmallVault) -> set[str]:
    return {listed.name for listed in small.store.list("")}


def test_each_operation_has_its_procedure() -> None:
    assert {type(operation) for operation, _ in OPERATIONS} == set(PROCEDURES)


@pytest.mark.parametrize(("operation", "change"), OPERATIONS, ids=lambda one: type(one).__name__)
def test_a_plan_is_applied_as_long_as_its_effect_is_the_same(
    operation: MaintenanceOperation[Any], change: Callable[[SmallVault], object]
) -> None:
    small = scene(operation)
    before = names(small)
    seen = small.vault.plan(small.org, operation)
    assert names(small) == before
    assert seen.effect.snapshot is None
    change(small)
    before = names(small)
    for refused in (seen, Agreement(operation, "")):
        with pytest.raises(Conflict) as caught:
            small.vault.apply(small.org, refused, run="run-1")
        assert caught.value.code == operation.changed().code
    assert names(small) == before
    again = small.vault.plan(small.org, operation)
    assert again.digest != seen.digest
    effects: list[object] = []
    done = small.vault.apply(small.org, again, run="run-2", before_write=effects.append)
    assert effects == [again.effect]
    assert done.snapshot == small.vault.commits(small.org)[-1].number


@pytest.mark.parametrize(("operation", "change"), OPERATIONS, ids=lambda one: type(one).__name__)
def test_where_the_caller_stops_it_nothing_is_written(
    operation: MaintenanceOperation[Any], change: Callable[[SmallVault], object]
) -> None:
    """An agreement without a digest takes any effect, also one that has changed."""
    small = scene(operation)
    change(small)
    before = names(small)
    with pytest.raises(ZeroDivisionError):
        small.vault.apply(
            small.org,
            unconditional(operation),
            run="run-1",
            before_write=lambda _: divmod(1, 0),
        )
    assert names(small) == before
    done = small.vault.apply(small.org, unconditional(operation), run="run-2")
    assert done.snapshot is not None


@pytest.mark.parametrize("operation", [Forget(KeepRules(daily=1)), Salvage()])
def test_a_plan_holds_also_before_the_first_backup(operation: MaintenanceOperation[Any]) -> None:
    small = SmallVault()
    seen = small.vault.plan(small.org, operation)
    assert small.vault.apply(small.org, seen, run="run-1") == seen.effect
    with pytest.raises(Conflict):
        small.vault.apply(small.org, Agreement(operation, "another"), run="run-2")


def test_holds_are_placed_and_lifted_by_one_commit() -> None:
    """A hold that is lifted and placed again in one go stands."""
    small = SmallVault()
    night(small, 1)
    first, second = (HoldTarget(HoldScope.RECORD, TABLE, record) for record in ("a", "b"))
    small.vault.change_holds(small.org, placed=(Hold(first), Hold(second)), run="hold-1")
    info = small.vault.change_holds(
        small.org, placed=(Hold(first, "again"),), lifted=(first, second), run="hold-2"
    )
    assert small.vault.holds(small.org) == (Hold(first, "again", since=info.number),)
    small.vault.change_holds(small.org, run="hold-3")
    assert small.vault.holds(small.org) == (Hold(first, "again", since=info.number),)


def test_who_does_not_see_every_column_is_told_of_no_rectification() -> None:
    """Its proof names the columns that it corrected."""
    small = SmallVault()
    for number in (1, 2):
        small.night(f"n{number}", ("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Ben"}))
    right = (RightValue("Name", "right"),)
    small.vault.apply(small.org, unconditional(Rectify(KEY, right)), run="rectify-1")
    small.vault.apply(small.org, unconditional(Erase((KEY,))), run="erase-1")
    partly = small.vault.visible({small.org: HiddenColumns({TABLE: frozenset({"Phone"})})})
    told = [
        [past.proof.run for past in reader.past_operations(small.org, PastErasure)]
        for reader in (small.vault, small.vault.visible({}), partly)
    ]
    assert told == [["rectify-1", "erase-1"], ["rectify-1", "erase-1"], ["erase-1"]]


def test_a_hold_that_cannot_be_committed_leaves_no_run_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = SmallVault()
    night(small, 1)
    place = Hold(HoldTarget(HoldScope.ORG))

    def away(*_: object, **__: object) -> None:
        raise StoreError("store-failed", "The store did not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(OpenCommit, "finish", away)
        with pytest.raises(StoreError):
            small.vault.change_holds(small.org, placed=(place,), run="hold-1")
    assert list(open_runs(small.vault.org_vault(small.org))) == []
    assert small.vault.holds(small.org) == ()
