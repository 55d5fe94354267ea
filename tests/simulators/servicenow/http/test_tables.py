"""The Table API: pages, forms of values, and the statuses of refusals."""

import pytest

from simulators.servicenow.clients import BASE, Client, detail
from unlost_simulators.servicenow.model.users import ApiUser


@pytest.mark.usefixtures("incidents")
def test_pages_carry_a_count_and_links(client: Client) -> None:
    page = client.get("table/incident", sysparm_limit=2, sysparm_offset=2)
    assert page.headers["X-Total-Count"] == "5"
    links = dict(
        reversed(link.rsplit(";rel=", 1))
        for link in page.headers["Link"].replace('"', "").split(",")
    )
    assert set(links) == {"first", "prev", "next", "last"}
    assert links["next"].startswith(f"<{BASE}/api/now/table/incident?")
    assert "sysparm_offset=4" in links["next"]
    assert "sysparm_offset=4" in links["last"]
    assert "sysparm_offset=0" in links["prev"]


@pytest.mark.usefixtures("incidents")
def test_links_that_do_not_apply_are_left_out(client: Client) -> None:
    first = client.get("table/incident", sysparm_limit=2).headers["Link"]
    assert 'rel="prev"' not in first
    last = client.get("table/incident", sysparm_limit=2, sysparm_offset=4).headers["Link"]
    assert 'rel="next"' not in last
    assert "Link" not in client.get("table/incident").headers
    assert "Link" not in client.get("table/incident", sysparm_limit=0).headers
    hidden = client.get(
        "table/incident", sysparm_limit=2, sysparm_suppress_pagination_header="true"
    )
    assert "Link" not in hidden.headers


@pytest.mark.usefixtures("incidents")
def test_without_a_count_there_is_no_last_page(client: Client) -> None:
    page = client.get("table/incident", sysparm_limit=2, sysparm_no_count="true")
    assert "X-Total-Count" not in page.headers
    assert 'rel="next"' in page.headers["Link"]
    assert 'rel="last"' not in page.headers["Link"]


def test_an_empty_list_is_404_in_v1_alone(client: Client) -> None:
    assert client.get("table/problem").json() == {"result": []}
    assert client.get("v2/table/problem").json() == {"result": []}
    assert client.get("v1/table/problem").status_code == 404


def test_values_are_texts_and_references_are_objects(client: Client) -> None:
    user = client.create("sys_user", name="Jan")["sys_id"]
    row = client.create("incident", caller_id=user, priority=2)
    assert row["caller_id"] == {"link": f"{BASE}/api/now/table/sys_user/{user}", "value": user}
    assert row["problem_id"] == ""
    assert (row["active"], row["priority"], row["sys_mod_count"]) == ("true", "2", "0")
    assert row["sys_created_on"] == "2026-11-24 10:20:00"
    assert row["sys_class_name"] == "incident"
    plain = client.row("incident", row["sys_id"], sysparm_exclude_reference_link="true")
    assert plain["caller_id"] == user


def test_display_values(client: Client, agent: Client) -> None:
    user = client.create("sys_user", name="Jan")["sys_id"]
    sys_id = client.create("incident", caller_id=user, watch_list=f"{user},x@y.example")["sys_id"]
    row = agent.row("incident", sys_id, sysparm_display_value="all")
    assert row["state"] == {"display_value": "New", "value": "1"}
    assert row["sys_created_on"]["display_value"] == "2026-11-24 19:20:00"
    assert row["sys_created_on"]["value"] == "2026-11-24 10:20:00"
    assert set(row["caller_id"]) == {"display_value", "value", "link"}
    assert row["watch_list"]["display_value"] == "Jan, x@y.example"
    labels = agent.row("incident", sys_id, sysparm_display_value="true")
    assert labels["state"] == "New"
    assert set(labels["caller_id"]) == {"display_value", "link"}
    plain = agent.row(
        "incident", sys_id, sysparm_display_value="all", sysparm_exclude_reference_link="true"
    )
    assert plain["caller_id"] == {"display_value": "Jan", "value": user}
    assert plain["problem_id"] == {"display_value": "", "value": ""}


def test_columns_are_chosen_also_behind_references(client: Client) -> None:
    user = client.create("sys_user", name="Jan")["sys_id"]
    sys_id = client.create("incident", caller_id=user)["sys_id"]
    names = "number,caller_id.name,caller_id.manager.name,no_such,state.label"
    row = client.row("incident", sys_id, sysparm_fields=names)
    assert row == {"number": "INC0010001", "caller_id.name": "Jan", "caller_id.manager.name": ""}


