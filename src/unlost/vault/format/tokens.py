"""Search tokens: the pieces of text by which people find a record.

Tokens come from columns that name a record or must be unique, from numbers, keys, e-mail addresses
and telephone numbers. Text is brought to one form (NFKC, lower case, ß as ss), split at white
space, and stripped of punctuation at its ends. A telephone number gives its digits, without leading
zeros. Ids need no tokens: the filters of the sidecars find them. For example:

    name column    "Straße, Müller GmbH"  ->  strasse  müller  gmbh
    phone column   "+49 (0)89 1234"       ->  490891234
    key column     "003A1"                ->  KEY + "003A1"

A change log is queried for the rows of one record. The column that names the record therefore gives
another kind of token: ``KEY`` and the unchanged value, which no word can equal. The rules have a
version: a segment of ``$search`` carries the version that made it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from unlost.model.source.schema import ColumnTrait, Schema, Table, WireKind
from unlost.vault.format.physical import SEARCH_FIELDS, U_ID

VERSION = 2
KEYS_SINCE = 2  # the first version that makes tokens of whole values
KEY = "\x1f"  # before a whole value; words never begin with it
LONGEST = 64  # characters; the rest of a token is cut off
WORDS = 12  # words of a cell that become tokens; later words are not searched
_TRAITS = frozenset(
    {
        ColumnTrait.NAME,
        ColumnTrait.UNIQUE,
        ColumnTrait.EXTERNAL_ID,
        ColumnTrait.AUTO_NUMBER,
        ColumnTrait.EMAIL,
        ColumnTrait.PHONE,
    }
)
_ENDS = " \t\r\n.,;:!?()[]{}<>\"'«»„“”‚‘’*"
_KINDS = frozenset({WireKind.TEXT, WireKind.INTEGER, WireKind.DECIMAL})


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Makes the tokens of one table: of ``texts`` by words, of ``phones`` by digits.

    Each value of ``keys`` is one token.
    """

    table: str
    texts: tuple[str, ...]
    phones: tuple[str, ...]
    keys: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that give tokens."""
        return (*self.texts, *self.phones, *self.keys)

    def tokens(self, rows: pa.Table) -> pa.Table:
        """Rows of ``$search`` for rows with ``_u_id`` and source columns by name; not sorted."""
        ids = pl.Series("record", pl.from_arrow(rows.column(U_ID)))
        token_rows = pl.concat([self._of_column(ids, rows, name) for name in self.columns])
        table = pa.repeat(pa.scalar(self.table, pa.string()), len(token_rows))
        columns = {
            U_ID: token_rows.get_column("token").to_arrow(),
            "table": table,
            "record": token_rows.get_column("record").to_arrow(),
            "column": token_rows.get_column("column").to_arrow(),
        }
        return pa.table(
            [columns[field.name].cast(pa.string()) for field in SEARCH_FIELDS],
            schema=pa.schema(SEARCH_FIELDS),
        )

    def _of_column(self, ids: pl.Series, rows: pa.Table, name: str) -> pl.DataFrame:
        texts = pl.Series("text", pl.from_arrow(rows.column(name)))
        frame = pl.DataFrame([ids, texts]).drop_nulls("text")
        if name in self.phones:
            frame = frame.select(digits(pl.col("text")).alias("token"), "record")
        elif name in self.keys:
            frame = frame.select(_key(pl.col("text")).alias("token"), "record")
        else:
            frame = _by_words(frame)
        return frame.filter(pl.col("token") != "").with_columns(pl.lit(name).alias("column"))


def key_columns(schema: Schema, table: str) -> frozenset[str]:
    """The columns of a table in which change logs of this schema name their records."""
    logs = (other.change_log for other in schema.tables)
    return frozenset(log.record_column for log in logs if log is not None and log.table == table)


def key_token(value: str) -> str:
    """The token of a whole value."""
    return KEY + value[:LONGEST]


def tokenizer_for(
    table: Table, *, names: Sequence[str], keys: Collection[str] = ()
) -> Tokenizer | None:
    """The tokenizer of a table's columns among ``names``; None if none of them is searched.

    ``keys``: columns whose whole values are looked up.
    """
    searched = [
        column
        for column in table.columns
        if column.name in names
        and column.kind in _KINDS
        and (column.traits & _TRAITS or column.name == table.name_column)
    ]
    phones = tuple(column.name for column in searched if column.has(ColumnTrait.PHONE))
    texts = tuple(column.name for column in searched if column.name not in phones)
    whole = tuple(name for name in names if name in keys)
    return Tokenizer(table.name, texts, phones, whole) if searched or whole else None


def words_of(text: str) -> list[str]:
    """The words of a search query, in the form of tokens."""
    frame = pl.DataFrame({"text": [text]}).select(words(pl.col("text")).explode())
    return [word for word in frame.to_series().to_list() if word]


def digits_of(text: str) -> str:
    """The digits of a search query, in the form of a telephone number's token."""
    frame = pl.DataFrame({"text": [text]}).select(digits(pl.col("text")))
    return frame.to_series().to_list()[0] or ""


def words(text: pl.Expr) -> pl.Expr:
    """The tokens of each text, as a list of words."""
    return (
        text.str.normalize("NFKC")
        .str.to_lowercase()
        .str.replace_all("ß", "ss", literal=True)
        .str.replace_all(r"\s+", " ")
        .str.split(" ")
        .list.head(WORDS)
        .list.eval(pl.element().str.strip_chars(_ENDS).str.slice(0, LONGEST))
    )


def digits(text: pl.Expr) -> pl.Expr:
    """The token of a telephone number."""
    plain = text.str.normalize("NFKC").str.replace_all(r"[^0-9]", "").str.strip_chars_start("0")
    return plain.str.slice(0, LONGEST)


def _key(text: pl.Expr) -> pl.Expr:
    return pl.lit(KEY) + text.str.slice(0, LONGEST)


def _by_words(frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each word. Most cells are a single word, and these take a path without lists."""
    single = ~pl.col("text").str.contains(r"\s")
    single_words = frame.filter(single).select(_word(pl.col("text")).alias("token"), "record")
    many = frame.filter(~single).select(words(pl.col("text")).alias("token"), "record")
    return pl.concat([single_words, many.explode("token").unique(maintain_order=True)])


def _word(text: pl.Expr) -> pl.Expr:
    plain = text.str.normalize("NFKC").str.to_lowercase()
    plain = plain.str.replace_all("ß", "ss", literal=True)
    return plain.str.strip_chars(_ENDS).str.slice(0, LONGEST)
