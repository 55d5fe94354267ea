"""Rows that encoded queries find, and conditions that are dropped without a word."""

import pytest

from simulators.servicenow.clients import Client
from simulators.servicenow.conftest import AGENT


def subjects(rows: list[dict]) -> list[str]:
    return sorted(row["short_description"].removeprefix("Incident ") for row in rows)


@pytest.mark.usefixtures("incidents")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("priority=2", ["2"]),
        ("priority!=2", ["1", "3", "4", "5"]),
        ("priority>3", ["4", "5"]),
        ("priority>=3^priority<5", ["3", "4"]),
        ("priority<=1", ["1"]),
        ("priorityBETWEEN2@4", ["2", "3", "4"]),
        ("priorityIN1,5", ["1", "5"]),
        ("priorityNOT IN1,5", ["2", "3", "4"]),
        ("short_descriptionLIKEINCIDENT 3", ["3"]),
        ("short_descriptionNOT LIKE3", ["1", "2", "4", "5"]),
        ("short_descriptionSTARTSWITHinc", ["1", "2", "3", "4", "5"]),
        ("short_descriptionENDSWITH4", ["4"]),
        ("short_descriptionLIKE%", []),
        ("close_notesISNOTEMPTY", []),
        ("close_notesISEMPTY^priority=1^ORpriority=2", ["1", "2"]),
        ("priority=1^NQpriority=5", ["1", "5"]),
        ("priority=1^opened_by.name=Nobody", []),
    ],
)
def test_operators(client: Client, query: str, expected: list[str]) -> None:
    assert subjects(client.list("incident", query)) == expected


@pytest.mark.usefixtures("incidents")
def test_numbers_are_compared_as_numbers(client: Client) -> None:
    client.create("sc_req_item", quantity="9")
    client.create("sc_req_item", quantity="10")
    assert [
        row["quantity"] for row in client.list("sc_req_item", "quantity>8^ORDERBYquantity")
    ] == [
        "9",
        "10",
    ]
    assert len(client.list("sc_req_item", "quantity>9")) == 1


@pytest.mark.usefixtures("incidents")
def test_orders(client: Client) -> None:
    rows = client.list("incident", "ORDERBYDESCpriority")
    assert [row["priority"] for row in rows] == ["5", "4", "3", "2", "1"]
    rows = client.list("incident", "ORDERBYno_such")
    assert [row["priority"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows == client.list("incident")


def test_rows_are_sorted_by_columns_behind_references(client: Client) -> None:
    anna, bert = (client.create("sys_user", name=name)["sys_id"] for name in ("Anna", "Bert"))
    managed = [client.create("sys_user", name=f"of {n}", manager=n)["sys_id"] for n in (bert, anna)]
    for n, user in enumerate(managed):
        client.create("incident", short_description=str(n), caller_id=user)
    rows = client.list("incident", "ORDERBYcaller_id.manager.name")
    assert [row["short_description"] for row in rows] == ["1", "0"]
    rows = client.list("incident", "ORDERBYDESCcaller_id.manager.name")
    assert [row["short_description"] for row in rows] == ["0", "1"]
    for path in ("caller_id.no_such", "short_description.name", "caller_id.manager.no_such"):
        assert len(client.list("incident", f"ORDERBY{path}")) == 2


def test_a_class_is_asked_for_with_its_descendants(client: Client) -> None:
    server = client.create("cmdb_ci_server", name="s")["sys_id"]
    client.create("cmdb_ci_service", name="t")
    rows = client.list("cmdb_ci", "sys_class_nameINSTANCEOFcmdb_ci_computer")
    assert [row["sys_id"] for row in rows] == [server]
    assert client.list("cmdb_ci", "sys_class_nameINSTANCEOFno_such") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("caller_id.name!=Jan", ["2", "3"]), ("caller_id.nameNOT LIKEJan", ["2", "3"]),
        ("caller_id.nameNOT INJan", ["2", "3"]), ("caller_id.phoneISEMPTY", ["2", "3"]),
        ("caller_id.manager.nameISEMPTY", ["1", "2", "3"]), ("caller_id.name=Eva", ["2"]),
    ],
)  # fmt: skip
def test_a_negative_test_behind_a_reference_keeps_rows_without_one(
    client: Client, query: str, expected: list[str]
) -> None:
    jan = client.create("sys_user", name="Jan", phone="1")["sys_id"]
    eva = client.create("sys_user", name="Eva")["sys_id"]
    for n, user in (("1", jan), ("2", eva), ("3", "")):
        client.create("incident", short_description=n, caller_id=user)
    assert subjects(client.list("incident", query)) == expected


