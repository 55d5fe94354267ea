"""Erasures, legal holds, and rules of keeping reach archived records."""

import json
from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.compare import compare
from unlost.app.actions.records.history import history
from unlost.app.actions.records.losses import losses
from unlost.app.actions.restores.restore_run import resume_run
from unlost.app.actions.retention.erase import ErasureRequest, erase
from unlost.app.actions.retention.erase import plan as erasure_plan
from unlost.app.actions.retention.forget import forget
from unlost.app.actions.retention.forget import plan as forget_plan
from unlost.app.actions.retention.holds import HoldRequest, hold, lift
from unlost.app.actions.retention.keeping import RetentionChange, change
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.model.errors import NotFound, UnlostError
from unlost.model.losses import LossState
from unlost.testing.faults import Crash

EVERY = ArchivePolicy("all", "Account", (Condition("Name", Comparison.IS_NOT, ("",)),))
KEY = f"Account/{CUSTOMER}"
WISH = ErasureRequest((KEY,))

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def archived(shop: Shop) -> str:
    return shop.run(shop.plan(archive=EVERY)).run


def stopped(shop: Shop) -> str:
    plan = shop.plan(archive=EVERY)
    shop.writer.faults.plant("written", Crash(), table="Account")
    with pytest.raises(Crash):
        shop.run(plan)
    shop.writer.faults.clear()
    return plan.run


def erased(shop: Shop) -> None:
    erase(shop.app, "sales", WISH, plan=erasure_plan(shop.app, "sales", WISH).digest)


def test_an_erasure_misses_an_archived_record(shop: Shop) -> None:
    run = archived(shop)
    shop.night()
    erased(shop)
    with pytest.raises(NotFound):
        history(shop.app, "sales", "Account", CUSTOMER)
    shop.night()
    known = compare(shop.app, "sales", "1", "latest", table="Account")
    assert CUSTOMER not in {row.record for row in known.rows}
    assert {row.archive_run for row in known.rows} == {run}
    assert losses(shop.app, "sales").losses == ()
    losses(shop.app, "sales", state=LossState.FOLDED)


def test_an_erasure_during_an_open_archive_makes_losses_of_the_others(shop: Shop) -> None:
    run = stopped(shop)
    shop.night()
    with pytest.raises(UnlostError):
        erased(shop)
    assert resume_run(shop.app, run).whole
    erased(shop)
    shop.night()
    known = compare(shop.app, "sales", "1", "latest", table="Account")
    assert {row.archive_run for row in known.rows} == {run}
    assert losses(shop.app, "sales").losses == ()


def test_an_erased_record_comes_back_with_the_archive(shop: Shop) -> None:
    run = archived(shop)
    shop.night()
    erased(shop)
    shop.platform.purge_bin()
    plan = shop.plan(undo=run)
    steps = json.loads(Path(plan.file).read_text())["steps"]
    assert steps
    assert (CUSTOMER, "Account") not in {(step["record"], step["table"]) for step in steps}
    shop.run(plan)
    names = {cells["Name"] for cells in shop.live("Account").values()}
    assert names == {"Cacao Lyon", "Praline Gent"}


def test_an_archived_record_on_legal_hold_is_erased(shop: Shop) -> None:
    archived(shop)
    shop.night()
    hold(shop.app, "sales", HoldRequest(record=KEY, reason="A trial."))
    assert history(shop.app, "sales", "Account", CUSTOMER).on_hold
    with pytest.raises(UnlostError):
        erased(shop)
    assert not history(shop.app, "sales", "Account", CUSTOMER).alive
    lift(shop.app, "sales", HoldRequest(record=KEY, reason="It is over."))
    erased(shop)


@pytest.mark.parametrize("stops", [False, True])
def test_rules_of_keeping_drop_archived_records(shop: Shop, stops: bool) -> None:
    """Also of an archive that stopped, whose records a backup saw deleted."""
    before = {table: sorted(str(c["Name"]) for c in shop.live(table).values()) for table in
              ("Account", "Contact", "Paper")}  # fmt: skip
    run = stopped(shop) if stops else archived(shop)
    shop.night()
    assert resume_run(shop.app, run).whole
    for _ in range(3):
        shop.world.clock.advance(days=400)
        shop.org.create("Account", {"Name": "Later", "Number": "1"})
        shop.night()
    change(shop.app, "sales", RetentionChange(daily=1, deleted_days=1))
    seen = forget_plan(shop.app, "sales", RetentionChange())
    forget(shop.app, "sales", plan=seen.digest)
    shop.platform.purge_bin()
    shop.run(shop.plan(undo=run))
    after = {table: sorted(str(c["Name"]) for c in shop.live(table).values()
             if c["Name"] != "Later") for table in before}  # fmt: skip
    assert after == before
    assert losses(shop.app, "sales").losses == ()
