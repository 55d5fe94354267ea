"""The chocolate maker's instance: whole, connected, and the same company as elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from simulators.servicenow.clients import BASE, Client
from unlost_simulators.company.times import OPENING
from unlost_simulators.company.written import SONNENSCHEIN
from unlost_simulators.kit.sqlite import Where
from unlost_simulators.servicenow.scenarios.chocolate.acts import STORY_CUSTOMER, STORY_INCIDENT
from unlost_simulators.servicenow.scenarios.chocolate.setup import BACKUP, NARROW, PASSWORD
from unlost_simulators.servicenow.server import InstanceOptions, build
from unlost_simulators.servicenow.simulator import Simulator
from unlost_simulators.servicenow.store.store import equals

MONDAY = datetime(2026, 11, 2, 18, tzinfo=UTC)


@pytest.fixture(scope="module")
def chocolate() -> Iterator[Simulator]:
    made = build(InstanceOptions(opens=OPENING), base_url=BASE)
    yield made
    made.close()


@pytest.fixture
def fresh() -> Iterator[Client]:
    made = build(InstanceOptions(opens=OPENING), base_url=BASE)
    yield Client(made, BACKUP)
    made.close()


def test_every_reference_has_its_row(chocolate: Simulator) -> None:
    store, schema = chocolate.instance.store, chocolate.instance.schema
    dangling = []
    for table in schema.tables():
        for column in table.columns:
            if not column.refers or column.target == "sys_domain":
                continue
            ids = {row["sys_id"] for row in store.select(column.target, Where())}
            rows = store.select(table.name, Where(f'"{column.name}" <> ?', ("",)))
            lost = {row[column.name] for row in rows} - ids
            if lost:
                dangling.append((table.name, column.name, len(lost)))
    assert dangling == []


def test_every_row_has_a_known_class(chocolate: Simulator) -> None:
    store, schema = chocolate.instance.store, chocolate.instance.schema
    for table in schema.tables():
        if "sys_class_name" in schema.columns(table.name) and not table.extends:
            classes = {row["sys_class_name"] for row in store.select(table.name, Where())}
            assert classes <= set(schema.classes(table.name))


def test_no_row_is_younger_than_the_opening(chocolate: Simulator) -> None:
    store, schema = chocolate.instance.store, chocolate.instance.schema
    for table in schema.tables():
        for name in ("sys_created_on", "sys_updated_on"):
            if name in schema.columns(table.name):
                late = Where(f"{name} > ?", (chocolate.instance.stamp(),))
                assert store.count(table.name, late) == 0, table.name


def test_the_customer_has_the_same_number_as_everywhere(chocolate: Simulator) -> None:
    store = chocolate.instance.store
    (row,) = store.select("customer_account", equals("number", SONNENSCHEIN.number))
    assert (row["sys_id"], row["name"]) == (STORY_CUSTOMER, SONNENSCHEIN.name)
    assert row["account_parent"]
    contacts = store.select("customer_contact", equals("account", STORY_CUSTOMER))
    assert "oezlem@sonnenschein.example" in {contact["email"] for contact in contacts}
    incidents = store.select("incident", equals("company", STORY_CUSTOMER))
    assert all(SONNENSCHEIN.number in incident["description"] for incident in incidents)
    assert len(incidents) == 2


def test_tickets_hang_together(chocolate: Simulator) -> None:
    store = chocolate.instance.store
    for table, prefix in (("incident", "INC"), ("problem", "PRB"), ("change_request", "CHG"),
                          ("sc_req_item", "RITM"), ("kb_knowledge", "KB")):  # fmt: skip
        numbers = {row["number"] for row in store.select(table, Where())}
        assert len(numbers) == store.count(table) > 30
        assert all(number.startswith(prefix) for number in numbers)
    elements = {row["element"] for row in store.select("sys_journal_field", Where())}
    assert elements == {"comments", "work_notes"}
    assert store.count("sc_item_option_mtom") == 2 * store.count("sc_req_item")


def test_attachments_have_the_bytes_that_their_rows_promise(chocolate: Simulator) -> None:
    client = Client(chocolate, BACKUP)
    rows = client("GET", "attachment", auth=(BACKUP, PASSWORD)).json()["result"]
    assert len(rows) == 200
    for row in rows[::9]:
        path = f"attachment/{row['sys_id']}/file"
        content = client("GET", path, auth=(BACKUP, PASSWORD)).content
        assert str(len(content)) == row["size_bytes"]
        assert hashlib.sha256(content).hexdigest() == row["hash"]
    assert STORY_INCIDENT in {row["table_sys_id"] for row in rows}


def test_users_sign_in_with_what_the_ready_line_shows(chocolate: Simulator) -> None:
    facts = chocolate.facts()
    assert facts["users"][0]["name"] == BACKUP
    client = Client(chocolate, NARROW)
    answer = client("GET", "table/u_credential", auth=(NARROW, PASSWORD))
    assert answer.json() == {"result": []}


def test_rows_move_with_the_opening() -> None:
    later = build(InstanceOptions(opens=OPENING + timedelta(days=7)), base_url=BASE)
    row = later.instance.store.get("incident", STORY_INCIDENT)
    assert row is not None
    assert row["opened_at"] == "2026-11-01 06:00:00"
    later.close()


def test_the_default_opening_is_some_weeks_ago() -> None:
    sim = build(
        InstanceOptions(), base_url=BASE, wall_clock=lambda: datetime(2026, 12, 24, tzinfo=UTC)
    )
    now = sim.instance.clock.now()
    assert (now - MONDAY) % timedelta(weeks=1) == timedelta()
    assert timedelta(weeks=4) <= datetime(2026, 12, 24, tzinfo=UTC) - now < timedelta(weeks=5)
    sim.close()


def test_domains_split_the_incidents() -> None:
    sim = build(InstanceOptions(scenario="chocolate:domains"), base_url=BASE)
    client = Client(sim, BACKUP)
    auth = (BACKUP, PASSWORD)
    some = client("GET", "stats/incident?sysparm_count=true", auth=auth).json()
    every = client(
        "GET", "stats/incident?sysparm_count=true&sysparm_query_no_domain=true", auth=auth
    ).json()
    counts = [int(each["result"]["stats"]["count"]) for each in (some, every)]
    assert 0 < counts[0] < counts[1] == 403
    sim.close()


def test_acts_of_the_story(fresh: Client) -> None:
    store = fresh.instance.store
    assert fresh.admin("story/ordinary-day") == {"updated": 1, "inserted": 2}
    assert fresh.admin("story/overwrite-groups")["updated"] > 50
    assert fresh.admin("story/delete-incidents") == {"deleted": 2}
    assert store.get("incident", STORY_INCIDENT) is None
    assert store.count("sys_audit_delete", equals("tablename", "incident")) == 2


def test_a_hundred_thousand_rows() -> None:
    sim = build(InstanceOptions(scale=20), base_url=BASE)
    schema, store = sim.instance.schema, sim.instance.store
    roots = {schema.root(table.name) for table in schema.tables()}
    assert sum(store.count(root) for root in roots) >= 100_000
    sim.close()
