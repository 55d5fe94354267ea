"""The REST API: the actions over HTTP, let in by tokens."""

import json
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client

from homes import World
from unit.app.shop import Shop
from unlost.app.actions.people.people import add, remove
from unlost.app.actions.people.tokens import make
from unlost.app.actions.restores.queued_restore import do_restore
from unlost.app.operations import OPERATIONS
from unlost.model.access import Role


@pytest.fixture
def token(world: World):
    def made(role: Role = Role.ADMIN, org: str | None = None) -> dict[str, str]:
        add(world.app, role.value, role=role, org=org)
        text = make(world.app, "test", role=Role.ADMIN, owner=role.value).text
        return {"Authorization": f"Bearer {text}"}

    return made


@pytest.fixture
def client() -> Client:
    return Client(SERVER_NAME="localhost")


def asked(client: Client, path: str, headers: dict[str, str]) -> Any:
    answer = client.get(f"/api/v1{path}", headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_record_tells_its_story(world: World, client: Client, token) -> None:
    record = next(iter(world.org.tables["Account"].records))
    told = asked(client, f"/orgs/sales/records/Account/{record}/history", token())
    assert (told["record"], told["entries"][0]["kind"]) == (record, "created")
    assert asked(client, "/find?text=Schoko", token(Role.VIEWER))["hits"]


def test_a_search_has_pages_and_filters(world: World, client: Client, token) -> None:
    headers = token(Role.VIEWER)
    first = asked(client, "/find?text=U1&most=1", headers)
    assert (len(first["hits"]), first["start"]) == (1, 0)
    live = asked(client, "/find?text=Schoko&state=live&table=account&since=2020-01-01", headers)
    assert (live["total"], live["more"], live["tables"][0]["count"]) == (1, False, 1)
    none = asked(client, "/find?text=Schoko&state=deleted", headers)
    assert none["hints"][0]["code"] == "search-filtered"
    assert none["orgs"][0]["org"] == "sales"
    wrong = client.get("/api/v1/find?text=Schoko&state=odd", headers=headers)
    assert wrong.status_code in (400, 422)


def test_a_schedule_is_changed(world: World, client: Client, token) -> None:
    answer = client.put(
        "/api/v1/orgs/sales/schedule",
        data=json.dumps({"at": "03:15"}),
        content_type="application/json",
        headers=token(),
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["schedule"]["nightly"] == "03:15:00"


def test_without_a_token_nothing_is_answered(world: World, client: Client, token) -> None:
    headers = token()
    for wrong in (
        {},
        {"Authorization": "Bearer unl_x"},
        {"Authorization": headers["Authorization"][:-1]},
    ):
        answer = client.get("/api/v1/orgs", headers=wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token-invalid-now")
        assert answer["WWW-Authenticate"].startswith("Bearer")
    add(world.app, "other", role=Role.ADMIN)
    remove(world.app, "admin")
    assert client.get("/api/v1/orgs", headers=headers).status_code == 401


def test_errors_are_told_as_the_command_line_tells_them(
    world: World, client: Client, token
) -> None:
    headers = token()
    answer = client.get("/api/v1/orgs/other/snapshots", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "org-unknown")
    answer = client.get("/api/v1/orgs/sales/compare", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "request-invalid")


def test_each_operation_is_an_action_and_is_described(world: World, client: Client) -> None:
    told = client.get("/api/v1/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    described = {
        operation["operationId"] for path in told["paths"].values() for operation in path.values()
    }
    assert described == {one.action for one in OPERATIONS}


def code_of(answer: Any, status: int) -> str:
    """The code of an error, which is told as all others are."""
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    return str(answer.json()["error"]["code"])


def test_a_body_that_is_not_json_is_told_so(world: World, client: Client, token) -> None:
    headers = token()
    for body in ("{", "\x00", "*"):
        answer = client.post(
            "/api/v1/people", data=body, content_type="application/json", headers=headers
        )
        assert code_of(answer, 400) == "request-unreadable"


def test_a_name_that_an_operation_does_not_know_is_refused(
    world: World, client: Client, token
) -> None:
    """A misspelled filter would show everything; a misspelled wish would do something else."""
    headers = token()
    answer = client.get("/api/v1/audit?actr=tom", headers=headers)
    assert code_of(answer, 422) == "request-invalid"
    assert "actr" in answer.json()["error"]["sentence"]
    for path, body in (
        ("people", {"name": "tom", "role": "viewer", "og": "sales"}),
        ("orgs", {"connector": "memory", "name": "x", "config": {}, "extra": 1}),
    ):
        answer = client.post(
            f"/api/v1/{path}",
            data=json.dumps(body),
            content_type="application/json",
            headers=headers,
        )
        assert code_of(answer, 422) == "request-invalid"
    assert client.get("/api/v1/people", headers=headers).json()["people"][-1]["name"] == "admin"


def test_what_django_answers_by_itself_is_json_too(
    world: World, client: Client, token, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = token()
    assert code_of(client.get("/api/v1/nothing", headers=headers), 404) == "operation-unknown"
    wrong_method = client.delete("/api/v1/orgs", headers=headers)
    assert code_of(wrong_method, 405) == "request-refused"
    assert "GET" in wrong_method["Allow"]
    strange = Client(SERVER_NAME="evil.example").get("/api/v1/orgs", headers=headers)
    assert code_of(strange, 400) == "request-refused"

    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("unlost.web.api.building.refuse_surplus", broken)
    client.raise_request_exception = False
    told = client.get("/api/v1/orgs", headers=headers)
    assert code_of(told, 500) == "internal"
    assert "fault of ours" not in told.content.decode()


def posted(client: Client, path: str, body: object, headers: dict[str, str]) -> Any:
    return client.post(
        f"/api/v1{path}", data=json.dumps(body), content_type="application/json", headers=headers
    )


def test_a_body_of_one_value_is_an_object_with_its_name(
    world: World, client: Client, token
) -> None:
    headers = token()
    answer = posted(client, "/vault/verify-later", {"level": "quick"}, headers)
    assert code_of(answer, 409) == "service-away"
    for wrong in ("quick", {"level": "deepest"}, {"level": "quick", "expect": "x"}, {}):
        assert code_of(posted(client, "/vault/verify-later", wrong, headers), 422)
    start = "/orgs/sales/plans/none/start"
    assert code_of(posted(client, start, {}, headers), 404) == "plan-unknown"
    assert code_of(posted(client, start, {"typed": "sales"}, headers), 404) == "plan-unknown"
    assert code_of(posted(client, start, {"type": "sales"}, headers), 422) == "request-invalid"


def test_a_restore_is_chosen_made_changed_and_begun(shop: Shop, client: Client, token) -> None:
    headers = token(Role.RESTORER)
    lost = asked(client, "/orgs/sales/lost?most=2", headers)
    assert (lost["total"], len(lost["records"])) == (4, 2)
    wanted = {"request": {"org": "sales", "lost": [str(lost["old"]), str(lost["new"])]}}
    plan = posted(client, "/orgs/sales/plans", wanted, headers).json()
    assert (plan["state"], plan["summary"]) == ("making", None)
    place = f"/orgs/sales/plans/{plan['plan']}"
    assert code_of(client.get(f"/api/v1{place}/file", headers=headers), 409) == "plan-not-made"
    made = posted(client, f"{place}/make", {}, headers).json()
    assert (made["state"], made["summary"]["changes"]) == ("made", 4)
    contacts = asked(client, f"{place}/records/Contact", headers)["records"]
    record = f"{place}/records/Contact/{contacts[0]['record']}"
    assert {one["name"] for one in asked(client, record, headers)["fields"]} >= {"Name"}
    edited = client.put(
        f"/api/v1{record}", {"Name": "Anna"}, content_type="application/json", headers=headers
    ).json()
    other = f"/orgs/sales/plans/{edited['plan']}"
    posted(client, f"{other}/make", {}, headers)
    handed = posted(client, f"{other}/start", {}, headers).json()
    assert asked(client, f"/runs/{handed['run']}/outcome", headers) is None
    do_restore(shop.app, handed["run"])
    assert asked(client, f"/runs/{handed['run']}/progress", headers)["state"] == "done"
    outcome = asked(client, f"/runs/{handed['run']}/outcome", headers)
    assert (outcome["failed"], sum(one["count"] for one in outcome["endings"])) == (0, 4)
    assert "Anna" in {cells["Name"] for cells in shop.live("Contact").values()}


def test_losses_are_listed_dismissed_and_reopened(shop: Shop, client: Client, token) -> None:
    headers = token(Role.OPERATOR)
    page = asked(client, "/losses?org=sales&most=1", headers)
    assert (page["total"], page["state"]) == (2, "open")
    (line,) = page["losses"]
    place = f"/orgs/sales/losses/{line['loss']}"
    assert asked(client, place, headers)["loss"] == line
    assert [*asked(client, "/losses/first", headers)["orgs"]] == ["sales"]
    assert code_of(posted(client, f"{place}/dismiss", {}, headers), 422) == "request-invalid"
    gone = posted(client, f"{place}/dismiss", {"reason": "A test"}, headers).json()
    assert (gone["state"], gone["reason"]) == ("dismissed", "A test")
    assert asked(client, "/losses?state=dismissed", headers)["total"] == 1
    assert posted(client, f"{place}/reopen", {}, headers).json() == line
    assert code_of(posted(client, f"{place}/reopen", {}, headers), 409) == "loss-not-dismissed"
    assert code_of(client.get("/api/v1/orgs/sales/losses/99", headers=headers), 404)


def test_bytes_are_sent_to_be_saved(shop: Shop, client: Client, token) -> None:
    headers = token()
    answer = client.get(f"/api/v1/orgs/sales/files/{shop.paper}", headers=headers)
    assert b"".join(answer) == b"cocoa and sugar"
    assert answer["Content-Length"] == "15"
    assert answer["Content-Disposition"] == 'attachment; filename="recipe.txt"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer["Content-Security-Policy"]
    told = json.loads(unquote(answer["Unlost-Result"]))
    assert (told["name"], told["size"], "blob" in told) == ("recipe.txt", 15, False)
    form = client.post("/api/v1/audit/export", headers=headers)
    assert code_of(form, 400) == "request-unreadable", "it takes no body, and a form is no JSON"
    answer = posted(client, "/audit/export", {}, headers)
    assert answer["Content-Type"] == "application/jsonl"
    assert json.loads(b"".join(answer).splitlines()[-1])["deed"]["act"] == "audit.export"


def test_a_page_that_no_list_has_is_refused(world: World, client: Client, token) -> None:
    headers = token()
    for most in (0, -1, 10_001, 1 << 70):
        answer = client.get(f"/api/v1/runs/page?most={most}", headers=headers)
        assert code_of(answer, 400) == "page-invalid"
    answer = client.get(f"/api/v1/orgs/sales/lost?start={1 << 62}", headers=headers)
    assert code_of(answer, 400) == "page-invalid"
