"""Approval in the console and the API: the policy's page, the plan's buttons, the home page."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from unit.app.shop import CUSTOMER, Shop
from unit.web.conftest import SignIn
from unit.web.losses import choose, plan_at_once, serve
from unlost.app.actions.orgs.approval_policy import change
from unlost.app.actions.people.tokens import make
from unlost.catalog.models import PlanRow
from unlost.catalog.orgs.approval_policy import policy_of
from unlost.catalog.people.audit import newest
from unlost.catalog.runs.runs import RunState, find_run
from unlost.model.access import Role
from unlost.model.approval import ApprovalPolicy

POLICY = "/orgs/sales/approval/"
EMPTY = {"data": "{}", "content_type": "application/json"}


@pytest.fixture
def shop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    plan_at_once(monkeypatch)
    monkeypatch.setattr(
        "unlost.app.actions.restores.queued_restore.enqueue_from_outside", lambda *_: None
    )
    return shop


@pytest.fixture
def strict(shop: Shop) -> Shop:
    """Each restore needs a second person."""
    change(shop.app, "sales", ApprovalPolicy(records=0))
    return shop


@pytest.fixture
def maker(strict: Shop, sign_in: SignIn) -> Client:
    return sign_in(Role.RESTORER)


@pytest.fixture
def second(strict: Shop, sign_in: SignIn) -> Client:
    return sign_in(Role.ADMIN)


def page(client: Client, place: str, *, status: int = 200) -> str:
    answer = client.get(place)
    assert answer.status_code == status
    return answer.content.decode()


def planned(client: Client) -> str:
    return choose(client, what="records", record=f"Account/{CUSTOMER}")


def row_of(plan: str) -> PlanRow:
    return PlanRow.objects.get(pk=plan.strip("/").rpartition("/")[2])


# --- the policy -----------------------------------------------------------------------------------


def test_an_admin_chooses_the_conditions(shop: Shop, sign_in: SignIn) -> None:
    admin = sign_in(Role.ADMIN)
    assert "No plan of this org needs a second person" in page(admin, POLICY)
    assert POLICY in page(admin, "/orgs/sales/settings/")
    assert POLICY in page(admin, "/orgs/sales/")
    answer = admin.post(POLICY, {"records": "50", "deletes": "on"})
    assert answer.status_code == 302
    assert policy_of(shop.oid) == ApprovalPolicy(records=50, deletes=True)
    shown = page(admin, POLICY)
    assert "Some plans of this org need a second person" in shown
    assert 'value="50"' in shown
    admin.post(POLICY, {"records": ""})
    assert policy_of(shop.oid).is_off


def test_a_wrong_number_changes_nothing(shop: Shop, sign_in: SignIn) -> None:
    answer = sign_in(Role.ADMIN).post(POLICY, {"records": "-1"})
    assert answer.status_code == 400
    assert policy_of(shop.oid).is_off


def test_who_may_not_manage_does_not_see_the_page(shop: Shop, sign_in: SignIn) -> None:
    restorer = sign_in(Role.RESTORER)
    assert restorer.get(POLICY).status_code == 403
    assert restorer.post(POLICY, {"records": ""}).status_code == 403
    assert POLICY not in page(restorer, "/orgs/sales/")


# --- the plan -------------------------------------------------------------------------------------


def test_without_a_policy_the_page_is_as_before(shop: Shop, sign_in: SignIn) -> None:
    shown = page(client := sign_in(Role.RESTORER), planned(client))
    assert "Restore 4 records to sales" in shown
    assert "second person" not in shown


def test_a_second_person_approves_and_the_first_restores(
    strict: Shop, maker: Client, second: Client
) -> None:
    plan = planned(maker)
    waits = page(maker, plan)
    assert "This restore waits for a second person" in waits
    assert "It writes more records than one person may write alone." in waits
    assert f"{plan}approve/" not in waits
    assert f"{plan}run/" not in waits
    offered = page(second, plan)
    assert f"{plan}approve/" in offered
    digest = row_of(plan).digest
    assert digest in offered
    answer = second.post(f"{plan}approve/", {"digest": digest})
    assert (answer.status_code, answer["Location"]) == (302, plan)
    seen = page(second, plan)
    assert "You approved this plan, so another person must run it." in seen
    assert f"{plan}run/" not in seen
    ready = page(maker, plan)
    assert "Approved by" in ready
    assert "admin-all" in ready
    assert "Restore 4 records to sales" in ready
    run = maker.post(f"{plan}run/")["Location"].strip("/").rpartition("/")[2]
    assert serve(strict, run) is RunState.DONE
    assert "second person" not in page(maker, plan)


def test_the_page_of_a_finished_run_shows_who_approved_it(
    strict: Shop, maker: Client, second: Client, sign_in: SignIn
) -> None:
    """It led to the plan, where an approval is no longer shown once the run began."""
    plan = planned(maker)
    second.post(f"{plan}approve/", {"digest": row_of(plan).digest})
    run = maker.post(f"{plan}run/")["Location"].strip("/").rpartition("/")[2]
    assert serve(strict, run) is RunState.DONE
    for reader in (maker, second, sign_in(Role.VIEWER)):
        shown = page(reader, f"/runs/{run}/")
        assert "Approved by <bdi>admin-all</bdi>, " in shown
    client, first = Client(SERVER_NAME="localhost"), bearer(strict, "restorer-all")
    status, body = ask(client, "GET", f"/runs/{run}", headers=first)
    assert (status, body["approved_by"], bool(body["approved_at"])) == (200, "admin-all", True)


def test_a_run_that_needed_nobody_shows_no_approval(shop: Shop, sign_in: SignIn) -> None:
    plan = planned(client := sign_in(Role.RESTORER))
    run = client.post(f"{plan}run/")["Location"].strip("/").rpartition("/")[2]
    assert serve(shop, run) is RunState.DONE
    assert "Approved" not in page(client, f"/runs/{run}/")


def test_who_may_restore_but_made_the_plan_is_refused(strict: Shop, maker: Client) -> None:
    plan = planned(maker)
    answer = maker.post(f"{plan}approve/", {"digest": row_of(plan).digest})
    assert answer.status_code == 403
    assert "made this plan, so another person must approve it" in answer.content.decode()
    run = maker.post(f"{plan}run/")
    assert run.status_code == 403
    assert "asks for a second person" in run.content.decode()
    assert row_of(plan).run == ""


def test_an_approval_of_another_plan_than_the_page_showed_is_refused(
    strict: Shop, maker: Client, second: Client
) -> None:
    plan = planned(maker)
    answer = second.post(f"{plan}approve/", {"digest": "0" * 64})
    assert answer.status_code == 409
    assert "is not the plan that you saw" in answer.content.decode()


def test_an_approval_is_withdrawn_on_the_page(strict: Shop, maker: Client, second: Client) -> None:
    plan = planned(maker)
    second.post(f"{plan}approve/", {"digest": row_of(plan).digest})
    assert f"{plan}withdraw/" in page(second, plan)
    assert second.post(f"{plan}withdraw/").status_code == 302
    assert "This restore waits for a second person" in page(maker, plan)
    again = second.post(f"{plan}withdraw/")
    assert again.status_code == 409
    assert "This plan is not approved" in again.content.decode()


def test_the_page_says_that_an_approval_ended(strict: Shop, maker: Client, second: Client) -> None:
    plan = planned(maker)
    second.post(f"{plan}approve/", {"digest": row_of(plan).digest})
    row = row_of(plan)
    assert row.approved_at is not None
    row.approved_at -= timedelta(days=8)  # the session would end if the clock moved
    row.save()
    shown = page(maker, plan)
    assert "The approval ended:" in shown
    assert f"{plan}run/" not in shown


def test_a_queued_restore_without_approval_shows_what_to_do(
    strict: Shop, maker: Client, second: Client
) -> None:
    plan = planned(maker)
    digest = row_of(plan).digest
    second.post(f"{plan}approve/", {"digest": digest})
    run = maker.post(f"{plan}run/")["Location"].strip("/").rpartition("/")[2]
    second.post(f"{plan}withdraw/")
    assert serve(strict, run) is RunState.FAILED
    assert "asks for a second person" in page(maker, f"/runs/{run}/")
    assert f"{plan}approve/" in page(second, plan)
    assert second.post(f"{plan}approve/", {"digest": digest}).status_code == 302
    maker.post(f"/runs/{run}/resume/")
    assert serve(strict, run) is RunState.DONE


# --- lists ----------------------------------------------------------------------------------------


def test_home_shows_the_plans_that_wait_to_who_may_approve(
    strict: Shop, maker: Client, second: Client, sign_in: SignIn
) -> None:
    assert "for approval" not in page(second, "/")
    plans = [planned(maker) for _number in range(6)]
    shown = page(second, "/")
    assert "6 plans wait for approval" in shown
    assert sum(plan in shown for plan in plans) == 5
    assert "Show all plans that were not run" in shown
    assert "for approval" not in page(maker, "/")
    assert "for approval" not in page(sign_in(Role.VIEWER), "/")
    assert "waits for approval" in page(maker, "/runs/")
    for plan in plans[1:]:
        second.post(f"{plan}approve/", {"digest": row_of(plan).digest})
    assert "1 plan waits for approval" in page(second, "/")
    assert "ready to run" in page(maker, "/runs/")


# --- the API --------------------------------------------------------------------------------------


def ask(client: Client, method: str, path: str, **more: Any) -> tuple[int, Any]:
    answer = client.generic(method, f"/api/v1{path}", **more)
    return answer.status_code, answer.json()


def bearer(shop: Shop, owner: str) -> dict[str, str]:
    token = make(shop.app, "program", role=Role.ADMIN, owner=owner).text
    return {"Authorization": f"Bearer {token}"}


def test_the_api_sets_the_policy_and_approves(strict: Shop, maker: Client, second: Client) -> None:
    first, other = bearer(strict, "restorer-all"), bearer(strict, "admin-all")
    client = Client(SERVER_NAME="localhost")
    sent = {"data": '{"records": 1}', "content_type": "application/json"}
    status, body = ask(client, "PUT", "/orgs/sales/approval", headers=other, **sent)
    assert (status, body["policy"]["records"], body["days"]) == (200, 1, 7)
    status, body = ask(client, "PUT", "/orgs/sales/approval", headers=first, **sent)
    assert (status, body["error"]["code"]) == (403, "not-permitted")
    assert ask(client, "GET", "/orgs/sales/approval", headers=first)[1]["policy"]["records"] == 1
    name = row_of(planned(maker)).id
    plan = f"/orgs/sales/plans/{name}"
    status, body = ask(client, "POST", f"{plan}/start", headers=first, **EMPTY)
    assert (status, body["error"]["code"]) == (403, "restore-needs-approval")
    digest = ask(client, "GET", plan, headers=other)[1]["approval"]["digest"]
    sent = {"data": f'{{"digest": "{digest}"}}', "content_type": "application/json"}
    status, body = ask(client, "PUT", f"{plan}/approval", headers=first, **sent)
    assert (status, body["error"]["code"]) == (403, "approval-by-requester")
    assert len(ask(client, "GET", "/approvals", headers=other)[1]["plans"]) == 1
    status, body = ask(client, "PUT", f"{plan}/approval", headers=other, **sent)
    assert (status, body["approval"]["state"]) == (200, "approved")
    assert ask(client, "DELETE", f"{plan}/approval", headers=other)[0] == 200
    assert ask(client, "PUT", f"{plan}/approval", headers=other, **sent)[0] == 200
    status, body = ask(client, "GET", f"{plan}/diff/{name}", headers=first)
    assert (status, body["difference"]["total"]) == (200, 0)
    status, body = ask(client, "POST", f"{plan}/start", headers=first, **EMPTY)
    assert status == 200
    assert find_run(body["run"]) is not None
    acts = [entry.deed.act for entry in newest(most=50)]
    assert {"restore.approve", "restore.withdraw", "approval.set"} <= set(acts)


def test_the_api_takes_plan_files(strict: Shop, maker: Client, second: Client) -> None:
    first, other = bearer(strict, "restorer-all"), bearer(strict, "admin-all")
    client = Client(SERVER_NAME="localhost")
    name = row_of(planned(maker)).id
    download = client.get(f"/api/v1/orgs/sales/plans/{name}/file", headers=first)
    file = download.getvalue()
    sent = {"data": file, "content_type": "application/octet-stream"}
    status, body = ask(client, "POST", "/plan-files/run", headers=first, **sent)
    assert (status, body["error"]["code"]) == (403, "restore-needs-approval")
    status, body = ask(client, "POST", "/plan-files/approve", headers=other, **sent)
    assert (status, body["plan"], body["approval"]["state"]) == (200, name, "approved")
    assert ask(client, "POST", "/plan-files/withdraw", headers=other, **sent)[0] == 200
    assert ask(client, "POST", "/plan-files/approve", headers=other, **sent)[0] == 200
    assert ask(client, "POST", "/plan-files/show", headers=other, **sent)[1]["approval"]
    assert ask(client, "POST", "/plan-files/run", headers=first, **sent)[0] == 200
