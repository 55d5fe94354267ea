"""The order of a list and its filter by time, whether its records are looked up or the table is read."""

from datetime import timedelta

import pyarrow as pa
import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.records.lists import order as record_order
from unlost.app.records.lists.order import ListOrder, changed_between, in_order
from unlost.app.records.lists.record_lists import ListedIds
from unlost.catalog.orgs.orgs import get_org
from unlost.model.source.schema import WireKind

PRICES = {
    "P1": "9", "P2": "10.50", "P3": "-3", "P4": None, "P5": "1e3", "P6": "about 5", "P7": "", "P8": "10.5",
}  # fmt: skip
CREATED = {  # two notations of UTC
    "P1": "2026-11-02T10:00:00.000Z", "P2": "2026-11-02T09:59:59.000+0000", "P3": "2025-01-01T00:00:00.000Z",
}  # fmt: skip
NAMES = {"P1": "zebra", "P2": "Apple", "P3": "apple pie", "P4": "Éclair"}


def live(world: World) -> None:
    """Prices, and a night in which one was deleted and one changed."""
    with_sales(world)
    kinds = {"Name": WireKind.TEXT, "Price": WireKind.DECIMAL, "Created": WireKind.INSTANT}
    world.org.add_table("Price", kinds)
    for record in ("P0", *PRICES):
        cells = {
            "Name": NAMES.get(record),
            "Price": PRICES.get(record),
            "Created": CREATED.get(record),
        }
        world.org.create("Price", cells, record=record)
    backup(world.app, "sales")
    world.clock.advance(days=2)
    world.org.delete("Price", "P2")
    world.org.update("Price", "P3", {"Name": "apple pie, large"})
    backup(world.app, "sales")


with_prices = scene(live)


@pytest.fixture(params=["looked up", "read"])
def listed(
    world: World,
    with_prices: Lead,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> ListedIds:
    """All prices but one, after a night in which one was deleted and one changed."""
    monkeypatch.setattr(record_order, "LOOKED_UP", 5_000 if request.param == "looked up" else 0)
    monkeypatch.setattr(record_order, "FETCH", 2)
    with_prices(world)
    head = world.app.vault.newest_backup(get_org("sales").oid)
    assert head is not None
    table = head.schema().table("Price")
    assert table is not None
    return ListedIds(head, table, pa.array([*PRICES], pa.string()))


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        (ListOrder(), "P1 P2 P3 P4 P5 P6 P7 P8"),
        (ListOrder("Unknown"), "P1 P2 P3 P4 P5 P6 P7 P8"),
        (ListOrder("Price"), "P3 P1 P8 P2 P5 P6 P7 P4"),
        (ListOrder("Price", descending=True), "P5 P2 P8 P1 P3 P6 P7 P4"),
        (ListOrder("Created"), "P3 P2 P1 P4 P5 P6 P7 P8"),
        (ListOrder("Name"), "P2 P3 P1 P4 P5 P6 P7 P8"),
        (ListOrder("Name", descending=True), "P4 P1 P3 P2 P8 P7 P6 P5"),
    ],
)
def test_records_are_in_the_order_of_a_column(
    listed: ListedIds, order: ListOrder, ids: str
) -> None:
    """Also a deleted one; what is no number follows the numbers, and empty values come last."""
    assert in_order(listed, order).to_pylist() == ids.split()


def test_records_of_some_days_are_those_changed_or_deleted_then(
    listed: ListedIds, world: World
) -> None:
    yesterday = world.clock.now() - timedelta(days=1)
    changed = changed_between(listed, since=yesterday, until=None)
    assert changed.ids.to_pylist() == ["P2", "P3"]
    before = changed_between(listed, since=None, until=yesterday)
    assert before.ids.to_pylist() == ["P1", "P4", "P5", "P6", "P7", "P8"]
    assert len(changed_between(listed, since=yesterday, until=yesterday).ids) == 0
    assert changed_between(listed, since=None, until=None) is listed
