"""An earlier value of one column is put back, and nothing else of the record."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.history import history
from unlost.app.actions.restores.kept_plan import make_plan_now
from unlost.app.actions.restores.put_back import put_back
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.restores.overrides import TypedEdit
from unlost.catalog.runs.plans import PlanState, plan_content
from unlost.model.errors import NotFound
from unlost.model.plan import Action

KEY = f"Account/{CUSTOMER}"
BEFORE = "+41 40017"


def live(world: World) -> Shop:
    """The customer has had another phone number and name since the second backup."""
    shop = open_shop(world)
    set_writer(shop.app, WRITER)
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 1", "Name": "Chocolat"})
    shop.night()
    return shop


overwritten = scene(live)


@pytest.fixture
def shop(world: World, overwritten: Lead) -> Shop:
    made: Shop = overwritten(world)
    return made


def changed_at(shop: Shop, column: str, old: str) -> str:
    entries = history(shop.app, "sales", "Account", CUSTOMER, column=column).entries
    return next(e.until.isoformat() for e in entries if any(f.old == old for f in e.fields))


def test_the_value_comes_from_a_backup_and_the_rest_stays(shop: Shop) -> None:
    until = changed_at(shop, "Phone", BEFORE)
    view = put_back(shop.app, "sales", "Account", CUSTOMER, column="Phone", until=until)
    request = view.wanted.request
    assert (request.records, request.columns, request.at) == ((KEY,), ("Phone",), "1")
    assert not request.related
    assert not request.otherwise, "no value of a record is stored with the request"
    made = make_plan_now(shop.app, "sales", view.plan)
    assert made.state is PlanState.PLANNED
    file = Path(shop.out())
    file.write_bytes(plan_content(view.plan))
    run_plan(shop.app, file)
    cells = shop.live("Account")[CUSTOMER]
    assert (cells["Phone"], cells["Name"]) == (BEFORE, "Chocolat")


def test_a_value_between_two_backups_is_typed(shop: Shop) -> None:
    for number in ("+41 2", "+41 3"):
        shop.world.clock.advance(hours=1)
        shop.org.update("Account", CUSTOMER, {"Phone": number})
    shop.night()
    until = changed_at(shop, "Phone", "+41 2")
    view = put_back(shop.app, "sales", "Account", CUSTOMER, column="Phone", until=until)
    assert view.wanted.request.at is None
    assert view.wanted.request.otherwise.edits == (TypedEdit(KEY, "Phone", "+41 2"),)
    made = make_plan_now(shop.app, "sales", view.plan)
    assert made.summary is not None
    assert made.summary.changes == 1


@pytest.mark.parametrize("until", ["2020-01-01T00:00:00Z", "soon"])
def test_a_change_that_never_was_is_refused(shop: Shop, until: str) -> None:
    with pytest.raises(NotFound) as caught:
        put_back(shop.app, "sales", "Account", CUSTOMER, column="Phone", until=until)
    assert caught.value.code == "change-unknown"


def test_only_values_that_differ_from_the_present_one_can_be_put_back(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": BEFORE})
    shop.night()
    entries = history(shop.app, "sales", "Account", CUSTOMER, column="Phone").entries
    offered = {f.old: f.restorable for e in entries for f in e.fields}
    assert offered == {BEFORE: False, "+41 1": True}


def test_a_deleted_record_offers_no_single_values(shop: Shop) -> None:
    shop.org.delete("Account", CUSTOMER)
    shop.night()
    entries = history(shop.app, "sales", "Account", CUSTOMER).entries
    assert not any(f.restorable for e in entries for f in e.fields)


def test_a_later_change_in_the_org_is_overwritten_as_the_preview_shows(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 9"})
    plan = shop.plan(KEY, columns=("Phone",), at="1", related=False)
    assert [count.action for count in plan.summary.actions] == [Action.UPDATE]
    shop.run(plan)
    assert shop.live("Account")[CUSTOMER]["Phone"] == BEFORE


def test_of_changes_at_one_time_the_value_before_all_of_them_is_put_back(shop: Shop) -> None:
    shop.world.clock.advance(hours=1)
    before = shop.org.tables["Account"].records[CUSTOMER].cells["Phone"]
    for number in ("+41 2", "+41 3", "+41 4"):
        shop.org.update("Account", CUSTOMER, {"Phone": number})
    shop.night()
    until = changed_at(shop, "Phone", "+41 3")
    entries = history(shop.app, "sales", "Account", CUSTOMER, column="Phone").entries
    (entry,) = [each for each in entries if each.until.isoformat() == until]
    buttons = [field.old for field in entry.fields if field.restorable]
    assert buttons == [before], "one button for each column and time"


def test_a_time_without_a_change_of_the_column_is_refused(shop: Shop) -> None:
    until = changed_at(shop, "Phone", BEFORE)
    with pytest.raises(NotFound) as refused:
        put_back(shop.app, "sales", "Account", CUSTOMER, column="Number", until=until)
    assert refused.value.code == "change-unknown"
