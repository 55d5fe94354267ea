"""PySNC, the client of ServiceNow itself, agrees with what the instance holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from referees.test_salesforce_clients import REFEREES, run
from unlost_simulators.servicenow.process import ServiceNowProcess

pytestmark = [pytest.mark.referee, pytest.mark.network]

SCRIPT = Path(__file__).with_name("pysnc_referee.py")
READER, WRITER = "backup@chocolate.example", "restore@chocolate.example"
SECRET = "not-a-secret-chocolate"
NEW_ID = "0123456789abcdef0123456789abcdef"
SIZE = 9_000 * len(b"cocoa \x00\xff")


@pytest.fixture(scope="module")
def sim() -> Iterator[ServiceNowProcess]:
    with ServiceNowProcess("--tls", "--scale", "2") as made:
        yield made


@pytest.fixture(scope="module")
def incidents(sim: ServiceNowProcess) -> list[dict[str, str]]:
    """The incidents before PySNC runs, by number."""
    rows = sim.admin.get("records", table="incident", query="ORDERBYnumber")
    return list(rows)


@pytest.fixture(scope="module")
def facts(sim: ServiceNowProcess, incidents: list[dict[str, str]]) -> dict[str, Any]:
    assert incidents
    python = str(REFEREES / "python" / "bin" / "python")
    arguments = [sim.url, str(sim.ca), READER, WRITER, SECRET, "chocolate-client", SECRET]
    return run(
        [python, str(SCRIPT), *arguments],
        NO_PROXY="127.0.0.1,localhost",
        REQUESTS_CA_BUNDLE=str(sim.ca),  # the library Requests prefers it to the argument of PySNC
    )


def test_pages_together_are_the_table(
    facts: dict[str, Any], incidents: list[dict[str, str]]
) -> None:
    every = [row["sys_id"] for row in incidents]
    assert facts["ids"] == facts["token"] == every
    assert facts["row_count"] == len(every) > 500


def test_rows_have_values_displays_and_names_behind_references(
    sim: ServiceNowProcess, facts: dict[str, Any], incidents: list[dict[str, str]]
) -> None:
    users = {row["sys_id"]: row["name"] for row in sim.admin.get("records", table="sys_user")}
    labels = {
        row["value"]: row["label"]
        for row in sim.admin.get("records", table="sys_choice", query="name=incident^element=state")
    }
    newest = incidents[:-5:-1]
    assert facts["newest"] == [
        [row["number"], labels[row["state"]], users[row["caller_id"]], False] for row in newest
    ]


def test_single_records(facts: dict[str, Any], incidents: list[dict[str, str]]) -> None:
    assert facts["by_number"] == facts["by_id"] == [True, incidents[-1]["number"]]
    assert facts["unknown"] is False


def test_conditions_mean_what_the_client_says(
    facts: dict[str, Any], incidents: list[dict[str, str]]
) -> None:
    expected = {
        "active": lambda row: row["active"] == "true",
        "either": lambda row: row["state"] in ("6", "7"),
        "without": lambda row: not row["assigned_to"],
        "with": lambda row: bool(row["assigned_to"]),
        "contains": lambda row: "a" in row["short_description"].lower(),
        "lacks": lambda row: "a" not in row["short_description"].lower(),
        "among": lambda row: row["priority"] in ("1", "2"),
        "since": lambda row: row["sys_updated_on"] >= "2026-06-01 00:00:00",
        "encoded": lambda row: row["priority"] in ("1", "2"),
    }
    assert facts["conditions"].keys() == expected.keys()
    for name, (query, ids) in facts["conditions"].items():
        wanted = sorted(row["sys_id"] for row in incidents if expected[name](row))
        assert ids == wanted, query
        assert 0 < len(wanted) < len(incidents), f"{query} shows nothing"


def test_writes(facts: dict[str, Any]) -> None:
    created, number = facts["created"]
    assert created == NEW_ID
    assert number.startswith("INC")
    assert facts["updated"] == [NEW_ID, "High"]
    assert facts["deleted"] == [True, False]


def test_batches(facts: dict[str, Any]) -> None:
    assert facts["batches"] == [True, ["1", "1", "1"], True, []]


def test_attachments(facts: dict[str, Any]) -> None:
    assert facts["attachments"] == [["Price list 2026.bin", SIZE, "application/pdf", True]]
    assert facts["left"] == []


def test_refusals(
    sim: ServiceNowProcess, facts: dict[str, Any], incidents: list[dict[str, str]]
) -> None:
    wrong_password, no_right = facts["refused"]
    assert "not authenticated" in wrong_password.lower()
    assert no_right
    assert sim.admin.get("records", table="incident", query="ORDERBYnumber") == incidents
