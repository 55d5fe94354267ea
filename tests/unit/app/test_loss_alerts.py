"""A lost customer raises its alert in the backup that saw it, until it is restored or dismissed."""

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.alerts.mass_changes import mass_changes
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.losses import dismiss, losses
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.alerts import AlertRecord, list_alerts
from unlost.catalog.mass_changes import set_limits
from unlost.model.alert import AlertRule
from unlost.model.errors import StoreError
from unlost.model.mass_changes import MassLimits
from unlost.model.source.schema import WireKind

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def alerts(shop: Shop, watcher: Watcher | None = None) -> list[AlertRecord]:
    watch(shop.app, watcher or Watcher())
    return [alert for alert in list_alerts() if alert.raised.rule is AlertRule.LOSS]


def lose_customer(shop: Shop) -> None:
    shop.world.clock.advance(hours=2)
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()


def test_a_customer_with_more_than_ten_records(shop: Shop) -> None:
    for number in range(9):
        shop.org.create("Contact", {"Name": f"Contact {number}", "Account": CUSTOMER})
    shop.night()
    assert alerts(shop) == []
    lose_customer(shop)
    (alert,) = alerts(shop)
    assert "1 Account and 11 records with it were deleted in sales by Ada" in alert.raised.sentence
    (loss,) = losses(shop.app).losses
    assert alert.raised.command == f"unlost restore plan sales --loss {loss.loss}"
    shown = mass_changes(shop.app, "sales", 3)
    assert [large.loss for large in shown.losses] == [loss.loss]


def test_a_customer_with_open_work(shop: Shop) -> None:
    shop.org.add_column("Contact", "Closed", WireKind.BOOLEAN)
    ids = list(shop.org.tables["Contact"].records)
    shop.org.update("Contact", ids[0], {"Closed": "true"})
    shop.org.update("Contact", ids[1], {"Closed": "false"})
    shop.night()
    lose_customer(shop)
    (alert,) = alerts(shop)
    assert alert.raised.sentence.endswith("Open among them: 1 Contact.")


def test_an_ordinary_loss_raises_no_alert(shop: Shop) -> None:
    lose_customer(shop)
    assert alerts(shop) == [], "two contacts went with it"
    assert len(losses(shop.app).losses) == 1


def test_a_restored_loss_ends_its_alert(shop: Shop) -> None:
    set_limits(shop.oid, {"": MassLimits(below_rows=1)})
    lose_customer(shop)
    assert len(alerts(shop)) == 1
    shop.run(shop.plan(f"Account/{CUSTOMER}"))
    assert alerts(shop) == []


def test_a_dismissed_loss_ends_its_alert(shop: Shop) -> None:
    set_limits(shop.oid, {"": MassLimits(below_rows=1)})
    lose_customer(shop)
    (loss,) = losses(shop.app).losses
    dismiss(shop.app, "sales", loss.loss, reason="A test customer")
    assert alerts(shop) == []


def test_an_alert_stays_while_the_vault_is_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(shop.oid, {"": MassLimits(below_rows=1)})
    lose_customer(shop)
    watcher = Watcher()
    assert len(alerts(shop, watcher)) == 1

    def away(*_: object) -> None:
        raise StoreError("vault-away", "The vault is away.")

    monkeypatch.setattr(type(shop.app.whole_vault), "newest_backup", away)
    assert len(alerts(shop, watcher)) == 1
