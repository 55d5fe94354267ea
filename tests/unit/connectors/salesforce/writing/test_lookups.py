"""What the write user sees: live records by key and by id, of one table or of several."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fakes.salesforce import field, id_of, row
from fakes.wire import error_answer, json_answer
from unit.connectors.salesforce.writing.writable import Org
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.writing import lookups
from unlost.kit.http import AnswerTooLarge
from unlost.model.errors import Conflict
from unlost.model.source.writing import RecordQuery, ReferrerQuery


@pytest.fixture
def org() -> Org:
    return Org()


def test_live_records_are_found_by_a_key(org: Org) -> None:
    org.rows["Account"] = [
        row(id_of("001", 1), Code__c="ABC"),
        row(id_of("001", 2), Code__c="other"),
    ]
    scripted = json_answer(
        {"done": True, "records": [{"Id": id_of("001", 1), "Code__c": "ABC"},
                                   {"Id": id_of("001", 9), "Code__c": "never asked"}]}
    )  # fmt: skip
    org.wire.on("GET", r"Code__c\+IN", scripted)
    with org.writer() as writer:
        found = writer.find(org.shape("Account"), ("Code__c",), [("abc",), ("none",)])
    assert found == {("abc",): id_of("001", 1)}


def test_columns_that_tell_case_apart_are_believed(org: Org) -> None:
    """Once two records whose keys differ in case alone were taken for one key held twice."""
    org.rows["Account"] = [
        row(id_of("001", n), Code__c=code) for n, code in enumerate(("ab", "AB"))
    ]
    with org.writer() as writer:
        found = writer.find(org.shape("Account"), ("Code__c",), [("ab",), ("AB",)])
    assert found == {("ab",): id_of("001", 0), ("AB",): id_of("001", 1)}


def test_numbers_are_compared_by_their_size(org: Org) -> None:
    answer = json_answer({"done": True, "records": [{"Id": id_of("001", 1), "Size": 1.5}]})
    org.wire.on("GET", r"Size\+IN", answer)
    with org.writer() as writer:
        found = writer.find(org.shape("Account"), ("Size",), [("1.50",), ("many",)])
    assert found == {("1.50",): id_of("001", 1)}
    (call,) = org.wire.made("GET", r"Size\+IN")
    assert "1.50" in str(call.url)
    assert "%271.50" not in str(call.url)


def test_a_key_that_two_records_share_is_no_key(org: Org) -> None:
    org.rows["Account"] = [row(id_of("001", n), Code__c="same") for n in range(2)]
    with org.writer() as writer, pytest.raises(Conflict) as caught:
        writer.find(org.shape("Account"), ("Code__c",), [("same",)])
    assert caught.value.code == "key-not-unique"


def test_live_records_are_fetched_with_the_columns_that_the_org_has(org: Org) -> None:
    org.rows["Account"] = [row(id_of("001", n), Name=f"N{n}") for n in range(3)]
    ids = [id_of("001", n) for n in (0, 2, 7)]
    with org.writer() as writer:
        found = writer.fetch(org.shape("Account"), ids, columns=["Id", "Name", "Gone__c"])
        bare = writer.fetch(org.shape("Account"), ids, columns=[])
    assert found.ids.to_pylist() == [ids[0], ids[1]]
    assert found.cells is not None
    assert found.cells.to_pydict() == {"Id": ids[:2], "Name": ["N0", "N2"]}
    assert (bare.ids.to_pylist(), bare.cells) == (ids[:2], None)


def test_live_records_are_fetched_by_queries_where_they_cannot_be_retrieved(org: Org) -> None:
    org.wire.on("POST", r"/composite/sobjects/Account$", error_answer("NOT_FOUND", "no", 404))
    org.rows["Account"] = [row(id_of("001", n), Name=f"N{n}") for n in range(450)]
    ids = [id_of("001", n) for n in range(450)]
    with org.writer() as writer:
        found = writer.fetch(org.shape("Account"), [*ids, id_of("001", 999)], columns=["Name"])
    assert sorted(found.ids.to_pylist()) == sorted(ids)


def test_archived_activities_are_live(org: Org) -> None:
    """An old task came out of the bin, and the run took it for missing."""
    org.add("Task", field("Subject"), field("IsArchived", "boolean"))
    org.rows["Task"] = [row(id_of("00T", n), Subject=f"T{n}", IsArchived=True) for n in range(2)]
    org.rows["Task"][1]["IsDeleted"] = True
    ids = [id_of("00T", n) for n in range(2)]
    with org.writer() as writer:
        found = writer.fetch(org.shape("Task"), ids, columns=["Subject"])
        named = writer.find(org.shape("Task"), ("Subject",), [("T0",), ("T1",)])
    assert found.ids.to_pylist() == ids[:1]
    assert named == {("T0",): ids[0]}
    assert org.wire.made("GET", r"/query/") == []


def test_what_a_retrieve_does_not_tell_of_archived_records_is_asked_for(org: Org) -> None:
    org.add("Task", field("Subject"), field("IsArchived", "boolean"))
    org.rows["Task"] = [row(id_of("00T", n), Subject=f"T{n}", IsArchived=n > 0) for n in range(3)]
    ids = [id_of("00T", n) for n in range(3)]
    only = [{"Id": ids[0], "Subject": "T0"}, None, None]
    org.wire.on("POST", r"/composite/sobjects/Task$", json_answer(only))
    with org.writer() as writer:
        found = writer.fetch(org.shape("Task"), ids, columns=["Subject"])
    assert found.ids.to_pylist() == ids
    assert len(org.wire.made("GET", r"/queryAll/")) == 1


class Shelf:
    """Seven tables with a record each, looked at together."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.names = [f"T{n}__c" for n in range(7)]
        self.ids = [id_of(f"a0{n}", n) for n in range(7)]
        for name, record in zip(self.names, self.ids, strict=True):
            org.add(name, field("Name"))
            org.rows[name] = [row(record, Name=name)]

    def look(self) -> list[list[dict[str, str]]]:
        shapes = map(self.org.shape, self.names)
        wanted = [
            RecordQuery(shape, [record], ["Name", "Gone__c"])
            for shape, record in zip(shapes, self.ids, strict=True)
        ]
        with self.org.writer() as writer:
            writer.prepare([one.table for one in wanted])
            found = writer.fetch_several(wanted)
        return [rows.cells.to_pylist() for rows in found if rows.cells is not None]

    def composites(self) -> list[list[str]]:
        calls = self.org.wire.made("POST", r"/composite$")
        asked = [json.loads(one.content)["compositeRequest"] for one in calls]
        return [[one["url"].rsplit("/", 1)[1] for one in call] for call in asked]


