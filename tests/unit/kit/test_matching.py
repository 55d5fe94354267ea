"""Records found by values of several columns."""

import pytest

from unlost.kit.matching import MatchLookup
from unlost.model.errors import Conflict
from unlost.model.source.schema import Column, Table, WireKind

TABLE = Table("Item", (Column("Name", WireKind.TEXT), Column("Size", WireKind.DECIMAL)))


def lookup(*values: tuple[str, str]) -> MatchLookup:
    return MatchLookup(TABLE, ("Name", "Size"), values)


def test_texts_are_compared_without_case_and_numbers_by_size() -> None:
    match = lookup(("Nut", "1.0"))
    match.take(("NUT", "1"), "a")
    match.take(("Nut", "2"), "b")
    assert match.firsts == ["Nut"]
    assert match.records() == {("Nut", "1.0"): "a"}


def test_a_record_with_the_exact_value_comes_first() -> None:
    match = lookup(("Nut", "1"))
    match.take(("NUT", "1"), "a")
    match.take(("Nut", "1"), "b")
    assert match.records() == {("Nut", "1"): "b"}


def test_a_record_may_come_twice_and_two_records_are_a_conflict() -> None:
    match = lookup(("Nut", "x"))
    for record in ("a", "a"):
        match.take(("Nut", "x"), record)
    assert match.records() == {("Nut", "x"): "a"}
    match.take(("Nut", "x"), "b")
    with pytest.raises(Conflict) as caught:
        match.records()
    assert caught.value.code == "key-not-unique"
