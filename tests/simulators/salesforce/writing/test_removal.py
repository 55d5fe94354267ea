"""Deletes, undeletes and the emptying of the bin, row by row."""

from datetime import timedelta

from simulators.salesforce.writing.record_writer import CLERK_ID, RecordWriter, code, errors
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import RowResult, Verb

NOT_IN_BIN = [("UNDELETE_FAILED", "Entity is not in the recycle bin", [])]
NO_ENTRY = [("INVALID_ID_FIELD", "invalid record id; no recycle bin entry found", [])]


def test_each_row_is_deleted_or_says_why_not(writer: RecordWriter, org: Org) -> None:
    held, free, gone = writer.made("Account", {"Name": "a"}, {"Name": "b"}, {"Name": "c"})
    writer.made("Contact", {"LastName": "x", "AccountId": free})
    cases = writer.made("Case", {"AccountId": held}, {"AccountId": held})
    writer.delete("Account", gone)
    results = writer.delete(
        "Account", held, "junk", free[:15], gone, "001Dn0000000009IAA", CLERK_ID
    )
    numbers = [writer.row("Case", case)["CaseNumber"] for case in cases]
    text = (
        "Your attempt to delete a could not be completed because it is associated with the "
        f"following cases.: {numbers[0]}, {numbers[1]}\n"
    )
    assert [errors(one) for one in results] == [
        [("DELETE_FAILED", text, [])],
        [("MALFORMED_ID", "malformed id junk", [])],
        [],
        [("ENTITY_IS_DELETED", "entity is deleted", [])],
        [("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])],
        [("MALFORMED_ID", f"malformed id {CLERK_ID}", [])],
    ]
    assert results[2] == RowResult(free, success=True)
    assert (org.holds("Account").live, org.holds("Contact").deleted) == (1, 1)


def test_a_delete_without_an_id(writer: RecordWriter) -> None:
    (result,) = writer.write(Verb.DELETE, "Account", {"Name": "a"})
    assert code(result) == "MISSING_ARGUMENT"


def test_a_freed_row_goes_in_the_next_round(writer: RecordWriter) -> None:
    """What hangs on a row that stays does not go, and may hold another row fast."""
    one, two = writer.made("Account", {"Name": "1"}, {"Name": "2"})
    writer.made("Case", {"AccountId": one})
    writer.made("Contact", {"LastName": "c", "AccountId": two})
    results = writer.delete("Account", one, two)
    assert [code(each) for each in results] == ["DELETE_FAILED", "ok"]


def test_a_cascade_that_is_too_large(writer: RecordWriter, org: Org) -> None:
    org.configure(most_cascaded=2)
    big, small = writer.made("Account", {"Name": "1"}, {"Name": "2"})
    writer.made("Contact", *({"LastName": str(n), "AccountId": big} for n in range(3)))
    results = writer.delete("Account", big, small)
    assert [code(each) for each in results] == ["DELETE_OPERATION_TOO_LARGE", "ok"]


def test_rows_that_cannot_be_undeleted_vanish(writer: RecordWriter, org: Org) -> None:
    (case,) = writer.made("Case", {})
    (line,) = writer.made("OpportunityLineItem", {"Case__c": case})
    (result,) = writer.delete("OpportunityLineItem", line)
    assert result.success
    assert org.holds("OpportunityLineItem").deleted == 0
    (result,) = writer.undelete("OpportunityLineItem", line)
    assert errors(result) == NOT_IN_BIN


def test_undelete_brings_back_what_went_along(writer: RecordWriter, org: Org) -> None:
    (account,) = writer.made("Account", {"Name": "a"})
    (child,) = writer.made("Account", {"Name": "b", "ParentId": account})
    (contact,) = writer.made("Contact", {"LastName": "c", "AccountId": account})
    writer.delete("Account", account)
    assert writer.row("Account", child)["ParentId"] is None
    org.clock.advance(timedelta(hours=1))
    refused, back, alive = (
        writer.undelete("Contact", contact)[0],
        writer.undelete("Account", account)[0],
        writer.undelete("Account", child)[0],
    )
    assert errors(refused) == NOT_IN_BIN, "it went by cascade"
    assert back == RowResult(account, success=True)
    assert errors(alive) == NOT_IN_BIN
    assert writer.row("Account", child)["ParentId"] == account
    row = writer.row("Contact", contact)
    assert row["IsDeleted"] is False
    assert row["SystemModstamp"] > row["LastModifiedDate"]


def test_a_detail_that_was_deleted_before_its_master_is_lost(writer: RecordWriter) -> None:
    (case,) = writer.made("Case", {})
    first, second = writer.made("Score__c", {"Case__c": case}, {"Case__c": case})
    writer.delete("Score__c", first)
    writer.delete("Case", case)
    assert errors(writer.undelete("Score__c", first)[0]) == NOT_IN_BIN
    assert writer.undelete("Case", case)[0].success
    assert writer.row("Score__c", second)["IsDeleted"] is False
    assert writer.row("Score__c", first)["IsDeleted"] is True


def test_undelete_of_what_is_no_id(writer: RecordWriter) -> None:
    assert errors(writer.undelete("Account", "junk")[0]) == [
        ("MALFORMED_ID", "malformed id junk", [])
    ]


def test_emptying_the_bin(writer: RecordWriter, org: Org) -> None:
    one, two, alive = writer.made("Account", {"Name": "a"}, {"Name": "b"}, {"Name": "c"})
    (contact,) = writer.made("Contact", {"LastName": "c", "AccountId": one})
    writer.delete("Account", one, two)
    results = writer.write(Verb.EMPTY_BIN, "Account", {"Id": one}, {"Id": alive})
    assert [errors(each) for each in results] == [[], NO_ENTRY]
    assert org.holds("Account").deleted == 1
    assert org.holds("Contact").deleted == 0
    (result,) = writer.write(Verb.EMPTY_BIN, "Contact", {"Id": contact})
    assert errors(result) == NO_ENTRY
    assert errors(writer.undelete("Account", one)[0]) == NOT_IN_BIN
    assert writer.undelete("Account", two)[0].success


def test_many_rows_go_at_once(writer: RecordWriter, org: Org) -> None:
    keys = writer.made("Account", *({"Name": f"n{n}"} for n in range(500)))
    assert all(one.success for one in writer.delete("Account", *keys))
    assert all(one.success for one in writer.undelete("Account", *keys))
    assert org.holds("Account").live == 500
