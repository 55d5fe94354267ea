"""Two plans compared in the console: reached from a plan, in the words of the command line."""

import pytest
from django.test import Client

from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import MOST_QUERIES, choose, plan_at_once, queries
from unlost.app.actions.restores import kept_plan
from unlost.catalog.models import PlanRow
from unlost.catalog.orgs.bypass import save_bypass
from unlost.catalog.runs.plans import PlanState
from unlost.model.access import Role
from unlost.model.bypass import Bypass, BypassState


@pytest.fixture
def client(shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> Client:
    plan_at_once(monkeypatch)
    return sign_in(Role.RESTORER)


def shown(client: Client, place: str, *, status: int = 200) -> str:
    answer = client.get(place)
    assert answer.status_code == status
    return answer.content.decode()


def planned(client: Client) -> str:
    return choose(client, what="records", record=f"Account/{CUSTOMER}")


def name_of(place: str) -> str:
    return place.strip("/").rpartition("/")[2]


def alone(client: Client, plan: str) -> str:
    """A plan of the same record, without those that belong to it."""
    return str(client.post(f"{plan}without/", {"alone": "1"})["Location"])


def test_two_plans_of_the_console_could_not_be_compared(shop: Shop, client: Client) -> None:
    old = planned(client)
    shop.world.clock.advance(seconds=60)
    new = alone(client, old)
    assert f'href="{new}compare/"' in shown(client, new)
    choice = shown(client, f"{new}compare/")
    assert f'href="{new}compare/?with={name_of(old)}"' in choice
    assert f"?with={name_of(new)}" not in choice, "not with itself"
    page = shown(client, f"{new}compare/?with={name_of(old)}")
    assert "3 records differ" in page
    assert page.count("only in the older plan") == 3
    back = shown(client, f"{old}compare/?with={name_of(new)}")
    assert back.count("only in the older plan") == 3


def test_plans_that_failed_left_no_room_for_plans_to_compare(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_plan, "MOST", 2)
    old = planned(client)
    shop.world.clock.advance(seconds=60)
    new = planned(client)
    for _ in range(2):
        shop.world.clock.advance(seconds=60)
        failed = planned(client)
        PlanRow.objects.filter(id=name_of(failed)).update(state=PlanState.FAILED.value)
    choice = shown(client, f"{new}compare/")
    assert f'href="{new}compare/?with={name_of(old)}"' in choice


def test_a_record_with_other_values_is_told_by_its_fields(client: Client) -> None:
    old = planned(client)
    sent = {"value-Name": "Cacao"}
    new = str(client.post(f"{old}edit/Account/{CUSTOMER}/", sent)["Location"])
    page = shown(client, f"{new}compare/?with={name_of(old)}")
    assert "1 record differs" in page
    assert "other edited values:" in page


def test_plans_that_do_the_same_say_so(client: Client) -> None:
    old, new = planned(client), planned(client)
    page = shown(client, f"{new}compare/?with={name_of(old)}")
    assert "Both plans write the same to the same records." in page
    assert "Bypass while" not in page
    same = shown(client, f"{new}compare/?with={name_of(new)}")
    assert "Both are the same plan." in same


def test_another_bypass_was_not_shown(shop: Shop, client: Client) -> None:
    """A second person approved a plan that switches checks off, as if nothing had changed."""
    old = planned(client)
    quiet = Bypass("flag", "Quiet")
    shop.writer.bypasses[quiet] = BypassState(on=False)
    save_bypass(shop.oid, quiet)
    shop.world.clock.advance(seconds=60)
    new = planned(client)
    page = shown(client, f"{new}compare/?with={name_of(old)}")
    assert "Bypass during the run:" in page
    assert "Both plans write the same to the same records." in page
    assert 'older plan: none, newer plan: <bdi dir="ltr" class="code">flag Quiet</bdi>' in page


def test_without_another_plan_the_page_says_what_to_do(client: Client) -> None:
    plan = planned(client)
    assert "There is no other plan" in shown(client, f"{plan}compare/")
    shown(client, f"{plan}compare/?with=nothing", status=404)


def test_who_may_not_restore_compares_nothing(client: Client, sign_in: SignIn) -> None:
    old, new = planned(client), planned(client)
    viewer = sign_in(Role.VIEWER)
    for place in (f"{new}compare/", f"{new}compare/?with={name_of(old)}"):
        shown(viewer, place, status=403)


def test_the_page_asks_the_database_little(client: Client) -> None:
    old, new = planned(client), planned(client)
    assert len(queries(client, f"{new}compare/?with={name_of(old)}")) <= MOST_QUERIES
    assert len(queries(client, f"{new}compare/")) <= MOST_QUERIES
