"""Requests are carried out as sets: more rows are no more statements, and mixed objects in turn."""

from collections import Counter
from typing import Any

import duckdb
import pytest

from simulators.salesforce.writing.record_writer import ALL, CLERK_ID, RecordWriter, code, errors
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.store import database
from unlost_simulators.salesforce.writing import typed
from unlost_simulators.salesforce.writing.request import AllOrNone, Verb, WriteOptions
from unlost_simulators.salesforce.writing.typed import TypedRow


class Counting:
    """A cursor that counts its statements."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, counts: Counter[str]) -> None:
        self._cursor = cursor
        self._counts = counts

    def execute(self, *args: Any) -> Any:
        self._counts["statements"] += 1
        return self._cursor.execute(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    counted: Counter[str] = Counter()
    plain = database.Database.cursor

    def cursor(self: database.Database) -> Any:
        return Counting(plain(self), counted)

    monkeypatch.setattr(database.Database, "cursor", cursor)
    return counted


def wide(parent: str, first: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "Name": f"n{n}",
            "ParentId": parent,
            "Number__c": f"N{n}",
            "Key__c": f"k{n}",
            "AnnualRevenue": 12.5,
            "Since__c": "2026-01-01",
            "OwnerId": CLERK_ID,
        }
        for n in range(first, first + count)
    ]


def test_more_rows_are_no_more_statements(writer: RecordWriter, counts: Counter[str]) -> None:
    (parent,) = writer.made("Account", {"Name": "top"})
    spent = {}
    for size in (1, 2, 2000):  # the first one learns who the owner is
        counts.clear()
        keys = writer.made("Account", *wide(parent, size, size))
        created = counts.pop("statements")
        results = writer.update("Account", *({"Id": key, "Name": f"m{key}"} for key in keys))
        assert all(one.success for one in results)
        updated = counts.pop("statements")
        rows = [{**one, "OwnerId": writer.user.id} for one in wide(parent, size, size)]
        assert all(one.success for one in writer.upsert("Account", *rows, external_id="Number__c"))
        upserted = counts.pop("statements")
        assert all(one.success for one in writer.delete("Account", *keys))
        spent[size] = (created, updated, upserted, counts.pop("statements"))
    assert spent[2] == spent[2000]


# -- rows of several objects


def write(writer: RecordWriter, verb: Verb, *rows: TypedRow, together: bool = False) -> list[Any]:
    options = WriteOptions(all_or_none=ALL if together else AllOrNone.EACH)
    return typed.write_typed(writer.org, writer.user, verb, rows, options)


def test_rows_of_several_objects(writer: RecordWriter) -> None:
    results = write(
        writer,
        Verb.CREATE,
        TypedRow("Account", {"Name": "a"}),
        TypedRow("account", {}),
        TypedRow("Contact", {"LastName": "c"}),
        TypedRow("Nothing", {"Name": "a"}),
        TypedRow("Account", {"Name": "b"}),
    )
    assert [code(one) for one in results] == [
        "ok", "REQUIRED_FIELD_MISSING", "ok", "INVALID_TYPE", "ok",
    ]  # fmt: skip
    assert errors(results[3])[0][1] == "sObject type 'Nothing' is not supported."


def test_all_or_none_over_several_objects(writer: RecordWriter) -> None:
    results = write(
        writer,
        Verb.CREATE,
        TypedRow("Account", {"Name": "a"}),
        TypedRow("Contact", {}),
        TypedRow("Account", {"Name": "b"}),
        together=True,
    )
    rolled = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert [code(one) for one in results] == [rolled, "REQUIRED_FIELD_MISSING", rolled]
    assert writer.live("Account") == 0
    results = write(writer, Verb.CREATE, TypedRow("Account", {"Name": "a"}), together=True)
    assert results[0].success


def test_more_than_ten_chunks(writer: RecordWriter) -> None:
    rows = [
        TypedRow(("Account", "Contact")[n % 2], {"Name": "a", "LastName": "b"}) for n in range(11)
    ]
    with pytest.raises(SalesforceError, match="more than 10 chunks"):
        write(writer, Verb.CREATE, *rows)


MIXED = (
    "DML operation on setup object is not permitted after you have updated a non-setup object (or "
    "vice versa): {}, original object: {}"
)
USER = {"LastName": "n", "Username": "n@example.org"}


@pytest.mark.parametrize("together", [False, True])
def test_setup_objects_stay_apart(writer: RecordWriter, together: bool) -> None:
    account, user = TypedRow("Account", {"Name": "a"}), TypedRow("User", USER)
    for first, second in ((account, user), (user, account)):
        results = write(writer, Verb.CREATE, first, second, together=together)
        text = MIXED.format(second.object, first.object)
        assert errors(results[1]) == [("MIXED_DML_OPERATION", text, [])]
        assert results[0].success is not together


def test_setup_objects_stay_apart_in_one_transaction(writer: RecordWriter, org: Org) -> None:
    with org.store.transaction():
        writer.made("Account", {"Name": "a"})
        (result,) = writer.create("User", USER)
    assert errors(result) == [("MIXED_DML_OPERATION", MIXED.format("User", "Account"), [])]
    assert writer.made("User", USER)


def test_objects_by_ids(writer: RecordWriter, org: Org) -> None:
    (account,) = writer.made("Account", {"Name": "a"})
    (case,) = writer.made("Case", {})
    rows = typed.by_id(org, writer.user, [account, "junk", case[:15], "zzzDn0000000001AAA"])
    assert [one.object for one in rows] == ["Account", None, "Case", None]
    results = write(writer, Verb.DELETE, *rows)
    assert [code(one) for one in results] == [
        "ok", "MALFORMED_ID", "ok", "INVALID_CROSS_REFERENCE_KEY",
    ]  # fmt: skip
    rows = typed.by_id(org, writer.user, [account, "zzzDn0000000001AAA"])
    assert [code(one) for one in write(writer, Verb.UNDELETE, *rows)] == ["ok", "UNDELETE_FAILED"]
    nobody = typed.by_id(org, writer.user, ["zzzDn0000000001AAA"])
    assert code(write(writer, Verb.EMPTY_BIN, *nobody)[0]) == "INVALID_ID_FIELD"


def test_an_id_whose_prefix_two_objects_share(writer: RecordWriter, org: Org) -> None:
    org.change_object("Task", id_prefix="500", prefix="500")
    (case,) = writer.made("Case", {})
    (task,) = writer.made("Task", {})
    rows = typed.by_id(org, writer.user, [case, task, "500Dn0000000001AAA"])
    assert [one.object for one in rows] == ["Case", "Task", "Case"]
