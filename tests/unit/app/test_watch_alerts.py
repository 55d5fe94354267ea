"""Backups notice deletions and changed columns of watched sets, in the same night."""

from pathlib import Path

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.watch import WatchRequest, add_watch
from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
from unlost.app.actions.restores.restore_run import run_plan
from unlost.app.alerts.alert_facts import Watcher
from unlost.app.alerts.watch_hits import update_watches
from unlost.app.records.lists.queries import ListKind, ListQuery
from unlost.catalog.alerts import AlertRecord, list_alerts
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.orgs.watches import stored_watches
from unlost.model.alert import AlertRule

KEY = f"Account/{CUSTOMER}"
opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    return made


def alerts(shop: Shop) -> list[AlertRecord]:
    watch(shop.app, Watcher())
    return [alert for alert in list_alerts() if alert.raised.rule is AlertRule.WATCHED]


def watched(shop: Shop, *columns: str, deletions: bool = False) -> None:
    add_watch(shop.app, "sales", WatchRequest("Mine", (KEY,), None, deletions, columns))


def test_a_deleted_record_of_the_set_raises_an_alert(shop: Shop) -> None:
    watched(shop, deletions=True)
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    (alert,) = alerts(shop)
    assert "1 record deleted." in alert.raised.sentence
    assert alert.raised.command == "unlost watch show sales Mine"


def test_a_changed_column_of_the_set_or_of_what_belongs_to_it_raises_one(shop: Shop) -> None:
    watched(shop, "Account.Phone", "Contact.Name")
    for contact in list(shop.live("Contact")):
        shop.org.update("Contact", contact, {"Name": "Changed"})
    shop.org.update("Account", "A40018", {"Phone": "+41 1"})
    shop.night()
    (alert,) = alerts(shop)
    assert "Contact.Name changed in 2 records." in alert.raised.sentence
    assert "Account.Phone" not in alert.raised.sentence, "that is another customer"


def test_nothing_is_said_of_columns_and_deletions_that_nobody_asked_for(shop: Shop) -> None:
    watched(shop, "Account.Name")
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 1"})
    shop.night()
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    assert alerts(shop) == []


def test_what_was_before_the_set_does_not_count(shop: Shop) -> None:
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 1"})
    shop.night()
    watched(shop, "Account.Phone")
    update_watches(shop.app, get_org("sales"))
    assert alerts(shop) == []


def test_a_deleted_record_of_a_list_counts_though_the_list_is_without_it_now(shop: Shop) -> None:
    of = ListQuery(ListKind.RELATED, "Account", of="User/U1")
    add_watch(shop.app, "sales", WatchRequest("Hers", listed=of, deletions=True))
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    assert "1 record deleted." in alerts(shop)[0].raised.sentence


def test_a_set_that_alerts_about_nothing_costs_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(shop)
    monkeypatch.setattr("unlost.app.alerts.watch_hits.touched_records", None)
    shop.night()
    assert stored_watches(["sales"])[0].hits == ()


def test_hits_older_than_a_week_are_forgotten(shop: Shop) -> None:
    watched(shop, "Account.Phone")
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 1"})
    shop.night()
    assert len(stored_watches(["sales"])[0].hits) == 1
    shop.world.clock.advance(days=8)
    shop.night()
    assert stored_watches(["sales"])[0].hits == ()


def test_a_list_that_grew_too_long_is_an_alert_and_stops_no_other_set(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = ListQuery(ListKind.RELATED, "Account", of="User/U1")
    add_watch(shop.app, "sales", WatchRequest("Hers", listed=of, deletions=True))
    watched(shop, "Account.Phone")
    monkeypatch.setattr("unlost.app.records.changes.watched_sets.MOST_MEMBERS", 1)
    shop.org.update("Account", CUSTOMER, {"Phone": "+41 1"})
    shop.night()
    texts = {alert.raised.sentence for alert in alerts(shop)}
    assert any("It could not be looked at" in text for text in texts)
    assert any("Account.Phone changed in 1 record." in text for text in texts)


def test_a_record_that_came_back_under_a_new_id_is_still_watched(shop: Shop) -> None:
    set_writer(shop.app, WRITER)
    watched(shop, "Account.Phone")
    shop.lose()
    shop.night()
    plan = make_plan(shop.app, PlanRequest("sales", (KEY,)), Path(shop.out()))
    run_plan(shop.app, Path(plan.file))
    shop.night()
    (live,) = [k for k, c in shop.live("Account").items() if c["Number"] == "0040017"]
    shop.org.update("Account", live, {"Phone": "+41 1"})
    shop.night()
    assert "Account.Phone changed in 1 record." in alerts(shop)[-1].raised.sentence


def test_a_list_of_what_refers_to_a_record_lost_it_with_its_id(shop: Shop) -> None:
    """After a restore under a new id, the list showed what referred to the former id only."""
    set_writer(shop.app, WRITER)
    of = ListQuery(ListKind.RELATED, "Contact", of=KEY)
    add_watch(shop.app, "sales", WatchRequest("Theirs", (), of, False, ("Contact.Name",)))
    shop.lose()
    shop.night()
    plan = make_plan(shop.app, PlanRequest("sales", (KEY,)), Path(shop.out()))
    run_plan(shop.app, Path(plan.file))
    shop.night()
    (live,) = [k for k, c in shop.live("Account").items() if c["Number"] == "0040017"]
    new = shop.org.create("Contact", {"Name": "New", "Account": live})
    shop.night()
    shop.org.update("Contact", new, {"Name": "Changed"})
    shop.night()
    assert "Contact.Name changed in 1 record." in alerts(shop)[-1].raised.sentence
