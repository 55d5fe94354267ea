"""Unique fields and duplicate rules."""

import pytest

from simulators.salesforce.writing.record_writer import RecordWriter, code, errors
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import DuplicateHeader
from unlost_simulators.salesforce.writing.rules import DuplicateRule, Moment


def taken(field: str, holder: str) -> list[tuple[str, str, list[str]]]:
    text = f"duplicate value found: {field} duplicates value on record with id: {holder}"
    return [("DUPLICATE_VALUE", text, [])]


def test_a_value_that_another_record_has(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "C1"})
    (other,) = writer.made("Account", {"Name": "b"})
    (result,) = writer.create("Account", {"Name": "c", "Number__c": "c1"})
    assert errors(result) == taken("Number__c", key[:15])
    (result,) = writer.update("Account", {"Id": other, "Number__c": "C1"})
    assert errors(result) == taken("Number__c", key[:15])
    (result,) = writer.update("Account", {"Id": key, "Number__c": "C1"})
    assert result.success, "its own value"


def test_a_value_twice_in_a_request(writer: RecordWriter) -> None:
    rows = [{"Name": one, "Number__c": value} for one, value in ("aX", "bx", "cY", "d ")]
    results = writer.create("Account", *rows)
    assert [code(one) for one in results] == ["ok", "DUPLICATE_VALUE", "ok", "ok"]
    assert errors(results[1]) == taken("Number__c", "<unknown>")


def test_case_counts_only_where_the_field_minds_it(writer: RecordWriter) -> None:
    results = writer.create(
        "Account", *({"Name": "a", "Key__c": key, "Tag__c": "t"} for key in ("k", "K", "k"))
    )
    assert [code(one) for one in results] == ["ok", "ok", "DUPLICATE_VALUE"]


def test_deleted_records_give_their_values_free(writer: RecordWriter) -> None:
    (key,) = writer.made("Account", {"Name": "a", "Number__c": "1"})
    writer.delete("Account", key)
    (new,) = writer.made("Account", {"Name": "b", "Number__c": "1"})
    (result,) = writer.undelete("Account", key)
    assert errors(result) == taken("Number__c", new[:15])


def test_a_value_may_move_within_a_request(writer: RecordWriter) -> None:
    one, two = writer.made("Account", {"Name": "a", "Number__c": "1"}, {"Name": "b"})
    results = writer.update(
        "Account", {"Id": one, "Number__c": None}, {"Id": two, "Number__c": "1"}
    )
    assert [code(each) for each in results] == ["ok", "ok"]


# -- duplicate rules


@pytest.fixture
def rule(org: Org) -> DuplicateRule:
    made = DuplicateRule("Account", ("Name", "Phone"), name="Same_Shop")
    org.planted.plant(made)
    return made


def test_a_duplicate_is_found(writer: RecordWriter, org: Org, rule: DuplicateRule) -> None:
    (key,) = writer.made("Account", {"Name": "Praline", "Phone": "1"})
    found, other, nobody = writer.create(
        "Account", {"Name": "PRALINE", "Phone": "1"}, {"Name": "Praline", "Phone": "2"},
        {"Name": "Praline"},
    )  # fmt: skip
    assert errors(found) == [("DUPLICATES_DETECTED", "Use one of these records?", [])]
    assert other.success
    assert nobody.success
    detail = found.errors[0].detail
    assert detail is not None
    (match,) = detail["matchResults"]
    assert (detail["allowSave"], detail["duplicateRule"], match["size"]) == (True, "Same_Shop", 1)
    assert match["matchRecords"][0]["record"]["Id"] == key
    assert org.planted.unhit() == []


def test_the_header_saves_duplicates_that_are_only_warned_of(
    writer: RecordWriter, org: Org, rule: DuplicateRule
) -> None:
    writer.made("Account", {"Name": "Praline", "Phone": "1"})
    save = DuplicateHeader(allow_save=True)
    row = {"Name": "Praline", "Phone": "1"}
    assert writer.made("Account", row, duplicates=save)
    org.planted.plant(DuplicateRule("Account", ("Name",), allow_save=False))
    (result,) = writer.create("Account", row, duplicates=save)
    assert code(result) == "DUPLICATES_DETECTED"


def test_duplicates_of_an_update(writer: RecordWriter, org: Org) -> None:
    org.planted.plant(DuplicateRule("Account", ("Name",), on=frozenset({Moment.UPDATE})))
    one, two = writer.made("Account", {"Name": "a"}, {"Name": "a"})
    (result,) = writer.update("Account", {"Id": two, "Name": "A"})
    assert code(result) == "DUPLICATES_DETECTED"
    (result,) = writer.update("Account", {"Id": one, "Name": "b"})
    assert result.success
