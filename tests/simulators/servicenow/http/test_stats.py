"""The Aggregate API."""

import pytest

from simulators.servicenow.clients import Client, count


@pytest.mark.usefixtures("incidents")
def test_counts(client: Client) -> None:
    assert count(client, "incident") == "5"
    assert count(client, "task", "priority>3") == "2"
    assert count(client, "problem") == "0"


@pytest.mark.usefixtures("incidents")
def test_nothing_is_computed_that_was_not_asked_for(client: Client) -> None:
    assert client.get("stats/incident").json() == {"result": {"stats": {}}}


@pytest.mark.usefixtures("incidents")
def test_sums_and_groups(client: Client) -> None:
    client.create("incident", priority="5")
    sums = client.get(
        "stats/incident", sysparm_sum_fields="priority,no_such", sysparm_min_fields="closed_at",
        sysparm_max_fields="priority", sysparm_avg_fields="impact",
    ).json()["result"]["stats"]  # fmt: skip
    assert sums == {
        "avg": {"impact": "3.0"}, "min": {"closed_at": ""}, "max": {"priority": "5"},
        "sum": {"priority": "20.0"},
    }  # fmt: skip
    groups = client.get(
        "stats/incident", sysparm_count="true", sysparm_group_by="priority,no_such",
        sysparm_query="priority>=4",
    ).json()["result"]  # fmt: skip
    assert groups == [
        {"stats": {"count": "1"}, "groupby_fields": [{"field": "priority", "value": "4"}]},
        {"stats": {"count": "2"}, "groupby_fields": [{"field": "priority", "value": "5"}]},
    ]


def test_closed_tables_are_refused(client: Client) -> None:
    assert client.get("stats/sys_certificate", sysparm_count="true").status_code == 403


def test_the_largest_of_9_and_10_is_10(client: Client) -> None:
    for quantity in ("9", "10"):
        client.create("sc_req_item", quantity=quantity)
    stats = client.get(
        "stats/sc_req_item", sysparm_min_fields="quantity", sysparm_max_fields="quantity"
    ).json()["result"]["stats"]
    assert stats == {"min": {"quantity": "9"}, "max": {"quantity": "10"}}
