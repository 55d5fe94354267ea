"""The loss inbox in the console: on Home, on its page, and in one click to the preview."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from homes import MemoryConnector, World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import (
    MOST_QUERIES,
    choose,
    goes_on,
    lost_shop,
    plan_at_once,
    queries,
    serve,
    start,
)
from unlost.app.actions.alerts.alerts import watch
from unlost.app.actions.orgs.approval_policy import change
from unlost.app.actions.records.losses import LossLine, losses
from unlost.app.alerts.alert_facts import Watcher
from unlost.catalog.alerts import list_alerts
from unlost.catalog.losses import note_loss_error
from unlost.catalog.mass_changes import set_limits
from unlost.catalog.runs.runs import RunState
from unlost.model.access import Role
from unlost.model.alert import AlertRule
from unlost.model.approval import ApprovalPolicy
from unlost.model.losses import LossRule, LossRules, LossState
from unlost.model.mass_changes import MassLimits
from unlost.model.message import Message


def emptied_shop(world: World) -> Shop:
    """Every customer and a file were lost."""
    shop = lost_shop(world)
    shop.platform.delete("Account", "A40018", by="U1")
    shop.night()
    return shop


after_losses = scene(emptied_shop)


@pytest.fixture
def shop(world: World, after_losses: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Every customer and a file were lost; the preview is made within the request."""
    plan_at_once(monkeypatch)
    with goes_on(world, after_losses) as made:
        yield made


def lines(shop: Shop, state: LossState = LossState.OPEN) -> tuple[LossLine, ...]:
    return losses(shop.app, state=state).losses


def customer(shop: Shop) -> LossLine:
    return next(line for line in lines(shop) if line.record == CUSTOMER)


def told(client: Client, place: str) -> str:
    answer = client.get(place)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def test_home_shows_the_losses_of_each_org_with_a_preview(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.RESTORER)
    page = told(client, "/")
    assert "3 open losses" in page
    assert "Account Schoko Zürich and 2 records with it" in plain(page)
    assert 'name="what" value="loss"' in page
    assert "Show all" not in page, "three are all"
    auditor = told(sign_in(Role.AUDITOR), "/")
    assert "Schoko" not in auditor
    viewer = told(sign_in(Role.VIEWER), "/")
    assert "Schoko Zürich" in viewer
    assert 'value="loss"' not in viewer


def test_home_asks_the_database_a_dozen_times_at_most(shop: Shop, sign_in: SignIn) -> None:
    """With losses, and with plans that wait for a second person, it asked more often."""
    restorer, admin = sign_in(Role.RESTORER), sign_in(Role.ADMIN)
    assert len(queries(restorer, "/")) <= MOST_QUERIES
    change(shop.app, "sales", ApprovalPolicy(records=0))
    for _number in range(2):
        choose(restorer, what="records", record="Account/A40017")
    assert "2 plans wait for approval" in told(admin, "/")
    assert len(queries(admin, "/")) <= MOST_QUERIES


def test_home_shows_three_and_leads_to_all(shop: Shop, sign_in: SignIn) -> None:
    shop.platform.delete("Account", "A40019", by="U1")
    shop.night()
    page = told(sign_in(), "/")
    assert "4 open losses" in page
    assert '<a href="/losses/?org=sales">Show all 4 losses' in page


