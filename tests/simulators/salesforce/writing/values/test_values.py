"""Cells: what each kind of field takes over each channel, and the words of its refusal."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from simulators.salesforce.writing.record_writer import RecordWriter, errors
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing.request import Channel

TAIL = "or request may be missing a required field at [line:1, column:1]"


def naive(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("field", "sent", "stored"),
    [
        ("Name", "  Vogt\u00a0 ", "Vogt\u00a0"),
        ("Notes__c", "a\r\nb\nc", "a\r\nb\nc"),
        ("Notes__c", "x" * 131_072, "x" * 131_072),
        ("Notes__c", "NUL\x00 and \x07", "NUL\x00 and \x07"),
        ("Notes__c", "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("Notes__c", "NA", "NA"),
        ("Notes__c", "#N/A", "#N/A"),
        ("Notes__c", "🍫 チョコ", "🍫 チョコ"),
        ("Notes__c", "half \ud83c of a pair", "half \ufffd of a pair"),
        ("Notes__c", "", None),
        ("Notes__c", " \t\n", None),
        ("Notes__c", None, None),
        ("Phone", 32471, "32471"),
        ("Phone", True, "true"),
        ("Story__c", "<p>a</p>", "<p>a</p>"),
        ("Office__c", "Gent", "Gent"),
        ("Type", "Colonial", "Colonial"),
        ("Type", "Never heard of", "Never heard of"),
        ("Days__c", "Tue;Mon", "Tue;Mon"),
        ("AnnualRevenue", Decimal("50000.00"), Decimal("50000.00")),
        ("AnnualRevenue", Decimal("1.0E7"), Decimal("10000000.00")),
        ("AnnualRevenue", 12, Decimal("12.00")),
        ("AnnualRevenue", "12.345", Decimal("12.35")),
        ("Weight__c", Decimal("999999999999.123456"), Decimal("999999999999.123456")),
        ("Employees__c", 99_999_999, 99_999_999),
        ("Employees__c", -5, -5),
        ("Open__c", False, False),
        ("Open__c", None, True),
        ("Since__c", "2026-01-31", date(2026, 1, 31)),
        ("Since__c", "1700-01-01", date(1700, 1, 1)),
        ("Seen__c", "2026-05-01T07:25:37.000+0000", naive(2026, 5, 1, 7, 25, 37)),
        ("Seen__c", "2026-05-01T07:25:37.120Z", naive(2026, 5, 1, 7, 25, 37, 120_000)),
        ("Seen__c", "2026-05-01T07:25:37+02:00", naive(2026, 5, 1, 5, 25, 37)),
        ("Seen__c", "2026-05-01T07:25:37", naive(2026, 5, 1, 7, 25, 37)),
        ("Opens__c", "10:15:00.000Z", time(10, 15)),
        ("Mail__c", "ada.o'neil+x@chocolate.example", "ada.o'neil+x@chocolate.example"),
        ("BillingCity", "Gent", "Gent"),
    ],
)  # fmt: skip
def test_json_values_are_kept(writer: RecordWriter, field: str, sent: Any, stored: Any) -> None:
    (key,) = writer.made("Account", {"Name": "x", field: sent})
    assert writer.row("Account", key)[field] == stored


@pytest.mark.parametrize(
    ("field", "sent", "error"),
    [
        ("Since__c", "soon", ("date", "VALUE_STRING", "soon")),
        ("Since__c", "", ("date", "VALUE_STRING", "")),
        ("Since__c", 20, ("date", "VALUE_NUMBER_INT", "20")),
        ("Since__c", "2020-04-30T13:19:18+02:00",
         ("date", "VALUE_STRING", "2020-04-30T13:19:18+02:00")),
        ("Since__c", "2026-02-30", ("date", "VALUE_STRING", "2026-02-30")),
        ("Seen__c", "2017-10-17 00:00:00", ("datetime", "VALUE_STRING", "2017-10-17 00:00:00")),
        ("Seen__c", "2017-05-30T-06:00:00X", ("datetime", "VALUE_STRING", "2017-05-30T-06:00:00X")),
        ("Seen__c", "2017-10-17", ("datetime", "VALUE_STRING", "2017-10-17")),
        ("Seen__c", True, ("datetime", "VALUE_TRUE", "true")),
        ("Opens__c", "late", ("time", "VALUE_STRING", "late")),
        ("Open__c", "FALSE", ("boolean", "VALUE_STRING", "FALSE")),
        ("Open__c", 1, ("boolean", "VALUE_NUMBER_INT", "1")),
        ("AnnualRevenue", "lots", ("currency", "VALUE_STRING", "lots")),
        ("AnnualRevenue", "", ("currency", "VALUE_STRING", "")),
        ("AnnualRevenue", False, ("currency", "VALUE_FALSE", "false")),
        ("AnnualRevenue", "NaN", ("currency", "VALUE_STRING", "NaN")),
        ("Employees__c", "many", ("int", "VALUE_STRING", "many")),
        ("Employees__c", [1], ("int", "START_ARRAY", "[")),
        ("Weight__c", {}, ("double", "START_OBJECT", "{")),
        ("Phone", {"no": 1}, ("phone", "START_OBJECT", "{")),
        ("Phone", ["1"], ("phone", "START_ARRAY", "[")),
        ("Open__c", Decimal("0.5"), ("boolean", "VALUE_NUMBER_FLOAT", "0.5")),
    ],
)  # fmt: skip
def test_json_values_of_another_type(
    writer: RecordWriter, field: str, sent: Any, error: tuple[str, str, str]
) -> None:
    (result,) = writer.create("Account", {"Name": "x", field: sent})
    kind, token, shown = error
    text = f"Cannot deserialize instance of {kind} from {token} value {shown} {TAIL}"
    assert errors(result) == [("JSON_PARSER_ERROR", text, [])]
    assert writer.live("Account") == 0


LONG = "x" * 41


@pytest.mark.parametrize(
    ("field", "sent", "error"),
    [
        ("Name", LONG,
         ("STRING_TOO_LONG", f"Account Name: data value too large: {LONG} (max length=40)")),
        ("Office__c", "Ghent",
         ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
          "Office: bad value for restricted picklist field: Ghent")),
        ("Office__c", "Bruges",
         ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
          "Office: bad value for restricted picklist field: Bruges")),
        ("Days__c", "Mon;Sun",
         ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
          "Days: bad value for restricted picklist field: Sun")),
        ("AnnualRevenue", 100_000_000,
         ("NUMBER_OUTSIDE_VALID_RANGE",
          "Annual Revenue: value outside of valid range on numeric field: 100000000")),
        ("Employees__c", 1_431_655_766,
         ("NUMBER_OUTSIDE_VALID_RANGE",
          "Employees: value outside of valid range on numeric field: 1431655766")),
        ("Share__c", Decimal("1000.5"),
         ("NUMBER_OUTSIDE_VALID_RANGE",
          "Share: value outside of valid range on numeric field: 1000.5")),
        ("Mail__c", "not-an-email",
         ("INVALID_EMAIL_ADDRESS", "Mail: invalid email address: not-an-email")),
        ("Mail__c", "a@b", ("INVALID_EMAIL_ADDRESS", "Mail: invalid email address: a@b")),
        ("ParentId", "1234",
         ("MALFORMED_ID", "Parent Account ID: id value of incorrect type: 1234")),
        ("Since__c", "1699-12-31",
         ("FIELD_INTEGRITY_EXCEPTION", "Since: invalid date: 1699-12-31")),
        ("Seen__c", "4001-01-01T00:00:00Z",
         ("FIELD_INTEGRITY_EXCEPTION", "Seen: invalid date: 4001-01-01T00:00:00Z")),
    ],
)  # fmt: skip
def test_values_that_do_not_fit(
    writer: RecordWriter, field: str, sent: Any, error: tuple[str, str]
) -> None:
    (result,) = writer.create("Account", {"Name": "x", field: sent})
    assert errors(result) == [(*error, [field])]


@pytest.mark.parametrize(
    ("field", "cell", "stored"),
    [
        ("Phone", "", "old"),
        ("Phone", "#N/A", None),
        ("Phone", " kept apart ", "kept apart"),
        ("Open__c", "FALSE", False),
        ("Open__c", "0", False),
        ("Open__c", "1", True),
        ("Open__c", "#N/A", True),
        ("AnnualRevenue", "1.6E3", Decimal("1600.00")),
        ("Employees__c", "42", 42),
        ("Since__c", "2026-01-31", date(2026, 1, 31)),
        ("Seen__c", "2026-01-31T10:00:00.000Z", naive(2026, 1, 31, 10)),
        ("Office__c", "", None),
    ],
)
def test_csv_cells_of_an_update(writer: RecordWriter, field: str, cell: str, stored: Any) -> None:
    (key,) = writer.made("Account", {"Name": "x", "Phone": "old"})
    (result,) = writer.update("Account", {"Id": key, field: cell}, channel=Channel.BULK)
    assert result.success, result
    assert writer.row("Account", key)[field] == stored


def test_an_empty_csv_cell_of_an_insert_is_the_default(writer: RecordWriter) -> None:
    (key,) = writer.made("Case", {"Subject": "s", "Status": ""}, channel=Channel.BULK)
    assert writer.row("Case", key)["Status"] == "New"


def test_each_row_without_a_value_gets_the_default_beside_rows_with_one(
    writer: RecordWriter,
) -> None:
    one, two, three = writer.made(
        "Case", {"Subject": "a"}, {"Subject": "b", "Status": "Closed"}, {"Status": None}
    )
    found = [writer.row("Case", key)["Status"] for key in (one, two, three)]
    assert found == ["New", "Closed", None]


@pytest.mark.parametrize(
    ("field", "cell", "xsd"),
    [
        ("Since__c", "2003-04-987654321987654321", "date"),
        ("Seen__c", "yesterday", "dateTime"),
        ("Open__c", "maybe", "boolean"),
        ("AnnualRevenue", "lots", "double"),
        ("Employees__c", "many", "int"),
        ("Opens__c", "late", "time"),
    ],
)
def test_csv_cells_of_another_type(writer: RecordWriter, field: str, cell: str, xsd: str) -> None:
    row = {"Name": "x", "Phone": "1", "Number__c": "", field: cell}
    (result,) = writer.create("Account", row, channel=Channel.BULK)
    text = (
        f"Failed to deserialize field at col 3. Due to, '{cell}' is not a valid value for the type "
        f"xsd:{xsd}"
    )
    assert errors(result) == [("INVALID_FIELD", text, [field])]


def test_xml_values_of_another_type(writer: RecordWriter) -> None:
    (result,) = writer.create("Account", {"Name": "x", "Since__c": "soon"}, channel=Channel.SOAP)
    text = "'soon' is not a valid value for the type xsd:date"
    assert errors(result) == [("INVALID_FIELD", text, ["Since__c"])]
    (key,) = writer.made("Account", {"Name": "x", "Open__c": "false"}, channel=Channel.SOAP)
    assert writer.row("Account", key)["Open__c"] is False


def test_all_bad_values_of_a_row_are_named(writer: RecordWriter) -> None:
    (result,) = writer.create("Account", {"Name": LONG, "Mail__c": "x", "Office__c": "y"})
    assert [one.code for one in result.errors] == [
        "STRING_TOO_LONG",
        "INVALID_EMAIL_ADDRESS",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    ]


def test_bytes_come_as_base64_or_as_they_are(writer: RecordWriter, org: Org) -> None:
    keys = writer.made(
        "Attachment", {"Name": "a", "Body": "aGVs\nbG8="}, {"Name": "b", "Body": b"hello"}
    )
    for key in keys:
        assert b"".join(org.blob(writer.user, "Attachment", key, "Body").chunks) == b"hello"
    for bad in ("no base64!", 7):
        (result,) = writer.create("Attachment", {"Name": "c", "Body": bad})
        assert result.errors[0].code == "JSON_PARSER_ERROR"
        assert "Cannot deserialize instance of base64 from" in result.errors[0].message


def test_bytes_can_be_changed(writer: RecordWriter, org: Org) -> None:
    (key,) = writer.made("Attachment", {"Name": "a", "Body": b"old"})
    (result,) = writer.update("Attachment", {"Id": key, "Body": b"newer"})
    assert result.success
    assert b"".join(org.blob(writer.user, "Attachment", key, "Body").chunks) == b"newer"
