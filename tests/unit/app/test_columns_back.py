"""Columns of many records are put back to a backup; what people changed since stays."""

from dataclasses import replace

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.watch import WatchRequest, add_watch
from unlost.app.actions.restores.columns_back import ColumnsRequest, columns_back
from unlost.app.actions.restores.kept_plan import PlanView, make_plan_now
from unlost.app.actions.restores.preview import plan_preview
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.catalog.runs.plans import PlanState, plan_content
from unlost.model.errors import UsageError

LISTED = ListQuery(ListKind.RELATED, "Contact", of=f"Account/{CUSTOMER}")
WANTED = ColumnsRequest(("Name",), "1", "2", listed=LISTED)


def live(world: World) -> Shop:
    """In backup 2 all contacts have a wrong name; then one is corrected, and one is created."""
    shop = open_shop(world)
    set_writer(shop.app, WRITER)
    for record in shop.live("Contact"):
        shop.org.update("Contact", record, {"Name": "Wrong"})
    shop.night()
    shop.org.update("Contact", next(iter(shop.live("Contact"))), {"Name": "Corrected"})
    shop.org.create("Contact", {"Name": "New", "Account": CUSTOMER})
    shop.night()
    return shop


damaged = scene(live)


@pytest.fixture
def shop(world: World, damaged: Lead) -> Shop:
    made: Shop = damaged(world)
    return made


def run(shop: Shop, view: PlanView) -> list[str]:
    """Run a plan; the names of the contacts."""
    made = make_plan_now(shop.app, "sales", view.plan)
    assert made.state is PlanState.PLANNED, made.error
    file = shop.out()
    file.write_bytes(plan_content(view.plan))
    run_plan(shop.app, file)
    return sorted(str(cells["Name"]) for cells in shop.live("Contact").values())


def right(shop: Shop) -> ColumnsRequest:
    """The request with the numbers of the backups before the damage, and of the damage."""
    numbers = [info.number for info in shop.app.vault.snapshots(shop.oid)]
    return replace(WANTED, at=str(numbers[-3]), since=str(numbers[-2]))


def test_a_column_of_a_list_is_put_back_except_where_it_changed_since(shop: Shop) -> None:
    result = columns_back(shop.app, "sales", right(shop))
    assert [each.name for each in result.missing] == ["New"]
    names = run(shop, result.view)
    assert names[:2] in (["Ann", "Corrected"], ["Ben", "Corrected"])
    assert names[2] == "New"


def test_the_preview_names_the_values_that_stay(shop: Shop) -> None:
    view = columns_back(shop.app, "sales", right(shop)).view
    make_plan_now(shop.app, "sales", view.plan)
    newer = plan_preview(shop.app, "sales", view.plan).newer
    assert newer is not None
    assert [each.name for each in newer.records] == ["Corrected"]


def test_without_a_backup_of_the_damage_all_values_are_replaced(shop: Shop) -> None:
    result = columns_back(shop.app, "sales", replace(right(shop), since=""))
    assert run(shop, result.view) == ["Ann", "Ben", "New"]


def test_selected_records_only(shop: Shop) -> None:
    wrong = shop.named("Contact", "Wrong")
    new = shop.named("Contact", "New")
    wanted = replace(right(shop), listed=None, records=(f"Contact/{wrong}", f"Contact/{new}"))
    result = columns_back(shop.app, "sales", wanted)
    assert result.missing_count == 1
    assert "Wrong" not in run(shop, result.view)


def test_records_that_were_left_out_stay(shop: Shop) -> None:
    wrong = shop.named("Contact", "Wrong")
    wanted = replace(right(shop), without=(f"Contact/{wrong}",))
    assert "Wrong" in run(shop, columns_back(shop.app, "sales", wanted).view)


def test_the_records_of_a_watched_set(shop: Shop) -> None:
    wrong = f"Contact/{shop.named('Contact', 'Wrong')}"
    add_watch(shop.app, "sales", WatchRequest("Mine", (wrong, f"Account/{CUSTOMER}")))
    wanted = replace(right(shop), listed=None, watched="Mine", table="Contact")
    assert "Wrong" not in run(shop, columns_back(shop.app, "sales", wanted).view)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"columns": ()}, "no-column-chosen"),
        ({"at": "2", "since": "1"}, "columns-order"),
        ({"listed": None}, "columns-no-record"),
    ],
)
def test_a_wrong_request_is_refused(shop: Shop, wrong: dict[str, object], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        columns_back(shop.app, "sales", replace(right(shop), **wrong))  # type: ignore[arg-type]
    assert caught.value.code == code
