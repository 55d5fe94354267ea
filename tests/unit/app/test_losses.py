"""People read the loss inbox, dismiss what nobody misses, and restore the rest."""

from pathlib import Path

import pytest

from homes import MemoryConnector, World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unit.app.test_restore import refused
from unlost.app.actions.alerts.overview import overview
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.losses import (
    LossLine,
    NamedRecord,
    dismiss,
    first_losses,
    loss_detail,
    losses,
    reopen,
)
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.records.changes.loss_inbox import update_losses
from unlost.catalog.losses import note_loss_error
from unlost.catalog.mass_changes import backup_changes
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.people.audit import newest
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import Conflict, NotAllowed, NotFound, UsageError
from unlost.model.losses import FoldReason, LossRule, LossRules, LossState
from unlost.model.mass_changes import MassKind
from unlost.model.message import Message
from unlost.model.source.schema import WireKind

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def only(shop: Shop) -> LossLine:
    (line,) = losses(shop.app, "sales").losses
    return line


def viewer(role: Role) -> Actor:
    return Actor(ActorKind.PERSON, "vera", (Grant(role),))


def delete_customer(shop: Shop) -> LossLine:
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    return only(shop)


def test_a_loss_is_described_for_people(shop: Shop) -> None:
    line = delete_customer(shop)
    assert (line.label, line.name, line.by_name) == ("Account", "Schoko Zürich", "Ada Admin")
    assert (line.roots, line.more, line.keeps_id) == (1, 2, True)
    assert [(count.table, count.count) for count in line.tables] == [("Account", 1), ("Contact", 2)]
    assert overview(shop.app).orgs[0].losses == 1
    assert first_losses(shop.app).orgs == {"sales": (line,)}
    assert losses(shop.app).losses == (line,), "of all orgs"
    shop.world.clock.advance(days=16)
    assert not only(shop).keeps_id