def test_a_view_chooses_columns_and_fields_win(client: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    client.admin("views", table="incident", name="short", columns=["number"])
    assert set(client.row("incident", sys_id, sysparm_view="short")) == {"number"}
    assert len(client.row("incident", sys_id, sysparm_view="other")) > 20
    fields = client.row("incident", sys_id, sysparm_view="short", sysparm_fields="state")
    assert set(fields) == {"state"}


def test_a_row_is_read_through_each_class_of_its_lineage(client: Client) -> None:
    sys_id = client.create("incident", caller_id="x" * 32)["sys_id"]
    base = client.row("task", sys_id)
    assert base["sys_class_name"] == "incident"
    assert "caller_id" not in base
    assert client.get(f"table/problem/{sys_id}").status_code == 404
    assert client.list("task", "sys_class_name=incident")[0]["sys_id"] == sys_id
    assert client.list("problem") == []


def test_refusals(client: Client, agent: Client) -> None:
    missing = client.get("table/no_such_table")
    assert missing.status_code == 400
    assert missing.json()["error"] == {"message": "Invalid table no_such_table", "detail": None}
    lost = client.get(f"table/incident/{'0' * 32}")
    assert lost.status_code == 404
    assert lost.json()["error"]["message"] == "No Record found"
    closed = client.get("table/sys_certificate")
    assert (closed.status_code, detail(closed)) == (403, "Failed API level ACL Validation")
    assert client.get("nothing/here").status_code == 400
    assert client("GET", "/other").status_code == 400
    assert client("DELETE", "table/incident").status_code == 405
    for limit in ("many", "²", "9" * 20, "-1"):
        assert client.get("table/incident", sysparm_limit=limit).status_code == 400
    xml = client("GET", "table/incident", headers={"Accept": "text/csv"})
    assert xml.status_code == 406
    body = client("POST", "table/incident", content=b"<a/>", headers={"Content-Type": "text/xml"})
    assert body.status_code == 415
    for content in (b"{", b"3"):
        assert client("POST", "table/incident", content=content).status_code == 400


def test_who_does_not_sign_in_is_refused(client: Client) -> None:
    for auth in (None, ("admin", "wrong"), ("stranger", "x")):
        answer = client.as_("")("GET", "table/incident", auth=auth)
        assert answer.status_code == 401
        assert detail(answer) == "Required to provide Auth information"
    client.instance.users.put(ApiUser("d" * 32, "gone", "not-a-secret", active=False))
    assert client.as_("gone").get("table/incident").status_code == 401
    bad = client.as_("")("GET", "table/incident", headers={"Authorization": "Basic %%"})
    assert bad.status_code == 401


def test_head_answers_the_headers_alone(client: Client, incidents: list[str]) -> None:
    answer = client("HEAD", "table/incident")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["X-Total-Count"] == str(len(incidents))


def test_the_method_may_be_named_in_a_header(client: Client, incidents: list[str]) -> None:
    answer = client(
        "POST", f"table/incident/{incidents[0]}", json={"priority": "3"},
        headers={"X-HTTP-Method-Override": "PATCH"},
    )  # fmt: skip
    assert answer.json()["result"]["priority"] == "3"
    deleted = client("DELETE", f"table/incident/{incidents[0]}")
    assert (deleted.status_code, deleted.content) == (204, b"")


def test_of_several_objects_the_first_is_created(client: Client) -> None:
    answer = client("POST", "table/incident", json=[{"priority": "1"}, {"priority": "2"}])
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(answer.json()["result"]["sys_id"])
    assert len(client.list("incident")) == 1
    assert client("POST", "table/incident").status_code == 201


def test_a_created_row_may_come_back_without_a_body(client: Client, agent: Client) -> None:
    asked = client("POST", "table/incident", json={}, headers={"X-No-Response-Body": "true"})
    assert (asked.status_code, asked.content) == (201, b"")
    client.admin("acls", table="problem", operation="read", roles=["admin"])
    hidden = agent("POST", "table/problem", json={"short_description": "x"})
    assert (hidden.status_code, hidden.content) == (201, b"")
    assert len(client.list("problem")) == 1


def test_a_text_that_the_database_cannot_take_is_a_500(client: Client) -> None:
    answer = client("POST", "table/incident", content=b'{"close_notes": "\\ud800"}')
    assert answer.status_code == 500
    assert answer.json()["status"] == "failure"
    assert client.list("incident") == []


def test_a_cell_behind_an_empty_reference_has_both_values(client: Client) -> None:
    sys_id = client.create("incident")["sys_id"]
    row = client.row(
        "incident", sys_id, sysparm_fields="caller_id.name", sysparm_display_value="all"
    )
    assert row == {"caller_id.name": {"display_value": "", "value": ""}}
