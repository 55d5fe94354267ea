"""Search tokens: by which words a record is found."""

import pyarrow as pa
import pytest

from unlost.model.source.schema import ChangeLog, Column, ColumnTrait, Schema, Table, WireKind
from unlost.vault.format.tokens import (
    LONGEST,
    Tokenizer,
    digits_of,
    key_columns,
    key_token,
    tokenizer_for,
    words_of,
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Chocolat Noir", ["chocolat", "noir"]),
        ("  Süß\tund\nBITTER ", ["süss", "und", "bitter"]),
        ("“K-0012345”, (Meier)", ["k-0012345", "meier"]),
        ("ﬁne Ⅷ", ["fine", "viii"]),
        ("anna.meier@example.com", ["anna.meier@example.com"]),
        ("東京 ショコラ", ["東京", "ショコラ"]),
        ("---", ["---"]),
        ("", []),
        ("...", []),
        ("x" * 100, ["x" * LONGEST]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "digits"),
    [("+49 (170) 12-34", "491701234"), ("0049170", "49170"), ("none", ""), ("٣٤", "")],
)
def test_digits(text: str, digits: str) -> None:
    assert digits_of(text) == digits


def tokens_of(tokenizer: Tokenizer, **columns: list[str | None]) -> set[tuple[str, str, str]]:
    count = len(next(iter(columns.values())))
    rows = pa.table({"_u_id": [f"r{n}" for n in range(count)]} | columns)
    found = tokenizer.tokens(rows).to_pylist()
    assert {row["table"] for row in found} <= {"Thing"}
    return {(row["_u_id"], row["record"], row["column"]) for row in found}


def test_tokens_of_rows() -> None:
    tokenizer = Tokenizer("Thing", ("Name",), ("Phone",))
    found = tokens_of(
        tokenizer, Name=["Noir noir  Noir", None, "Süß"], Phone=["+49 1", "ask", None]
    )
    assert found == {
        ("noir", "r0", "Name"),
        ("491", "r0", "Phone"),
        ("süss", "r2", "Name"),
    }


def test_a_whole_value_is_one_token_as_it_is() -> None:
    tokenizer = Tokenizer("Thing", ("Name",), (), ("Owner",))
    found = tokens_of(tokenizer, Name=["a b", None], Owner=["001 Ab.", "x" * 70])
    assert found == {
        ("a", "r0", "Name"),
        ("b", "r0", "Name"),
        (key_token("001 Ab."), "r0", "Owner"),
        ("\x1f" + "x" * LONGEST, "r1", "Owner"),
    }


def test_the_columns_in_which_change_logs_name_their_records() -> None:
    log = ChangeLog("Notes", "OwnerId", "Field", "Old", "New", "At", "By")
    schema = Schema((Table("Thing", (), change_log=log), Table("Notes", ())), "f")
    assert key_columns(schema, "Notes") == {"OwnerId"}
    assert key_columns(schema, "Thing") == frozenset()
    notes = Table("Notes", (Column("OwnerId", WireKind.REFERENCE),))
    assert tokenizer_for(notes, names=["OwnerId"], keys={"OwnerId", "Gone"}) == Tokenizer(
        "Notes", (), (), ("OwnerId",)
    )


def test_a_word_comes_once_a_cell() -> None:
    rows = pa.table({"_u_id": ["r"], "Name": ["noir Noir NOIR"]})
    assert len(Tokenizer("Thing", ("Name",), ()).tokens(rows)) == 1


def test_which_columns_are_searched() -> None:
    def column(name: str, kind: WireKind = WireKind.TEXT, *traits: ColumnTrait) -> Column:
        return Column(name, kind, traits=frozenset(traits))

    table = Table(
        "Thing",
        (
            column("Id", WireKind.ID, ColumnTrait.UNIQUE),
            column("Name"),
            column("Key", WireKind.TEXT, ColumnTrait.EXTERNAL_ID),
            column("Number", WireKind.DECIMAL, ColumnTrait.AUTO_NUMBER),
            column("Mobile", WireKind.TEXT, ColumnTrait.PHONE),
            column("Mail", WireKind.TEXT, ColumnTrait.EMAIL),
            column("Born", WireKind.DATE, ColumnTrait.UNIQUE),
            column("Text"),
        ),
        name_column="Name",
    )
    names = [c.name for c in table.columns]
    assert tokenizer_for(table, names=names) == Tokenizer(
        "Thing", ("Name", "Key", "Number", "Mail"), ("Mobile",)
    )
    assert tokenizer_for(table, names=["Text", "Born"]) is None
