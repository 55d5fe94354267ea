"""How a record matches a query, and by which column."""

import pytest

from smallvault import COLUMNS, TABLE, SmallVault, finish, rows
from unlost.model.source.hidden_columns import hidden_columns
from unlost.model.source.schema import Column, ColumnTrait, Schema, SearchedAs, Table, WireKind
from unlost.model.vault.snapshot import SearchMatch

MORE = (
    Column("City", WireKind.TEXT, search=SearchedAs.WORDS),
    Column("Key", WireKind.TEXT, traits=frozenset({ColumnTrait.EXTERNAL_ID})),
    Column("Mail", WireKind.TEXT, traits=frozenset({ColumnTrait.EMAIL})),
    Column("Site", WireKind.TEXT, search=SearchedAs.HOST),
)
NAMES = ("Name", "Phone", *(column.name for column in MORE))
CELLS = {
    "Name": "Confiserie Sonnenschein", "Phone": "+49 341 0040017", "City": "Leipzig",
    "Key": "K-0040017", "Mail": "anna@maison.example", "Site": "https://www.maison.example/x",
}  # fmt: skip
ID, KEY, WHOLE, NAME, VALUE, SOME = SearchMatch


@pytest.fixture
def small() -> SmallVault:
    small = SmallVault()
    schema = Schema(
        (Table(TABLE, (COLUMNS["Name"], COLUMNS["Phone"], *MORE), name_column="Name"),), "f"
    )
    commit = small.begin("r1", put=schema)
    seen = [("1", "U", CELLS), ("2", "U", {"Name": "Leipzig Sonne", "City": "Halle"})]
    finish(commit, commit.add(TABLE, [rows(*seen, names=NAMES)]))
    return small


@pytest.mark.parametrize(
    ("text", "column", "match"),
    [
        ("confiserie sonnenschein", "Name", WHOLE),
        ("Sonnenschein", "Name", NAME),
        ("sonnensch confis", "Name", NAME),
        ("leipzig confiserie", "Name", NAME),
        ("confiserie leip maison", "Name", NAME),
        ("leipzig anna@maison.example", "City", SOME),
        ("40017", "Key", KEY),
        ("K-0040017", "Key", KEY),
        ("k0040017", "Key", KEY),
        ("K-004", "Key", SOME),
        ("3410040017", "Phone", KEY),
        ("+49 341 0040017", "Phone", KEY),
        ("0341 00", "Phone", SOME),
        ("anna@maison.example", "Mail", KEY),
        ("maison.example", "Site", VALUE),
        ("anna", "Mail", SOME),
    ],
)
def test_the_best_column(small: SmallVault, text: str, column: str, match: SearchMatch) -> None:
    hit = next(hit for hit in small.vault.search(small.org, text) if hit.record == "1")
    if column == "Site":
        assert hit.column in ("Site", "Mail")
    else:
        assert (hit.column, hit.match) == (column, match)


def test_records_that_have_only_some_of_the_words(small: SmallVault) -> None:
    assert [hit.record for hit in small.vault.search(small.org, "leipzig halle")] == ["2"]
    assert small.vault.search(small.org, "confiserie halle").hits == ()


def test_words_of_a_hidden_column_do_not_count(small: SmallVault) -> None:
    visible = small.vault.visible({small.org: hidden_columns([(TABLE, "City")])})
    assert visible.search(small.org, "confiserie leipzig").hits == ()
    assert [hit.record for hit in visible.search(small.org, "confiserie anna")] == ["1"]


def test_other_tables(small: SmallVault) -> None:
    for text in ("confiserie", "1"):
        assert small.vault.search(small.org, text, tables=["Other"]).hits == ()
        assert small.vault.search(small.org, text, tables=[TABLE]) != ()


def test_words_of_two_columns_among_many_records() -> None:
    """Both words are frequent: records with only one of them must not use up the candidates."""
    small = SmallVault()
    table = Table(TABLE, (COLUMNS["Name"], *MORE[:1]), name_column="Name")
    commit = small.begin("r1", put=Schema((table,), "f"))
    seen = [(f"{n:05d}", "U", {"Name": f"Meier {n}", "City": "Halle"}) for n in range(900)]
    seen += [(f"{n:05d}", "U", {"Name": f"Lind {n}", "City": "Jena"}) for n in range(900, 1800)]
    seen.append(("99999", "U", {"Name": "Meier last", "City": "Jena"}))
    finish(commit, commit.add(TABLE, [rows(*seen, names=("Name", "City"))]))
    found = small.vault.search(small.org, "meier jena", limit=1)
    assert [hit.record for hit in found] == ["99999"]
