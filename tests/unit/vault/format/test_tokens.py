"""Search tokens: by which words a record is found."""

import pyarrow as pa
import pytest

from unlost.model.source.schema import (
    ChangeLog,
    Column,
    ColumnTrait,
    Schema,
    SearchedAs,
    Table,
    WireKind,
)
from unlost.vault.format.words.fold_rules import WORDS
from unlost.vault.format.words.token_rules import LONGEST, key_columns, key_token
from unlost.vault.format.words.tokens import FEW_BYTES, FEW_CELLS, Tokenizer, tokenizer_for

CELLS = [
    ("Chocolat Noir", {"chocolat", "noir"}),
    ("  Süß\tund\nBITTER ", {"suss", "und", "bitter"}),
    ("Straße, Müller GmbH", {"strasse", "muller", "gmbh"}),
    ("“K-0012345”, (Grossmann)", {"12345", "k0012345", "grossmann"}),
    ("K0012345", {"k0012345", "12345"}),
    ("0040017", {"40017"}),
    ("Yıldız-Großmann", {"yildiz", "grossmann", "yildizgrossmann"}),
    ("'s-Hertogenbosch", {"hertogenbosch", "shertogenbosch"}),
    ("O'Neill", {"oneill", "neill"}),
    ("DE 123 456 789", {"de", "123", "456", "789", "de123456789", "123456789"}),
    ("1018 AB", {"1018", "ab", "1018ab"}),
    ("a-b-c-d file", {"file"}),
    ("vertrag_2024-17 v2.pdf", {"vertrag", "2024", "17", "vertrag202417", "v2", "pdf", "v2pdf"}),
    ("haselnuss-vertrag_2024-17.pdf", {"haselnuss", "vertrag", "2024", "17", "pdf"}),
    ("550e8400-e29b-41d4-a716-446655440000", {"550e8400e29b41d4a716446655440000"}),
    ("٠٠٤٢ 4x", {"42", "4x", "00424x"}),
    ("東京ショコラ bar", {"東京シ", "京ショ", "ショコ", "ョコラ", "コラ", "ラ", "bar"}),
    ("초콜릿 가게", {"초콜릿", "콜릿", "릿", "가게", "게"}),
    ("الشركة العربية", {"شركه", "عربيه"}),
    ("x y", set[str]()),
    ("---", set[str]()),
    ("", set[str]()),
    ("...", set[str]()),
    ("x" * 100, {"x" * LONGEST}),
    (" ".join(f"word{n}" for n in range(40)), {f"word{n}" for n in range(WORDS)}),
]


def cut(tokenizer: Tokenizer, rows: pa.Table) -> pa.Table:
    """The tokens of rows, which are the same if they are cut one by one and all at once."""
    tokens, few, many = (
        way(rows) for way in (tokenizer.tokens, tokenizer.few_tokens, tokenizer.many_tokens)
    )
    assert few is not None
    assert few.schema == many.schema
    assert unordered(few) == unordered(many)
    assert tokens == few
    return tokens


def unordered(tokens: pa.Table) -> set[tuple[str, ...]]:
    return {tuple(row.values()) for row in tokens.to_pylist()}


@pytest.mark.parametrize(("text", "words"), CELLS)
def test_words(text: str, words: set[str]) -> None:
    rows = pa.table({"_u_id": ["r"], "Name": [text]})
    found = cut(Tokenizer("Thing", ("Name",)), rows).column("_u_id").to_pylist()
    assert sorted(found) == sorted(words)