def test_records_of_several_tables_are_fetched_in_few_calls(org: Org) -> None:
    shelf = Shelf(org)
    assert shelf.look() == [[{"Name": name}] for name in shelf.names]
    assert shelf.composites() == [shelf.names[:5], shelf.names[5:]]


def test_a_table_that_refuses_among_several_is_asked_alone(org: Org) -> None:
    shelf = Shelf(org)
    refused = error_answer("NOT_FOUND", "no", 404)
    org.wire.on("POST", r"/composite/sobjects/T3__c$", refused)
    assert shelf.look() == [[{"Name": name}] for name in shelf.names]
    assert len(org.wire.made("GET", r"FROM\+T3__c")) == 1


@pytest.mark.parametrize(("code", "status"), [("INVALID_TYPE", 400), ("UNKNOWN_EXCEPTION", 500)])
def test_an_org_that_takes_no_retrieves_together_gets_them_one_by_one(
    org: Org, code: str, status: int
) -> None:
    shelf = Shelf(org)
    org.wire.on("POST", r"/composite$", error_answer(code, "no", status))
    assert shelf.look() == [[{"Name": name}] for name in shelf.names]


def test_records_with_long_texts_are_not_fetched_together(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(org)
    shape = org.shape(shelf.names[0]).column("Name")
    assert shape is not None
    monkeypatch.setattr(lookups, "LONGEST_ANSWER", 2 * max(1, shape.length))
    assert shelf.look() == [[{"Name": name}] for name in shelf.names]
    assert shelf.composites() == [shelf.names[:2], shelf.names[2:4], shelf.names[4:6]]


def test_records_that_are_known_to_be_short_are_fetched_together(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts may have 300 characters; by their copies they have far fewer."""
    monkeypatch.setattr(lookups, "LONGEST_ANSWER", 1_000)
    org.add("Account", field("Story", length=300))
    every = [id_of("001", n) for n in range(7)]
    org.rows["Account"] = [row(record, Story="x") for record in every]
    query = RecordQuery(org.shape("Account"), every, ["Story"])
    with org.writer() as writer:
        for size in (0, 7, 7_000):
            (rows,) = writer.fetch_several([replace(query, size=size)])
            assert rows.ids.to_pylist() == every
    sizes = [
        len(json.loads(call.content)["ids"])
        for call in org.wire.made("POST", r"/composite/sobjects/Account")
    ]
    assert sizes == [3, 3, 1, 7, 3, 3, 1]


def test_records_that_grew_since_their_copy_are_fetched_in_halves(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SalesforceApi.post_json

    def limited(api: SalesforceApi, path: str, value: Any, kind: Any) -> Any:
        if len(value.get("ids", ())) > 2:
            raise AnswerTooLarge("more than fits")
        return real(api, path, value, kind)

    monkeypatch.setattr(SalesforceApi, "post_json", limited)
    org.add("Account", field("Name"))
    every = [id_of("001", n) for n in range(5)]
    org.rows["Account"] = [row(record, Name=record) for record in every]
    with org.writer() as writer:
        (rows,) = writer.fetch_several([RecordQuery(org.shape("Account"), every, ["Name"], size=5)])
    assert rows.ids.to_pylist() == every
    assert rows.cells is not None
    assert rows.cells["Name"].to_pylist() == every


def test_lists_that_no_query_gives_are_not_asked_for(org: Org) -> None:
    org.add("EmailMessage", field("Subject"), field("ToIds"))
    org.rows["EmailMessage"] = [row(id_of("02s", 1), Subject="Hello")]
    with org.writer() as writer:
        found = writer.fetch(
            org.shape("EmailMessage"), [id_of("02s", 1)], columns=["Subject", "ToIds"]
        )
    assert found.cells is not None
    assert found.cells.schema.names == ["Subject"]


def test_derived_shares_are_neither_found_nor_refer_to_records(org: Org) -> None:
    """An owner's share would keep an account from being deleted, and stand for a manual one."""
    org.add("AccountShare", field("AccountId"), field("UserOrGroupId"), field("RowCause"))
    answer = json_answer({"done": True, "records": [], "totalSize": 0})
    org.wire.on("GET", r"FROM\+AccountShare", answer)
    table, account = org.shape("AccountShare"), id_of("001", 1)
    with org.writer() as writer:
        assert writer.find(table, ("AccountId", "UserOrGroupId"), [(account, "u")]) == {}
        (rows,) = writer.referrers([ReferrerQuery(table, "AccountId", [account])])
    assert rows is not None
    calls = org.wire.made("GET", r"FROM\+AccountShare")
    assert len(calls) == 2
    assert all("RowCause" in call.url.params["q"].split("WHERE")[1] for call in calls)
    assert all("= 'Manual'" in call.url.params["q"] for call in calls)


def test_no_query_for_referring_records_needs_no_call(org: Org) -> None:
    """A plan of records without references asked for none, and failed."""
    with org.writer() as writer:
        table = org.shape("Account")
        assert writer.referrers([]) == []
        (rows,) = writer.referrers([ReferrerQuery(table, "ParentId", [])])
    assert rows is not None
    assert len(rows) == 0