def test_a_thousand_alternatives_are_one_query(client: Client, incidents: list[str]) -> None:
    query = "^OR".join(f"number=INC{n}" for n in range(3_000))
    assert client.list("incident", f"{query}^ORpriority=1")[0]["sys_id"] == incidents[0]


@pytest.mark.usefixtures("incidents")
@pytest.mark.parametrize(
    "query",
    [
        "no_such_column=1^priority=2", "priority=2^state.name=New", "priority=2^nonsense",
        "priority=2^caller_id.no_such=1", "priority=2^ORDERBYno_such", "priority=2^ORno_such=1",
        "priority=2^problem_id.cmdb_ci.no_such=3",
    ],
)  # fmt: skip
def test_an_invalid_condition_is_dropped_without_a_word(client: Client, query: str) -> None:
    assert subjects(client.list("incident", query)) == ["2"]


@pytest.mark.usefixtures("incidents")
def test_a_property_makes_an_invalid_condition_find_nothing(client: Client) -> None:
    client.admin("settings", invalid_query_returns_no_rows=True)
    name = "glide.invalid_query.returns_no_rows"
    assert client.list("sys_properties", f"name={name}")[0]["value"] == "true"
    assert client.list("incident", "priority=2^no_such_column=1") == []
    assert subjects(client.list("incident", "priority=2")) == ["2"]


def test_columns_behind_references(client: Client) -> None:
    boss = client.create("sys_user", name="Boss")["sys_id"]
    user = client.create("sys_user", name="Jan", manager=boss)["sys_id"]
    client.create("incident", short_description="Incident 1", caller_id=user)
    client.create("incident", short_description="Incident 2", caller_id=boss)
    assert subjects(client.list("incident", "caller_id.name=jan")) == ["1"]
    assert subjects(client.list("incident", "caller_id.manager.name=Boss")) == ["1"]


def test_values_are_compared_without_regard_to_case(client: Client) -> None:
    client.create("incident", sys_id="ABCDEF" + "0" * 26, short_description="Incident 1")
    assert subjects(client.list("incident", f"sys_id=abcdef{'0' * 26}")) == ["1"]


def test_a_script_in_a_value_is_executed(client: Client, agent: Client) -> None:
    client.create("incident", short_description="Incident 1", caller_id=AGENT.sys_id)
    client.create("incident", short_description="Incident 2")
    query = "caller_id=javascript:gs.getUserID()"
    assert subjects(agent.list("incident", query)) == ["1"]
    assert subjects(agent.list("incident", "caller_id=javascript:drop()")) == ["1", "2"]
    assert client.see("scripts")["scripts"] == ["gs.getUserID()", "drop()"]


@pytest.mark.usefixtures("incidents")
def test_pairs_of_names_and_values_are_a_query_too(client: Client) -> None:
    rows = client.get("table/incident", priority="2", sysparm_limit="5").json()["result"]
    assert subjects(rows) == ["2"]
    both = client.get("table/incident", priority="2", sysparm_query="priority=3").json()["result"]
    assert subjects(both) == ["3"]


def test_a_reference_to_a_table_that_does_not_exist(client: Client) -> None:
    client.admin(
        "schema/put-column", table="incident", name="u_gone", label="Gone", kind="reference",
        target="no_such_table",
    )  # fmt: skip
    answer = client(
        "POST", "table/incident", json={"u_gone": "x"},
        params={"sysparm_input_display_value": "true"},
    )  # fmt: skip
    sys_id = answer.json()["result"]["sys_id"]
    assert len(client.list("incident", "u_gone.name=Jan")) == 1
    row = client.row(
        "incident", sys_id, sysparm_fields="u_gone,u_gone.name", sysparm_display_value="true",
        sysparm_exclude_reference_link="true",
    )  # fmt: skip
    assert row == {"u_gone": "x"}
