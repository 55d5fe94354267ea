"""Archived records at the end of their retention, in the console: two admins, one erasure."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop
from unit.app.test_archive_retention import archive, pass_days
from unit.web.conftest import SignIn
from unit.web.losses import goes_on, live
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.retention.holds import HoldRequest, hold
from unlost.catalog.archive_models import ArchivePeriodRow
from unlost.engine.records.expired import due_records
from unlost.model.access import Role
from unlost.model.archive import ArchivePolicy, Comparison, Condition
from unlost.web.parts import background

PAGE = "/orgs/sales/expired/"
KEPT = ArchivePolicy(
    "a-year", "Account", (Condition("Name", Comparison.IS_NOT, ("",)),), keep_days=365
)


def year_later(world: World) -> Shop:
    live(world)
    shop = Shop(world)
    set_writer(world.app, WRITER)
    archive(shop, KEPT)
    pass_days(shop, 400)
    return shop


aged = scene(year_later)


@pytest.fixture
def shop(world: World, aged: Lead, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(background, "begin", lambda work: work())
    with goes_on(world, aged) as made:
        yield made


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def press(client: Client, step: str, *, status: int = 302) -> Any:
    plan = re.search(r'name="plan" value="(\w*)"', shown(client))
    answer = client.post(f"{PAGE}{step}/", {"plan": plan[1] if plan is not None else ""})
    assert answer.status_code == status, answer.content.decode()
    return answer


def test_two_admins_erase_what_is_due(shop: Shop, sign_in: SignIn) -> None:
    ada, ben = sign_in(Role.ADMIN), sign_in(Role.ADMIN, org="sales")
    assert f'href="{PAGE}"' in shown(ada, "/orgs/sales/storage/")
    page = shown(ada)
    assert "a-year" in page
    assert "Runs that lose their journal" in page
    press(ada, "request")
    page = shown(ada)
    assert "It waits for another admin." in page
    assert "Approve the erasure" not in page
    assert "The erasure was requested." in page
    refused = ada.post(f"{PAGE}approve/", {"plan": ""})
    assert "admin-all requested this erasure" in refused.content.decode()
    press(ben, "approve")
    assert "records of sales from all backups" not in shown(ben)
    assert re.search(r"Erase \d+ records of sales from all backups", shown(ada))
    assert press(ada, "erase")["Location"] == "/orgs/sales/privacy/"
    assert "records were erased." in shown(ada, "/orgs/sales/privacy/")
    assert "No archived record has reached the end of its retention." in shown(ada)
    assert not shop.app.whole_vault.history(shop.oid, "Account", CUSTOMER)


def test_a_request_that_changed_is_withdrawn(shop: Shop, sign_in: SignIn) -> None:
    ada = sign_in(Role.ADMIN)
    press(ada, "request")
    hold(shop.app, "sales", HoldRequest(record=f"Account/{CUSTOMER}"))
    page = shown(ada)
    assert "other data would be erased now" in page
    assert f"Account/{CUSTOMER}" in page
    assert "1 due record stays because of a legal hold." in page
    refused = press(ada, "erase")
    assert refused["Location"] == "/orgs/sales/privacy/"
    assert "A second person must approve the erasure" in shown(ada, "/orgs/sales/privacy/")
    press(ada, "withdraw")
    assert "The request was withdrawn." in shown(ada)
    refused = ada.post(f"{PAGE}withdraw/")
    assert refused.status_code == 409
    assert (
        "Review the records that are due, then request to erase them." in refused.content.decode()
    )


def test_an_approval_that_ended_is_asked_for_again(shop: Shop, sign_in: SignIn) -> None:
    ada, ben = sign_in(Role.ADMIN), sign_in(Role.ADMIN, org="sales")
    press(ada, "request")
    press(ben, "approve")
    pass_days(shop, 8)
    assert "The approval has ended." in shown(sign_in(Role.VIEWER))


def test_readers_see_what_is_due_without_buttons(shop: Shop, sign_in: SignIn) -> None:
    viewer = sign_in(Role.VIEWER)
    assert "Request the erasure" not in shown(viewer)
    assert viewer.post(f"{PAGE}request/").status_code == 403


def test_an_archive_without_a_known_period_is_named(shop: Shop, sign_in: SignIn) -> None:
    ArchivePeriodRow.objects.all().delete()
    vault = shop.app.whole_vault
    (run,) = vault.journals(shop.oid)
    assert run in shown(sign_in(Role.ADMIN))


def test_records_beyond_the_limit_of_an_erasure_are_shown_as_due(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due_records, "__kwdefaults__", {"most": 1})
    assert "more records are due. Request them after these are erased." in shown(
        sign_in(Role.ADMIN)
    )
