"""What a backup finds deleted stands in the loss inbox until it is restored or dismissed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.backups.hour import HourlyEnding, do_hour
from unlost.app.actions.backups.schedule import ScheduleChange, change
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.records.changes import loss_inbox
from unlost.app.records.changes.loss_inbox import is_behind, update_losses
from unlost.app.service.service import Service
from unlost.catalog.conclusion_models import LossMarkRow, LossRow
from unlost.catalog.losses import LossRecord, list_losses, loss_mark
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.errors import StoreError
from unlost.model.losses import FoldReason, LossState
from unlost.model.plan import RecordKey
from unlost.model.source.schema import WireKind
from unlost.testing.org import BIN_DAYS

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def org() -> ProtectedOrg:
    return get_org("sales")


def losses(shop: Shop, state: LossState = LossState.OPEN) -> tuple[LossRecord, ...]:
    now = shop.world.clock.now()
    return list_losses(["sales"], state, now=now, start=0, most=50).losses


def test_a_first_backup_finds_no_loss(shop: Shop) -> None:
    assert losses(shop) == ()
    mark = loss_mark(shop.oid)
    assert mark is not None
    assert mark.snapshot == 1
    assert not is_behind(shop.app, org())


def test_a_lost_customer_with_all_that_went_with_it_is_one_entry(shop: Shop) -> None:
    shop.world.clock.advance(hours=5)
    at = shop.world.clock.now()
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    (loss,) = losses(shop)
    assert (loss.table, loss.record, loss.by) == ("Account", CUSTOMER, "U1")
    assert (loss.roots, loss.more, loss.counts) == (1, 2, {"Account": 1, "Contact": 2})
    assert (loss.first, loss.bin_until) == (at, at + timedelta(days=BIN_DAYS))
    assert loss.snapshot == 2
    assert (loss.after, loss.until) == tuple(
        shop.app.vault.at(shop.oid, number).info.as_of for number in (1, 2)
    )


def test_a_restore_takes_its_losses_out_of_the_inbox(shop: Shop) -> None:
    shop.lose("A40018")
    shop.night()
    assert len(losses(shop)) == 3, "two customers, and a file that hangs on none"
    run_plan(shop.app, Path(shop.whole_plan().file))
    (other,) = losses(shop)
    assert other.record == "A40018"
    assert {loss.record for loss in losses(shop, LossState.RESTORED)} == {CUSTOMER, shop.paper}
    shop.night()
    assert len(losses(shop)) == 1


def test_a_restore_out_of_the_bin_takes_a_loss_out_of_the_inbox(shop: Shop) -> None:
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    shop.run(shop.plan(f"Account/{CUSTOMER}"))
    assert losses(shop) == ()
    (loss,) = losses(shop, LossState.RESTORED)
    assert (loss.record, loss.back) == (CUSTOMER, 1)


def test_what_people_undelete_leaves_the_inbox_with_the_next_backup(shop: Shop) -> None:
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    shop.platform.undelete("Account", CUSTOMER, by="U1")
    shop.night()
    assert losses(shop) == ()
    (loss,) = losses(shop, LossState.RESTORED)
    assert (loss.back, loss.decided_by, loss.decided_at) == (1, "", shop.world.clock.now())


def test_a_record_that_is_lost_again_after_a_restore_is_a_new_loss(shop: Shop) -> None:
    shop.lose()
    shop.night()
    run_plan(shop.app, Path(shop.whole_plan().file))
    shop.night()
    shop.platform.delete("Account", shop.named("Account", "Schoko Zürich"), by="U1")
    shop.night()
    (loss,) = losses(shop)
    assert (loss.table, loss.more) == ("Account", 2)


def test_a_merged_record_names_the_survivor(shop: Shop) -> None:
    shop.org.add_column("Account", "Master", WireKind.ID)
    shop.org.tables["Account"].merged_into = "Master"
    shop.night()
    shop.platform.merge("Account", CUSTOMER, "A40018", by="U1")
    shop.night()
    assert losses(shop) == ()
    (merged,) = losses(shop, LossState.FOLDED)
    assert merged.folded is FoldReason.MERGED
    assert merged.merged_into == RecordKey("Account", CUSTOMER)


def test_a_new_home_evaluates_the_backups_of_the_last_weeks(shop: Shop) -> None:
    shop.platform.delete("Account", "A40018", by="U1")
    shop.night()
    shop.world.clock.advance(days=40)
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    shop.world.clock.advance(days=10)
    shop.lose_database()
    assert is_behind(shop.app, org())
    update_losses(shop.app, org())
    shop.night()
    assert [(loss.record, loss.snapshot) for loss in losses(shop)] == [(CUSTOMER, 3)]
    assert not is_behind(shop.app, org())


def test_deletions_that_a_forgotten_backup_found_are_not_missed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    shop.night()
    every = shop.app.whole_vault.snapshots(shop.oid)
    shop.lose_database()
    shown = [info for info in every if info.number != 2]
    monkeypatch.setattr(type(shop.app.whole_vault), "snapshots", lambda *_: shown)
    update_losses(shop.app, org())
    assert [(loss.record, loss.snapshot) for loss in losses(shop)] == [(CUSTOMER, 3)]


def test_the_service_evaluates_backups_that_the_inbox_lacks(shop: Shop) -> None:
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    LossMarkRow.objects.all().delete()
    LossRow.objects.all().delete()
    service = Service(lambda _: shop.world.opened(), CancellationFlag())
    service.run(once=True)
    (loss,) = losses(shop)
    assert (loss.record, loss.snapshot) == (CUSTOMER, 2)


def test_an_hourly_backup_adds_its_losses(shop: Shop) -> None:
    change(shop.app, "sales", ScheduleChange(at="01:00", window=0, hourly="account"))
    shop.night()
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.world.clock.advance(hours=2)
    hour = f"{shop.world.clock.now():%Y-%m-%dT%H}Z"
    done = do_hour(shop.app, shop.oid, hour)
    assert done.ending is HourlyEnding.DONE, done
    (loss,) = losses(shop)
    assert (loss.record, loss.snapshot, loss.more) == (CUSTOMER, 3, 0), "it read one table"
    shop.night()
    (whole,) = losses(shop)
    assert (whole.id, whole.more) == (loss.id, 2), "the nightly backup found the contacts"


def test_an_inbox_that_cannot_be_kept_fails_no_backup(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(error: Exception) -> Any:
        def raises(*_: object, **__: object) -> None:
            raise error

        return raises

    shop.platform.delete("Account", CUSTOMER, by="U1")
    for error in (StoreError("away", "The vault is away."), ZeroDivisionError()):
        with monkeypatch.context() as patch:
            patch.setattr(loss_inbox, "losses_between", fails(error))
            shop.night()
        mark = loss_mark(shop.oid)
        assert mark is not None
        assert mark.error is not None
        assert losses(shop) == ()
    with monkeypatch.context() as patch:
        patch.setattr(loss_inbox, "_new_backups", fails(StoreError("away", "Away.")))
        patch.setattr(loss_inbox, "note_loss_error", fails(StoreError("away", "Away.")))
        update_losses(shop.app, org())
    update_losses(shop.app, org())
    assert [(loss.record, loss.snapshot) for loss in losses(shop)] == [(CUSTOMER, 2)]
    mark = loss_mark(shop.oid)
    assert mark is not None
    assert mark.error is None


def test_an_org_without_a_backup_has_no_losses(sales: World) -> None:
    assert not is_behind(sales.app, org())
    update_losses(sales.app, org())
    assert loss_mark(org().oid) is None


def test_a_loss_is_open_again_once_its_restore_is_undone(shop: Shop) -> None:
    """It counted as restored for ever: the row that ends a lineage was taken for another one."""
    shop.lose()
    shop.night()
    run = run_plan(shop.app, Path(shop.plan(f"Account/{CUSTOMER}").file)).run
    assert CUSTOMER not in {loss.record for loss in losses(shop)}
    undo = make_plan(shop.app, PlanRequest("sales", undo=run), Path(shop.out()))
    run_plan(shop.app, Path(undo.file))
    shop.night()
    assert CUSTOMER in {loss.record for loss in losses(shop)}


def test_a_loss_that_left_the_bin_is_open_again_once_that_is_undone(shop: Shop) -> None:
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    run = shop.run(shop.plan(f"Account/{CUSTOMER}")).run
    shop.night()
    assert losses(shop) == ()
    shop.run(make_plan(shop.app, PlanRequest("sales", undo=run), shop.out()))
    (loss,) = losses(shop)
    assert (loss.record, loss.back, loss.decided_at) == (CUSTOMER, 0, None)
    shop.night()
    assert CUSTOMER in {loss.record for loss in losses(shop)}


def test_an_undo_opened_the_losses_of_other_records(shop: Shop) -> None:
    """The newest backup still showed them as deleted."""
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.platform.delete("Account", "A40018", by="U1")
    shop.night()
    shop.run(shop.plan(f"Account/{CUSTOMER}"))
    other = shop.run(shop.plan("Account/A40018")).run
    assert losses(shop) == ()
    shop.run(make_plan(shop.app, PlanRequest("sales", undo=other), shop.out()))
    assert [loss.record for loss in losses(shop)] == ["A40018"]