def test_a_system_that_keeps_ids_keeps_them_without_a_bin(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = LossRules({"Account": LossRule(keeps_id=True)})
    monkeypatch.setattr(MemoryConnector, "loss_rules", lambda *_: rules)
    line = delete_customer(shop)
    assert (line.keeps_id, line.bin_until) == (True, None)
    shop.world.clock.advance(days=99)
    assert only(shop).keeps_id


def test_details_of_a_live_record_name_it(shop: Shop) -> None:
    (ann, ben) = shop.live("Contact")
    for contact in (ann, ben):
        shop.platform.delete("Contact", contact, by="U1")
    shop.night()
    line = only(shop)
    assert (line.roots, line.more) == (2, 0)
    assert line.parent == NamedRecord("Account", "Account", CUSTOMER, "Schoko Zürich")
    hide(shop.app, "sales", "Contact.Account")
    seen = losses(shop.app.acting(viewer(Role.VIEWER)), "sales").losses[0]
    assert seen.parent is None, "the reference is hidden from viewers"


def test_a_merge_is_no_loss_and_names_the_survivor(shop: Shop) -> None:
    shop.org.add_column("Account", "Master", WireKind.ID)
    shop.org.tables["Account"].merged_into = "Master"
    shop.night()
    shop.platform.merge("Account", CUSTOMER, "A40018", by="U1")
    shop.night()
    assert losses(shop.app, "sales").total == 0
    (line,) = losses(shop.app, "sales", state=LossState.FOLDED).losses
    assert line.folded is FoldReason.MERGED
    assert line.merged_into == NamedRecord("Account", "Account", CUSTOMER, "Schoko Zürich")
    assert reopen(shop.app, "sales", line.loss).state is LossState.OPEN


def test_the_records_of_a_loss_come_in_pages(shop: Shop) -> None:
    line = delete_customer(shop)
    detail = loss_detail(shop.app, "sales", line.loss)
    assert (detail.loss, detail.total) == (line, 3)
    names = [record.name for record in detail.records]
    assert names == ["Schoko Zürich", "Ann", "Ben"]
    page = loss_detail(shop.app, "sales", line.loss, table="Contact", start=1, most=1)
    assert ([record.name for record in page.records], page.total) == (["Ben"], 2)
    refused(UsageError, "page-invalid", lambda: loss_detail(shop.app, "sales", 1, most=0))
    refused(NotFound, "loss-unknown", lambda: loss_detail(shop.app, "sales", 99))


def test_a_loss_is_dismissed_with_a_reason_and_reopened(shop: Shop) -> None:
    line = delete_customer(shop)
    refused(UsageError, "loss-reason-missing", lambda: dismiss(shop.app, "sales", 1, reason=" \n"))
    operator = shop.app.acting(viewer(Role.OPERATOR))
    gone = dismiss(operator, "sales", line.loss, reason=" A test\ncustomer ")
    assert (gone.state, gone.reason, gone.decided_by) == (
        LossState.DISMISSED,
        "A test customer",
        "vera",
    )
    assert losses(shop.app).total == 0
    assert losses(shop.app, state=LossState.DISMISSED).losses == (gone,)
    event = next(each.deed for each in newest(most=9) if each.deed.actor == "vera")
    assert (event.act, event.org) == ("loss.dismiss", "sales")
    assert event.subject == f"{line.loss}/ A test\ncustomer "
    refused(Conflict, "loss-not-open", lambda: dismiss(shop.app, "sales", line.loss, reason="x"))
    assert reopen(shop.app, "sales", line.loss) == line
    refused(Conflict, "loss-not-dismissed", lambda: reopen(shop.app, "sales", line.loss))


def test_rights_decide_who_reads_and_who_dismisses(shop: Shop) -> None:
    line = delete_customer(shop)
    auditor = shop.app.acting(viewer(Role.AUDITOR))
    refused(NotAllowed, "not-permitted", lambda: losses(auditor))
    reader = shop.app.acting(viewer(Role.VIEWER))
    assert losses(reader).losses == (line,)
    refused(NotAllowed, "not-permitted", lambda: dismiss(reader, "sales", line.loss, reason="x"))
    refused(NotFound, "org-unknown", lambda: losses(shop.app, "nowhere"))


def test_a_plan_of_a_loss_brings_everything_back(shop: Shop) -> None:
    line = delete_customer(shop)
    shop.platform.purge_bin()
    plan = shop.plan(loss=line.loss)
    shop.run(plan)
    assert shop.named("Account", "Schoko Zürich") != CUSTOMER
    assert sorted(str(cells["Name"]) for cells in shop.live("Contact").values()) == ["Ann", "Ben"]
    assert losses(shop.app).total == 0
    refused(NotFound, "loss-unknown", lambda: shop.plan(loss=99))
    refused(UsageError, "restore-selection", lambda: shop.plan("Account/A40018", loss=line.loss))


def test_an_inbox_that_is_behind_says_why(shop: Shop) -> None:
    note_loss_error(shop.oid, Message("away", "The vault is away."))
    assert losses(shop.app).errors == {"sales": Message("away", "The vault is away.")}


def test_an_org_without_backups_has_an_empty_inbox(sales: World) -> None:
    assert losses(sales.app).losses == ()
    assert first_losses(sales.app).orgs == {}


def test_old_losses_are_forgotten_once_they_are_restored(shop: Shop) -> None:
    line = delete_customer(shop)
    dismiss(shop.app, "sales", line.loss, reason="test")
    shop.world.clock.advance(days=402)
    update_losses(shop.app, get_org("sales"))
    assert losses(shop.app, state=LossState.DISMISSED).total == 0


def test_a_record_that_an_undo_deleted_was_a_new_loss(shop: Shop) -> None:
    shop.lose()
    shop.night()
    before = {line.loss for line in losses(shop.app, "sales").losses}
    plan = make_plan(shop.app, PlanRequest("sales", (f"Account/{CUSTOMER}",)), Path(shop.out()))
    run = run_plan(shop.app, Path(plan.file)).run
    shop.night()
    undo = make_plan(shop.app, PlanRequest("sales", undo=run), Path(shop.out()))
    run_plan(shop.app, Path(undo.file))
    shop.night()
    assert {line.loss for line in losses(shop.app, "sales").losses} <= before
    folded = losses(shop.app, "sales", state=LossState.FOLDED).losses
    assert {line.folded for line in folded} == {FoldReason.OWN_RUN}
    deleted = [c for c in backup_changes(shop.oid)[0].changes if c.kind is MassKind.DELETED]
    assert deleted == []
