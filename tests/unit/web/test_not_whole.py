"""The console names what a restore leaves out: records, references, and the live ones it spares."""

import pytest
from django.test import Client

from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import choose, plan_at_once, serve, start
from unlost.app.actions.restores.outcome import outcome
from unlost.app.actions.restores.plan_records import plan_records
from unlost.model.access import Role
from unlost.model.source.writing import WriteCapability


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    return shop


@pytest.fixture
def client(shop: Shop, sign_in: SignIn) -> Client:
    return sign_in(Role.RESTORER)


def told(client: Client, place: str) -> str:
    answer = client.get(place)
    assert answer.status_code == 200
    return answer.content.decode()


def name_of(place: str) -> str:
    return place.strip("/").rpartition("/")[2]


def test_references_that_stay_empty_are_named_before_and_after_the_run(
    shop: Shop, client: Client
) -> None:
    shop.platform.allow(WriteCapability("Account", reason="The user may not write to Account."))
    plan = choose(client, what="records", record=f"Paper/{shop.paper}")
    preview = told(client, plan)
    assert "1 reference will stay empty" in preview
    assert f"Account/{CUSTOMER}" in preview
    assert "The user may not write to Account." in preview
    listed = told(client, f"{plan}records/Paper/")
    assert "will stay empty; it should refer to" in listed
    (record,) = plan_records(shop.app, "sales", name_of(plan), "Paper").records
    assert [(one.column, one.target) for one in record.empty] == [
        ("Account", f"Account/{CUSTOMER}")
    ]
    run = start(client, plan)
    serve(shop, run)
    done = told(client, f"/runs/{run}/")
    assert "1 reference stayed empty" in done
    assert "recipe.txt" in done
    assert f"Account/{CUSTOMER}" in done
    result = outcome(shop.app, run)
    assert result is not None
    assert (result.whole, result.empty_count, result.failed) == (False, 1, 1)


def test_a_live_record_that_took_a_unique_value_is_overwritten_by_a_button_alone(
    shop: Shop, client: Client
) -> None:
    number = "0040017"
    shop.platform.unique.append(("Account", ("Number",)))
    newer = shop.org.create("Account", {"Name": "Another firm", "Number": number})
    plan = choose(client, what="records", record=f"Account/{CUSTOMER}")
    preview = told(client, plan)
    assert "Plan again and overwrite these live records" in preview
    assert newer in preview
    assert newer in told(client, f"{plan}records/Account/")
    answer = client.post(f"{plan}again/", {"twins": "adopt"})
    assert answer.status_code == 302
    again = str(answer["Location"])
    assert "1 will adopt a live record" in told(client, again)
    plain = client.post(f"{plan}again/", {"twins": "anything else"})
    assert "1 cannot be written" in told(client, str(plain["Location"]))
    once_more = client.post(f"{again}again/")
    assert "1 will adopt a live record" in told(client, str(once_more["Location"]))


def test_records_of_a_table_that_is_gone_are_counted_in_the_result(
    shop: Shop, client: Client
) -> None:
    shop.org.tables["Contact"].dropped = True
    run = start(client, choose(client, what="records", record=f"Account/{CUSTOMER}"))
    serve(shop, run)
    assert "2 records were not restored: the org no longer has their tables." in told(
        client, f"/runs/{run}/"
    )


def test_a_record_that_is_created_again_with_its_id_is_told_from_a_new_one(
    shop: Shop, client: Client
) -> None:
    shop.platform.keeps_ids = {"Account"}
    plan = choose(client, what="records", record=f"Account/{CUSTOMER}")
    assert "created again, with" in told(client, plan)
    assert "will be created again, with its id" in told(client, f"{plan}records/Account/")
    run = start(client, plan)
    serve(shop, run)
    assert "Created again, with their ids" in told(client, f"/runs/{run}/")
    assert CUSTOMER in dict(shop.platform.live("Account"))


def test_an_id_that_the_org_did_not_keep_is_said_on_the_page_of_the_run(
    shop: Shop, client: Client
) -> None:
    shop.platform.keeps_ids = shop.platform.ignores_ids = {"Account"}
    run = start(client, choose(client, what="records", record=f"Account/{CUSTOMER}"))
    serve(shop, run)
    done = told(client, f"/runs/{run}/")
    assert "1 record got a new id, because the org did not keep the old one." in done
