"""Columns that an org chose to search."""

import pytest

from unlost.model.source.schema import Column, ColumnTrait, Schema, SearchedAs, Table, WireKind
from unlost.model.source.searched_columns import (
    NONE_CHOSEN,
    has_words_for,
    searched_as,
    searched_columns,
)

TEXT = Column("Region", WireKind.TEXT)
DAY = Column("Day", WireKind.DATE)
HOST = Column("Site", WireKind.TEXT, search=SearchedAs.HOST)


def schema(*columns: Column, table: str = "Account", name: str = "Name") -> Schema:
    return Schema((Table(table, columns, name_column=name),), "f")


def test_a_chosen_column_is_marked() -> None:
    chosen = searched_columns([("Account", "Region"), ("Account", "Day"), ("Nope", "Region")])
    assert chosen
    assert chosen.names == ("Account.Day", "Account.Region", "Nope.Region")
    (table,) = chosen.schema(schema(TEXT, DAY, HOST)).tables
    marks = {column.name: column.search for column in table.columns}
    assert marks == {"Region": SearchedAs.WORDS, "Day": None, "Site": SearchedAs.HOST}


def test_the_connectors_own_way_stays() -> None:
    (table,) = searched_columns([("Account", "Site")]).schema(schema(HOST)).tables
    assert table.columns == (HOST,)


def test_nothing_chosen_changes_nothing() -> None:
    before = schema(TEXT)
    assert NONE_CHOSEN.schema(before) is before
    assert searched_columns([("Contact", "Region")]).schema(before) == before


@pytest.mark.parametrize(
    ("column", "way"),
    [
        (TEXT, None),
        (DAY, None),
        (HOST, SearchedAs.HOST),
        (Column("Name", WireKind.TEXT), SearchedAs.WORDS),
        (Column("Nr", WireKind.INTEGER, traits=frozenset({ColumnTrait.UNIQUE})), SearchedAs.WORDS),
        (Column("Day", WireKind.DATE, traits=frozenset({ColumnTrait.UNIQUE})), None),
        (Column("Tel", WireKind.TEXT, traits=frozenset({ColumnTrait.PHONE})), ColumnTrait.PHONE),
        (
            Column(
                "Mail", WireKind.TEXT, traits=frozenset({ColumnTrait.EMAIL, ColumnTrait.UNIQUE})
            ),
            ColumnTrait.EMAIL,
        ),
    ],
)
def test_the_way_in_which_a_column_is_searched(
    column: Column, way: SearchedAs | ColumnTrait | None
) -> None:
    (table,) = schema(column).tables
    assert searched_as(column, table) is way


def test_an_index_lacks_words_of_a_column_that_is_searched_later() -> None:
    chosen = searched_columns([("Account", "Region")]).schema(schema(TEXT))
    other = schema(TEXT, table="Contact")
    assert not has_words_for(chosen, indexed=schema(TEXT))
    assert not has_words_for(schema(TEXT, name="Region"), indexed=schema(TEXT))
    assert has_words_for(schema(TEXT), indexed=chosen), "no longer searched"
    assert has_words_for(schema(TEXT, HOST), indexed=schema(TEXT)), "no earlier values"
    assert has_words_for(schema(TEXT), indexed=schema(TEXT, HOST)), "no later values"
    assert has_words_for(chosen, indexed=other), "another table"