def test_a_loss_of_a_system_that_keeps_ids_says_so(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = LossRules({"Account": LossRule(keeps_id=True)})
    monkeypatch.setattr(MemoryConnector, "loss_rules", lambda *_: rules)
    page = told(sign_in(Role.VIEWER), "/losses/")
    assert "Can be restored with the same ids." in page
    assert "Can be restored with the same ids until" not in page


def test_what_leaves_the_bin_next_stands_first(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    page = told(client, "/losses/")
    first = page.index("Cacao Lyon")
    assert first < page.index("Schoko Zürich")
    assert "Can be restored with the same ids until" in page
    assert "Can be restored with new ids." in page
    assert "Deleted by <bdi>Ada Admin</bdi>" in page
    assert "user unknown" in page, "those were purged"
    assert 'value="loss"' not in page
    assert len(queries(client, "/losses/")) <= MOST_QUERIES


def test_one_click_opens_the_preview_of_the_whole_loss(shop: Shop, sign_in: SignIn) -> None:
    client, loss = sign_in(Role.RESTORER), customer(shop)
    plan = choose(client, what="loss", loss=str(loss.loss))
    preview = told(client, plan)
    assert "Restore 4 records to sales" in preview
    assert f'<a href="/orgs/sales/losses/{loss.loss}/">Loss {loss.loss}</a>' in preview
    assert serve(shop, start(client, plan)) is RunState.DONE
    assert customer_state(shop, loss) is LossState.RESTORED
    restored = told(client, "/losses/?state=restored")
    assert "Schoko Zürich" in plain(restored)
    assert f'value="{loss.loss}"' not in restored, "there is nothing to restore"
    assert client.post("/orgs/sales/restores/", {"what": "loss", "loss": "x"}).status_code == 302


def customer_state(shop: Shop, loss: LossLine) -> LossState:
    return next(
        state for state in LossState if loss.loss in {one.loss for one in lines(shop, state)}
    )


def test_a_loss_shows_its_records_by_table(shop: Shop, sign_in: SignIn) -> None:
    client, loss = sign_in(), customer(shop)
    place = f"/orgs/sales/losses/{loss.loss}/"
    page = told(client, place)
    assert "<bdi>Ann</bdi>" in page
    assert f"/orgs/sales/records/Account/{CUSTOMER}/" in page
    contacts = told(client, f"{place}?table=Contact")
    assert f"/orgs/sales/records/Account/{CUSTOMER}/" not in contacts
    assert len(queries(client, place)) <= MOST_QUERIES
    assert client.get("/orgs/sales/losses/99/").status_code == 404
    assert client.get(f"/orgs/nowhere/losses/{loss.loss}/").status_code == 404


def test_a_loss_is_dismissed_with_a_reason_and_put_back(shop: Shop, sign_in: SignIn) -> None:
    client, loss = sign_in(Role.OPERATOR), customer(shop)
    place = f"/orgs/sales/losses/{loss.loss}/"
    refused = client.post(f"{place}dismiss/", {"reason": " "})
    assert refused.status_code == 400
    assert "A loss can only be dismissed with a reason." in refused.content.decode()
    assert client.post(f"{place}dismiss/", {"reason": "A test"})["Location"] == "/losses/"
    assert "Schoko Zürich" not in plain(told(client, "/losses/"))
    assert "A test" in told(client, "/losses/?state=dismissed")
    again = client.post(f"{place}dismiss/", {"reason": "A test"})
    assert again.status_code == 409
    assert client.post(f"{place}reopen/")["Location"] == place
    assert client.post(f"{place}reopen/").status_code == 409
    assert "Schoko Zürich" in plain(told(client, "/losses/"))
    viewer = sign_in(Role.VIEWER)
    for act in ("dismiss", "reopen"):
        assert client.post(f"/orgs/sales/losses/99/{act}/", {"reason": "x"}).status_code == 404
        assert viewer.post(f"{place}{act}/", {"reason": "x"}).status_code == 403
    assert 'id="reason"' not in told(viewer, place)


def test_an_empty_inbox_says_how_losses_come(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in()
    assert "No losses in this state" in told(client, "/losses/?state=folded")
    assert "No open losses" not in told(client, "/losses/?state=nonsense")
    note_loss_error(shop.oid, Message("away", "The vault is away."))
    page = told(client, "/losses/?org=sales")
    assert "The newest backup of sales is not evaluated yet: The vault is away." in page
    assert client.get("/losses/?org=nowhere").status_code == 404


def test_the_link_of_a_loss_alert_opens_its_restore(shop: Shop, sign_in: SignIn) -> None:
    set_limits(shop.oid, {"": MassLimits(below_rows=1)})
    shop.org.create("Contact", {"Name": "Cy", "Account": "A40019"})
    shop.org.create("Contact", {"Name": "Di", "Account": "A40019"})
    shop.night()
    shop.platform.delete("Account", "A40019", by="U1")
    number = shop.night()
    watch(shop.app, Watcher())
    alert = next(a for a in list_alerts() if a.raised.subject == str(number))
    assert alert.raised.rule is AlertRule.LOSS
    client = sign_in(Role.RESTORER)
    page = client.get(f"/alerts/{alert.id}/", follow=True)
    (loss,) = [line for line in lines(shop) if line.record == "A40019"]
    assert page.redirect_chain[-1][0] == f"/orgs/sales/losses/{loss.loss}/"
    assert "Preview restore" in page.content.decode()
    assert "Restore or dismiss" in told(client, "/alerts/")
    assert "Restore or dismiss" not in told(sign_in(Role.AUDITOR), "/alerts/")


def test_the_losses_of_one_backup(shop: Shop, sign_in: SignIn) -> None:
    client = sign_in(Role.VIEWER)
    backup = customer(shop).snapshot
    page = told(client, f"/losses/?org=sales&backup={backup}")
    assert f"Losses that backup {backup} found, the largest first." in page
    assert page.index("Schoko Zürich") < page.index("recipe.txt")
    assert "Cacao Lyon" not in page
    assert "Cacao Lyon" in told(client, "/losses/?org=sales&backup=x")