def test_addresses() -> None:
    rows = pa.table(
        {
            "_u_id": ["1", "2", "3", "4"],
            "Mail": ["Anna.Meier@Maison.example", "nobody", None, "ä@ö.example"],
            "Site": [
                "https://www.Maison.example:80/a?b",
                "maison.example:80/a",
                "",
                "//x@y.example",
            ],
        }
    )
    tokenizer = Tokenizer("Thing", emails=("Mail",), urls=("Site",))
    found = cut(tokenizer, rows).select(["record", "column", "_u_id"]).to_pylist()
    assert {tuple(row.values()) for row in found} == {
        ("1", "Mail", "annameiermaisonexample"),
        ("1", "Mail", "maisonexample"),
        ("2", "Mail", "nobody"),
        ("4", "Mail", "aoxample"),
        ("4", "Mail", "oxample"),
        ("1", "Site", "maisonexample"),
        ("2", "Site", "maisonexample"),
        ("4", "Site", "yexample"),
    }


def test_the_values_of_cells() -> None:
    rows = pa.table({"_u_id": ["1"], "Name": ["K-0040017"], "Phone": ["+49 (0)341 1"]})
    tokenizer = Tokenizer("Thing", ("Name",), ("Phone",))
    assert tokenizer.cells(rows).values().select("column", "token", "folded").rows() == [
        (0, "k0040017", "k-0040017"),
        (1, "3411", "4903411"),
    ]
    assert Tokenizer("Thing", keys=("Name",)).cells(rows).values().is_empty()


def test_a_tokenizer_of_fewer_columns() -> None:
    tokenizer = Tokenizer("Thing", ("A", "B"), ("C",), ("A",), ("D",), ("E",))
    assert tokenizer.only({"A", "D"}) == Tokenizer("Thing", ("A",), (), ("A",), ("D",))


def tokens_of(tokenizer: Tokenizer, **columns: list[str | None]) -> set[tuple[str, str, str]]:
    count = len(next(iter(columns.values())))
    rows = pa.table({"_u_id": [f"r{n}" for n in range(count)]} | columns)
    found = cut(tokenizer, rows).to_pylist()
    assert {row["table"] for row in found} <= {"Thing"}
    return {(row["_u_id"], row["record"], row["column"]) for row in found}


def test_tokens_of_rows() -> None:
    tokenizer = Tokenizer("Thing", ("Name",), ("Phone",))
    found = tokens_of(
        tokenizer, Name=["Noir noir  Noir", None, "Süß"], Phone=["+49 1", "ask", None]
    )
    assert found == {
        ("noir", "r0", "Name"),
        ("1", "r0", "Phone"),
        ("suss", "r2", "Name"),
    }


def test_a_whole_value_is_one_token_as_it_is() -> None:
    tokenizer = Tokenizer("Thing", ("Name",), (), ("Owner",))
    found = tokens_of(tokenizer, Name=["ab cd", None], Owner=["001 Ab.", "x" * 70])
    assert found == {
        ("ab", "r0", "Name"),
        ("cd", "r0", "Name"),
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


@pytest.mark.parametrize(
    "texts", [["Noir"] * (FEW_CELLS + 1), ["noir " * FEW_BYTES], ["Noir \U000e1fff"]]
)
def test_many_cells_long_texts_and_characters_unknown_to_python_are_cut_at_once(
    texts: list[str],
) -> None:
    rows = pa.table({"_u_id": [f"r{n}" for n in range(len(texts))], "Name": texts})
    tokenizer = Tokenizer("Thing", ("Name",))
    assert tokenizer.tokens(rows) == tokenizer.many_tokens(rows)
    assert unordered(tokenizer.tokens(rows)) >= {
        ("noir", "Thing", f"r{n}", "Name") for n in range(len(texts))
    }


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
            Column("Site", WireKind.TEXT, search=SearchedAs.HOST),
            Column("City", WireKind.TEXT, search=SearchedAs.WORDS),
            Column("Day", WireKind.DATE, search=SearchedAs.WORDS),
            column("Born", WireKind.DATE, ColumnTrait.UNIQUE),
            column("Text"),
        ),
        name_column="Name",
    )
    names = [c.name for c in table.columns]
    assert tokenizer_for(table, names=names) == Tokenizer(
        "Thing", ("Name", "Key", "Number", "City"), ("Mobile",), (), ("Mail",), ("Site",)
    )
    assert tokenizer_for(table, names=["Text", "Born"]) is None
