"""Tasks and events: the relations that the platform writes by itself."""

from collections.abc import Iterator

import pytest

from simulators.salesforce.writing.chocolate_org import admin, empty_org, rows
from simulators.salesforce.writing.record_writer import RecordWriter, errors
from unlost_simulators.salesforce.org import Org


@pytest.fixture(scope="module")
def bare() -> Iterator[Org]:
    made = empty_org()
    yield made
    made.close()


@pytest.fixture
def maker(bare: Org) -> RecordWriter:
    return admin(bare)


@pytest.fixture
def shop(maker: RecordWriter) -> str:
    return maker.made("Account", {"Name": "Shop"})[0]


@pytest.fixture
def people(maker: RecordWriter, shop: str) -> list[str]:
    return maker.made("Contact", *({"LastName": one, "AccountId": shop} for one in "abc"))


def related(maker: RecordWriter, name: str, column: str, key: str) -> dict[object, object]:
    return {one["RelationId"]: one["IsWhat"] for one in rows(maker, name, column, key)}


def test_a_task_relates_its_person_and_its_record(
    maker: RecordWriter, shop: str, people: list[str]
) -> None:
    cells = {"Subject": "Call", "Status": "Not Started", "Priority": "Normal"}
    full, empty = maker.made("Task", {**cells, "WhoId": people[0], "WhatId": shop}, cells)
    assert related(maker, "TaskRelation", "TaskId", full) == {people[0]: False, shop: True}
    assert related(maker, "TaskRelation", "TaskId", empty) == {}
    further = {"TaskId": full, "RelationId": people[1]}
    assert maker.create("TaskRelation", further)[0].success
    assert maker.update("Task", {"Id": full, "WhoId": people[2], "WhatId": None})[0].success
    assert related(maker, "TaskRelation", "TaskId", full) == {people[1]: False, people[2]: False}
    assert maker.update("Task", {"Id": full, "Status": "Completed"})[0].success
    assert maker.row("Task", full)["IsClosed"] is True
    assert len(related(maker, "TaskRelation", "TaskId", full)) == 2


def test_an_event_keeps_its_invitees(maker: RecordWriter, shop: str, people: list[str]) -> None:
    cells = {"Subject": "Visit", "WhoId": people[0], "WhatId": shop, "DurationInMinutes": 30}
    (key,) = maker.made("Event", cells)
    assert related(maker, "EventRelation", "EventId", key) == {people[0]: False}
    guest = {"EventId": key, "RelationId": people[0], "IsInvitee": True, "Status": "New"}
    assert maker.create("EventRelation", guest)[0].success
    assert maker.update("Event", {"Id": key, "WhoId": people[1]})[0].success
    found = rows(maker, "EventRelation", "EventId", key)
    assert {(one["RelationId"], one["IsInvitee"], one["IsParent"]) for one in found} == {
        (people[0], True, False),
        (people[1], False, True),
    }


def test_the_record_of_an_activity_is_not_sent_by_hand(
    maker: RecordWriter, shop: str, people: list[str]
) -> None:
    (key,) = maker.made("Task", {"Subject": "x", "Status": "Completed", "Priority": "Low"})
    what, who = maker.create(
        "TaskRelation",
        {"TaskId": key, "RelationId": shop},
        {"TaskId": key, "RelationId": people[0]},
    )
    assert errors(what)[0][1] == "RelationId must be a contact or lead when isWhat is false"
    assert who.success


def test_the_direct_relation_of_a_contact_is_not_sent_by_hand(
    maker: RecordWriter, shop: str, people: list[str]
) -> None:
    (result,) = maker.create("AccountContactRelation", {"AccountId": shop, "ContactId": people[0]})
    text = "This contact already has a relationship with this account."
    assert errors(result) == [("DUPLICATE_VALUE", text, [])]
    flagged = {"AccountId": shop, "ContactId": people[1], "IsDirect": True}
    assert errors(maker.create("AccountContactRelation", flagged)[0])[0][2] == ["IsDirect"]
