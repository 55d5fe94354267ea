"""Which runs exclude which: every pair is allowed together, or refused with its code."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from diskhome import put_on_disk
from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop, lost_shop
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.backups.hour import HourlyBackup, HourlyEnding, do_hour
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.actions.retention import erase, forget, rectify
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.app.actions.retention.keeping import RetentionChange
from unlost.app.actions.vault.compact import compact
from unlost.app.actions.vault.mirror import run_mirror, set_mirror
from unlost.app.actions.vault.rekey import rekey
from unlost.app.actions.vault.repair import verify_mirror_part
from unlost.app.actions.vault.verify import verify
from unlost.catalog.home.lease import SqlLease
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.schedule import name_of_hour
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import Conflict
from unlost.model.runs.exclusion import (
    LOCKS,
    NEED_ENDED_RUNS,
    RunKind,
    RunLock,
    excludes,
    org_locks,
)
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.testing.system import MemoryLease
from unlost.vault.stores.address import StoreAddress

REFUSED = {"run-in-progress", "mirror-under-way"}
BY_PLAN = {RunKind.ARCHIVE}  # its plan decides: ``execute.kind_of``
PAIRS = list(itertools.product(RunKind, RunKind))
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "limits.md"


def live(world: World) -> Shop:
    """A vault on the disk, a lost customer with a plan to restore it, and hourly backups."""
    put_on_disk(world)
    shop = lost_shop(world)
    change(shop.app, "sales", ScheduleChange(at="00:00", window=0, hourly="account"))
    return shop


lost = scene(live)


@pytest.fixture
def shop(world: World, lost: Lead, tmp_path: Path) -> Shop:
    made: Shop = lost(world)
    set_mirror(made.app, StoreAddress(tmp_path / "second"))
    run_mirror(made.app)
    return made


# --- the runs -----------------------------------------------------------------------------------

type Run = Callable[[], object]


def erasing(shop: Shop) -> Run:
    wish = erase.ErasureRequest(("Account/A40018",))
    return lambda: erase.erase(
        shop.app, "sales", wish, plan=erase.plan(shop.app, "sales", wish).digest
    )


def rectifying(shop: Shop) -> Run:
    wish = rectify.CorrectionRequest("Account/A40019", ("Name=Praline Gand",))
    return lambda: rectify.rectify(
        shop.app, "sales", wish, plan=rectify.plan(shop.app, "sales", wish).digest
    )


def forgetting(shop: Shop) -> Run:
    seen = forget.plan(shop.app, "sales", RetentionChange())
    return lambda: forget.forget(shop.app, "sales", plan=seen.digest)


def restoring(shop: Shop) -> Run:
    plan = shop.plan(f"Account/{CUSTOMER}")
    return lambda: run_plan(shop.app, Path(plan.file))


def archiving(shop: Shop) -> Run:
    old = Condition("Name", Comparison.IS_NOT, ("",))
    plan = shop.plan(archive=ArchivePolicy("old", "Account", (old,)))
    return lambda: run_plan(shop.app, Path(plan.file))


def reading_an_hour(shop: Shop) -> Run:
    def run() -> HourlyBackup:
        shop.world.clock.advance(hours=1)
        return do_hour(shop.app, shop.oid, name_of_hour(shop.app.clock.now()))

    return run


RUNS: dict[RunKind, Callable[[Shop], Run]] = {
    RunKind.BACKUP: lambda shop: lambda: backup(shop.app, "sales"),
    RunKind.HOURLY: reading_an_hour,
    RunKind.RESTORE: restoring,
    RunKind.ARCHIVE: archiving,
    RunKind.COMPACT: lambda shop: lambda: compact(shop.app, "sales"),
    RunKind.FORGET: forgetting,
    RunKind.REKEY: lambda shop: lambda: rekey(shop.app, "sales"),
    RunKind.ERASE: erasing,
    RunKind.RECTIFY: rectifying,
    RunKind.MIRROR: lambda shop: lambda: run_mirror(shop.app),
    RunKind.MIRROR_CHECK: lambda shop: lambda: verify_mirror_part(shop.app, part=None),
    RunKind.VERIFY: lambda shop: lambda: verify(shop.app, level=VerifyLevel.QUICK),
    RunKind.HOLD: lambda shop: (
        lambda: hold(shop.app, "sales", HoldRequest(everything=True, reason="a lawsuit"))
    ),
}
"""Runs of each kind that a small home can have; the others have tests of their own, and a lease."""


def code_of(run: Run) -> str:
    """The code with which a run is refused; empty if it is done."""
    try:
        done = run()
    except Conflict as refused:
        return refused.code
    if isinstance(done, HourlyBackup):
        return done.code if done.ending is not HourlyEnding.DONE else ""
    return "mirror-under-way" if done is None else ""


@contextmanager
def going_on(shop: Shop, kind: RunKind) -> Iterator[None]:
    """Another process executes a run of this kind."""
    with shop.world.opened() as other, other.lease.hold(shop.oid, kind=kind, run="other"):
        taken = [other.locks.take(lock.value) for lock in LOCKS[kind] if lock is RunLock.MIRROR]
        assert None not in taken
        yield
        for lock in taken:
            assert lock is not None
            lock.release()


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_is_refused_beside_those_that_it_excludes_and_beside_no_other(
    shop: Shop, kind: RunKind
) -> None:
    run = RUNS[kind](shop)
    told = {}
    # The refused ones first: what is done would change what the others see.
    for other in sorted(RunKind, key=lambda other: not excludes(kind, other)):
        with going_on(shop, other):
            told[other] = code_of(run)
    assert {other for other, code in told.items() if code in REFUSED} == {
        other for other in RunKind if excludes(kind, other)
    }
    assert set(told.values()) <= {"", *REFUSED}, told
    assert code_of(run) == ""


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_takes_the_locks_of_the_matrix(
    shop: Shop, kind: RunKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, taken, take = RUNS[kind](shop), set(), shop.app.locks.take
    monkeypatch.setattr(shop.app.locks, "take", lambda name: (taken.add(name), take(name))[1])
    assert code_of(run) == ""
    expected = {f"{shop.oid}.{lock.value}" for lock in org_locks(kind)}
    expected |= {RunLock.MIRROR.value} & {lock.value for lock in LOCKS[kind]}
    assert {name for name in taken if shop.oid in name or name == "mirror"} == expected


# --- the matrix ---------------------------------------------------------------------------------


def test_every_kind_has_a_row_and_every_run_its_own(shop: Shop) -> None:
    assert LOCKS.keys() == set(RunKind)
    source = Path(__file__).parents[3] / "src" / "unlost"
    code = "".join(file.read_text() for file in source.rglob("*.py"))
    held = {kind for kind in RunKind if f"kind=RunKind.{kind.name}," in code}
    assert held == {kind for kind in RunKind if org_locks(kind)} - BY_PLAN


@pytest.mark.parametrize("lease", ["memory", "home"])
def test_leases_refuse_the_pairs_of_the_matrix_and_no_others(shop: Shop, lease: str) -> None:
    leases = MemoryLease() if lease == "memory" else SqlLease(shop.app.locks, clock=shop.app.clock)
    for kind, other in PAIRS:
        with leases.hold("an-org", kind=kind, run="first"):
            try:
                with leases.hold("an-org", kind=other, run="second"):
                    refused = False
            except Conflict as conflict:
                refused = conflict.code == "run-in-progress"
            with leases.hold("another-org", kind=other, run="third"):
                pass
        assert refused == (excludes(kind, other) and bool(org_locks(kind))), (kind, other)
        with leases.hold("an-org", kind=other, run="after"):
            pass


def test_a_refused_run_leaves_no_lock_behind(shop: Shop) -> None:
    """An erasure takes three locks: if the last one is taken, the first ones are free again."""
    with shop.app.lease.hold(shop.oid, kind=RunKind.COMPACT, run="other"):
        assert code_of(RUNS[RunKind.ERASE](shop)) == "run-in-progress"
        with shop.app.lease.hold(shop.oid, kind=RunKind.BACKUP, run="r"):
            assert code_of(RUNS[RunKind.RESTORE](shop)) == ""


def test_the_matrix_is_symmetric_and_the_page_shows_it() -> None:
    section = PAGE.read_text().partition("### Which runs exclude each other")[2]
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("|")]
    heads = [[RunKind(word) for word in words(cell)] for cell in cells(rows[0])[1:]]
    shown = {}
    for row in rows[2:]:
        kinds, *told = cells(row)
        for name, (group, cell) in itertools.product(words(kinds), zip(heads, told, strict=True)):
            shown |= {(RunKind(name), other): cell == "refused" for other in group}
    assert shown == {pair: excludes(*pair) for pair in PAIRS}
    assert all(excludes(kind, other) == excludes(other, kind) for kind, other in PAIRS)


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def words(cell: str) -> list[str]:
    return [word.strip(" `") for word in cell.split(",")]


# --- open runs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in RUNS if kind is not RunKind.HOURLY])
def test_what_removes_data_waits_for_open_runs_even_if_nobody_executes_them(
    shop: Shop, kind: RunKind
) -> None:
    run, org = RUNS[kind](shop), get_org("sales")
    begun = shop.app.whole_vault.begin(
        org.oid, run="open", kind=CommitKind.BACKUP, identity=org.identity
    )
    assert code_of(run) == ("runs-open" if kind in NEED_ENDED_RUNS else "")
    begun.abandon()
    assert code_of(run) == ""
