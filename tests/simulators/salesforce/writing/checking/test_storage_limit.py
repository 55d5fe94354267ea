"""Storage that ends: which rows still go in, and what deletes give back."""

from simulators.salesforce.writing.record_writer import RecordWriter, code
from unlost_simulators.salesforce.org import Org

MIB = 1024 * 1024


def full_at(org: Org, rows: int) -> None:
    """Let the storage of one megabyte stop after so many rows of 2 KB."""
    org.configure(data_storage_mb=1, storage_stop_percent=100)
    org.change_object("Account", storage_bytes=MIB // rows)


def test_rows_go_in_until_there_is_no_room(writer: RecordWriter, org: Org) -> None:
    full_at(org, 4)
    results = writer.create("Account", *({"Name": str(n)} for n in range(6)))
    assert [code(one) for one in results] == ["ok"] * 4 + ["STORAGE_LIMIT_EXCEEDED"] * 2
    assert results[5].errors[0].message == "storage limit exceeded"
    (result,) = writer.create("Contact", {"LastName": "x"})
    assert code(result) == "STORAGE_LIMIT_EXCEEDED", "what counts shares the room"
    assert writer.made("Attachment", {"Name": "a", "Body": b"x"}), "files have room of their own"


def test_refused_rows_take_no_room(writer: RecordWriter, org: Org) -> None:
    full_at(org, 2)
    results = writer.create("Account", {"Name": "a"}, {}, {"Name": "b"}, {"Name": "c"})
    assert [code(one) for one in results] == [
        "ok", "REQUIRED_FIELD_MISSING", "ok", "STORAGE_LIMIT_EXCEEDED",
    ]  # fmt: skip


def test_changes_go_on_and_deletes_make_room(writer: RecordWriter, org: Org) -> None:
    full_at(org, 2)
    one, two = writer.made("Account", {"Name": "a"}, {"Name": "b"})
    assert writer.update("Account", {"Id": one, "Phone": "1"})[0].success
    assert writer.delete("Account", one)[0].success
    (result,) = writer.create("Account", {"Name": "c"})
    assert result.success
    (result,) = writer.undelete("Account", one)
    assert code(result) == "STORAGE_LIMIT_EXCEEDED"
    writer.delete("Account", two)
    assert writer.undelete("Account", one)[0].success


def test_upserts_stop_where_they_insert(writer: RecordWriter, org: Org) -> None:
    full_at(org, 1)
    writer.made("Account", {"Name": "a", "Number__c": "1"})
    rows = [{"Number__c": one, "Name": "b"} for one in ("1", "2")]
    results = writer.upsert("Account", *rows, external_id="Number__c")
    assert [code(one) for one in results] == ["ok", "STORAGE_LIMIT_EXCEEDED"]


def test_rows_of_different_sizes(writer: RecordWriter, org: Org) -> None:
    org.configure(data_storage_mb=1, storage_stop_percent=100)
    org.change_object("Account", storage_sql="strlen({Notes__c}) * 1024")
    rows = [{"Name": "a", "Notes__c": "x" * size} for size in (600, 500, 1)]
    results = writer.create("Account", *rows)
    assert [code(one) for one in results] == ["ok", "ok", "STORAGE_LIMIT_EXCEEDED"]


def test_files_fill_file_storage(writer: RecordWriter, org: Org) -> None:
    org.configure(file_storage_mb=1, storage_stop_percent=100)
    body = bytes(600_000)
    rows = [{"Name": "a", "Body": body, "BodyLength": len(body)}] * 3
    results = writer.create("Attachment", *rows)
    assert [code(one) for one in results] == ["ok", "ok", "STORAGE_LIMIT_EXCEEDED"]
    (result,) = writer.create("Attachment", {"Name": "b", "Body": b"x"})
    assert code(result) == "STORAGE_LIMIT_EXCEEDED"


def test_what_costs_nothing_goes_on(writer: RecordWriter, org: Org) -> None:
    full_at(org, 1)
    writer.made("Account", {"Name": "a"})
    assert writer.made("OpportunityLineItem", {})
