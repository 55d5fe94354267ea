"""Search tokens: the pieces of text by which people find a record.

Tokens come from the columns by which people search: a connector marks them, and names, numbers,
keys, e-mail addresses and telephone numbers are always among them. Ids need no tokens: the filters
of the sidecars find them. Text is folded (``unlost.vault.format.words.fold``), then cut:

    text     "Straße, Müller GmbH"   ->  strasse  muller  gmbh
             "K-040017"              ->  40017  k040017
             "DE 123 456 789"        ->  de  123  456  789  de123456789  123456789
             "東京ショコラ"            ->  東京シ  京ショ  ショコ  ョコラ  コラ  ラ
    e-mail   "anna@maison.example"   ->  annamaisonexample  maisonexample
    address  "https://www.a.example/b" -> aexample
    phone    "+49 (0)89 1234"        ->  891234
    key      "003A1"                 ->  KEY + "003A1"

A change log is queried for the rows of one record. The column that names the record therefore gives
another kind of token: ``KEY`` and the unchanged value, which no word can equal. The rules have a
version: a segment of ``$search`` carries the version that made it. See docs/adr/0040.

A few cells are cut one by one: Polars takes as long for one cell as for hundreds, and a search of a
few records does without its import. The tokens are the same (``plain_tokens``).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from unlost.model.source.schema import ColumnTrait, SearchedAs, Table
from unlost.model.source.searched_columns import searched_as
from unlost.vault.format.physical import SEARCH_FIELDS, U_ID
from unlost.vault.format.words.plain_fold import folded, is_known, is_useful
from unlost.vault.format.words.plain_tokens import (
    email_tokens,
    phone_tokens,
    text_tokens,
    url_tokens,
)
from unlost.vault.format.words.token_rules import KEY, LONGEST, key_token

if TYPE_CHECKING:
    import polars as pl

    from unlost.vault.format.words.cell_tokens import SearchedCells

FEW_CELLS = 1_000  # cut one by one in less time than at once
FEW_BYTES = 100_000  # of all these cells: Polars cuts long texts faster

type PlainCut = Callable[[str], set[str]]
"""Cuts a folded text into tokens."""


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """Makes the tokens of one table: of ``texts`` by words, of ``phones`` by digits.

    Each value of ``emails`` is one token, and its domain another; each of ``urls`` gives its host.
    Each value of ``keys`` is one token, unchanged.
    """

    table: str
    texts: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @property
    def searched(self) -> tuple[str, ...]:
        """All columns that people search."""
        return (*self.texts, *self.emails, *self.urls, *self.phones)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that give tokens."""
        return (*self.searched, *self.keys)

    @property
    def plain_cuts(self) -> Iterator[tuple[str, PlainCut]]:
        """The searched columns, each with what cuts a few of its texts."""
        kinds: tuple[tuple[Sequence[str], PlainCut], ...] = (
            (self.texts, text_tokens),
            (self.emails, email_tokens),
            (self.urls, url_tokens),
            (self.phones, phone_tokens),
        )
        return ((name, cut) for names, cut in kinds for name in names)

    def only(self, columns: Collection[str]) -> "Tokenizer":
        """A tokenizer that is limited to some columns."""

        def among(names: Iterable[str]) -> tuple[str, ...]:
            return tuple(name for name in names if name in columns)

        return replace(
            self,
            texts=among(self.texts),
            phones=among(self.phones),
            keys=among(self.keys),
            emails=among(self.emails),
            urls=among(self.urls),
        )

    def with_columns_of(self, other: "Tokenizer") -> "Tokenizer":
        """A tokenizer that also makes the tokens of another one of this table."""

        def both(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
            return tuple(dict.fromkeys((*names, *others)))

        return replace(
            self,
            texts=both(self.texts, other.texts),
            phones=both(self.phones, other.phones),
            keys=both(self.keys, other.keys),
            emails=both(self.emails, other.emails),
            urls=both(self.urls, other.urls),
        )

    def tokens(self, rows: pa.Table) -> pa.Table:
        """Rows of ``$search`` for rows with ``_u_id`` and source columns by name; not sorted."""
        cells = rows.select(list(dict.fromkeys(self.columns)))
        few = len(rows) * len(self.columns) <= FEW_CELLS and cells.nbytes <= FEW_BYTES
        tokens = self.few_tokens(rows) if few else None
        return self.many_tokens(rows) if tokens is None else tokens

    def few_tokens(self, rows: pa.Table) -> pa.Table | None:
        """The tokens of a few rows, cut one by one; None if a text has characters unknown to Python."""
        records = rows.column(U_ID).to_pylist()
        token_rows: list[tuple[str, str, str]] = []
        for name, cut in self.plain_cuts:
            for record, text in zip(records, rows.column(name).to_pylist(), strict=True):
                if text is not None and not is_known(text):
                    return None
                if text:
                    tokens = sorted(filter(is_useful, cut(folded(text))))
                    token_rows.extend((token, record, name) for token in tokens)
        for name in self.keys:
            values = zip(records, rows.column(name).to_pylist(), strict=True)
            token_rows.extend((key_token(value), record, name) for record, value in values if value)
        parts = ([row[place] for row in token_rows] for place in range(3))
        return self._as_table(*(pa.array(part, pa.string()) for part in parts))

    def many_tokens(self, rows: pa.Table) -> pa.Table:
        """The tokens of rows, all of a column cut at once."""
        import polars as pl

        from unlost.vault.format.words.fold import DENSE

        ids = pl.Series("record", pl.from_arrow(rows.column(U_ID)), dtype=pl.String)
        names = pl.Series("column", self.columns, dtype=pl.String)
        # A word of one letter is too common to help; digits and dense scripts have short words.
        short = pl.col("token").str.len_chars() < 2
        useful = ~short | pl.col("token").str.contains(f"^[0-9{DENSE}]")
        words = self.cells(rows).words().filter(useful)
        token_rows = pl.concat([words, self._key_tokens(rows)]) if self.keys else words
        return self._as_table(
            token_rows.get_column("token").to_arrow(),
            ids.gather(token_rows.get_column("row")).to_arrow(),
            names.gather(token_rows.get_column("column")).to_arrow(),
        )

    def _as_table(self, tokens: pa.Array, records: pa.Array, columns: pa.Array) -> pa.Table:
        parts = {
            U_ID: tokens,
            "table": pa.repeat(pa.scalar(self.table, pa.string()), len(tokens)),
            "record": records,
            "column": columns,
        }
        return pa.table(
            [parts[field.name].cast(pa.string()) for field in SEARCH_FIELDS],
            schema=pa.schema(SEARCH_FIELDS),
        )

    def cells(self, rows: pa.Table) -> "SearchedCells":
        """The cells that people search; their columns are places in ``columns``."""
        from unlost.vault.format.words.cell_tokens import SearchedCells

        kinds = (self.texts, self.emails, self.urls, self.phones)
        return SearchedCells(*(self._cells(rows, names) for names in kinds))

    def _cells(self, rows: pa.Table, names: Sequence[str]) -> "pl.DataFrame":
        import polars as pl

        from unlost.vault.format.words.cell_tokens import CELLS

        if not names:
            return pl.DataFrame(schema=CELLS)
        numbers = pl.int_range(len(rows), dtype=pl.UInt32, eager=True).alias("row")
        places = {name: number for number, name in enumerate(self.columns)}
        parts = [
            pl.DataFrame(
                [
                    numbers,
                    pl.Series("column", [places[name]], pl.UInt16).new_from_index(0, len(rows)),
                    pl.Series("text", pl.from_arrow(rows.column(name)), pl.String),
                ]
            )
            for name in names
        ]
        return pl.concat(parts).drop_nulls("text")

    def _key_tokens(self, rows: pa.Table) -> "pl.DataFrame":
        import polars as pl

        # A searched column may also be a key: the place of the name in ``keys`` is the last one.
        value = pl.lit(KEY) + pl.col("text").str.slice(0, LONGEST)
        cells = self._cells(rows, self.keys).filter(pl.col("text") != "")
        return cells.select("row", "column", value.alias("token"))


def tokenizer_for(
    table: Table, *, names: Collection[str], keys: Collection[str] = ()
) -> Tokenizer | None:
    """The tokenizer of a table's columns among ``names``; None if none of them is searched.

    ``keys``: columns whose whole values are looked up.
    """
    ways = {
        column.name: way
        for column in table.columns
        if column.name in names and (way := searched_as(column, table)) is not None
    }
    whole = tuple(name for name in names if name in keys)
    if not ways and not whole:
        return None

    def cut_as(kind: ColumnTrait | SearchedAs) -> tuple[str, ...]:
        return tuple(name for name, way in ways.items() if way is kind)

    return Tokenizer(
        table.name,
        texts=cut_as(SearchedAs.WORDS),
        phones=cut_as(ColumnTrait.PHONE),
        keys=whole,
        emails=cut_as(ColumnTrait.EMAIL),
        urls=cut_as(SearchedAs.HOST),
    )
