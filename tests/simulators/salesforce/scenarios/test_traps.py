"""The odd text, numbers and dates that a backup must hold letter by letter are all there."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pytest

from unlost_simulators.salesforce.scenarios.chocolate.written.story_mails import LOOP_MAILS
from unlost_simulators.salesforce.scenarios.chocolate.written.trap_rows import (
    LITERALS,
    NUL_TEXT,
    SCRIPTS,
    long_text,
)

Tables = Mapping[str, pa.Table]


def every_text(tables: Tables) -> str:
    parts = []
    for table in tables.values():
        for column in table.columns:
            if pa.types.is_string(column.type):
                parts.extend(one for one in column.to_pylist() if one)
    return "\x1e".join(parts)


@pytest.fixture(scope="module")
def text(chocolate: Tables) -> str:
    return every_text(chocolate)


@pytest.mark.parametrize(
    "trap",
    ["NA", "null", "#N/A", "=cmd|'/c calc'!A0", "NaN", "true", "\\N", '"', ",", "00017", "1.0E7"],
)
def test_literals_stand_in_cells_of_their_own(chocolate: Tables, trap: str) -> None:
    assert trap in LITERALS
    assert trap in chocolate["Contact"]["LastName"].to_pylist()


def test_scripts_and_line_ends_are_all_there(chocolate: Tables, text: str) -> None:
    descriptions = chocolate["Contact"]["Description"].to_pylist()
    assert set(SCRIPTS) <= set(descriptions)
    for piece in ("大阪", "ç", "ß", "\u05e9", "\u0e0a", "👩‍🍳", "e\u0301", "\u00a0"):
        assert piece in text
    for lines in ("a\nb", "a\r\nb", "a\rb"):
        assert any(lines[1:-1] in one for one in descriptions if one)


def test_a_nul_byte_stands_in_one_record(chocolate: Tables) -> None:
    holding = [one for one in chocolate["Lead"]["Description"].to_pylist() if one and "\x00" in one]
    assert holding == [NUL_TEXT]


def test_one_text_is_as_long_as_a_field_can_hold(chocolate: Tables) -> None:
    protocols = chocolate["Quality_Report__c"]["Protocol__c"].to_pylist()
    longest = max(one for one in protocols if one and len(one) == 131_072)
    assert longest == long_text()
    assert len(longest) == 131_072
    assert {"\r\n", '"', ";", "🍫", "検査"} <= {
        one for one in ("\r\n", '"', ";", "🍫", "検査") if one in longest
    }


def test_numbers_of_18_digits_are_text_with_all_digits(chocolate: Tables) -> None:
    loyalty = [one for one in chocolate["Contact"]["Loyalty_Number__c"].to_pylist() if one]
    assert all(len(one) == 18 and one.isdigit() for one in loyalty)
    assert any(one.startswith("0") for one in loyalty)
    assert any(str(int(float(one))) != one.lstrip("0") for one in loyalty)
    assert "999999999999999999" in chocolate["Quality_Report__c"]["Long_Number__c"].to_pylist()


def test_names_and_numbers_that_differ_by_case_or_zeros_alone(chocolate: Tables) -> None:
    names = chocolate["Account"]["Name"].to_pylist()
    assert {"Cacao Noir", "CACAO NOIR", "cacao noir"} <= set(names)
    numbers = chocolate["Account"]["Customer_Number__c"].to_pylist()
    assert {"7700", "07700", "007700", "0007700"} <= set(numbers)


def test_numbers_reach_java_exponents_on_both_sides(chocolate: Tables) -> None:
    purchases = chocolate["Contact"]["Purchases_Last_Year__c"].to_pylist()
    assert {9_999_999.0, 10_000_000.0, 12_345_678_901_234.56} <= set(purchases)
    batches = chocolate["Cocoa_Batch__c"]
    assert min(one for one in batches["Cadmium_ppm__c"].to_pylist() if one) == 0.000000001
    years = {one.year for one in batches["Harvested__c"].to_pylist() if one}
    assert {1700, 4000} <= years
    assert any(one and one.microsecond for one in batches["Roasted_At__c"].to_pylist())


def test_the_out_of_office_loop_grows_with_every_mail(chocolate: Tables) -> None:
    loop = [
        one
        for one in chocolate["EmailMessage"].to_pylist()
        if one["ThreadIdentifier"] == "<loop-1@loop.example>"
    ]
    assert len(loop) == LOOP_MAILS
    bodies = [len(one["TextBody"]) for one in loop]
    assert bodies == sorted(set(bodies))
    assert loop[-1]["Subject"].count(": ") == LOOP_MAILS
    assert {one["Incoming"] for one in loop} == {True, False}


def test_records_of_an_inactive_owner_and_rows_in_the_bin(chocolate: Tables) -> None:
    users = {one["Id"]: one["IsActive"] for one in chocolate["User"].to_pylist()}
    owners = chocolate["Account"]["OwnerId"].to_pylist()
    assert [users[one] for one in owners].count(False) == 1
    for name in ("Contact", "Case", "Task", "Lead"):
        flags = [one for one in chocolate[name]["IsDeleted"].to_pylist() if one]
        assert flags == [True]
