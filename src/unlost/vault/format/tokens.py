"""Search tokens: the pieces of text by which people find a record.

Tokens come from the columns by which people search: a connector marks them, and names, numbers,
keys, e-mail addresses and telephone numbers are always among them. Ids need no tokens: the filters
of the sidecars find them. Text is folded (``unlost.vault.format.fold``), then cut:

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
version: a segment of ``$search`` carries the version that made it. See docs/adr/0039.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa

from unlost.model.source.schema import Column, ColumnTrait, Schema, SearchedAs, Table, WireKind
from unlost.vault.format.fold import (
    ASCII_PART,
    ASCII_SEPARATOR,
    DENSE,
    LONGEST,
    PART,
    SEPARATOR,
    ascii_finished,
    ascii_folded,
    dense_parts,
    finished,
    folded,
    is_ascii,
    without_zeros,
)
from unlost.vault.format.physical import SEARCH_FIELDS, U_ID
from unlost.vault.format.telephone import dialed_digits, national_digits

VERSION = 3
KEYS_SINCE = 2  # the first version that makes tokens of whole values
KEY = "\x1f"  # before a whole value; words never begin with it
WORDS = 24  # words of a cell that become tokens; later words are not searched
PARTS = 3  # parts of a compound that is also one token; a code with more is one token alone
CODE_DIGITS = 4  # digits of a code, which has at least as many digits as other characters
DENSE_LENGTH = 3  # characters of a token of a dense script
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
_KINDS = frozenset({WireKind.TEXT, WireKind.INTEGER, WireKind.DECIMAL})
_HOST = r"^(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/?#]*@)?(?:www[0-9]?\.)?([^/:?#\s]+)"
_DOMAIN = "@([^@]*)$"
_NUMBER = "^[a-z]{1,4}0*([0-9]{4,})$"  # a short prefix, then a number that is found without it
_CELL = ("row", "column")


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

    def tokens(self, rows: pa.Table) -> pa.Table:
        """Rows of ``$search`` for rows with ``_u_id`` and source columns by name; not sorted."""
        ids = pl.Series("record", pl.from_arrow(rows.column(U_ID)), dtype=pl.String)
        names = pl.Series("column", self.columns, dtype=pl.String)
        # A word of one letter is too common to help; digits and dense scripts have short words.
        useful = (pl.col("token").str.len_chars() > 1) | pl.col("token").str.contains(
            rf"^[0-9{DENSE}]"
        )
        found = pl.concat([self.words(rows).filter(useful), self._key_tokens(rows)])
        columns = {
            U_ID: found.get_column("token").to_arrow(),
            "table": pa.repeat(pa.scalar(self.table, pa.string()), len(found)),
            "record": ids.gather(found.get_column("row")).to_arrow(),
            "column": names.gather(found.get_column("column")).to_arrow(),
        }
        return pa.table(
            [columns[field.name].cast(pa.string()) for field in SEARCH_FIELDS],
            schema=pa.schema(SEARCH_FIELDS),
        )

    def words(self, rows: pa.Table) -> pl.DataFrame:
        """``token`` of each cell, without keys; ``row`` and ``column`` are places.

        Also the words of one letter, which the index does not have.
        """
        kinds = (
            (self.texts, _text_tokens),
            (self.emails, _email_tokens),
            (self.urls, _host_tokens),
            (self.phones, _phone_tokens),
        )
        parts = [self._by_script(rows, names, make) for names, make in kinds if names]
        return pl.concat([_nothing(), *parts])

    def values(self, rows: pa.Table) -> pl.DataFrame:
        """The ``folded`` text of each cell that people search, and its characters as one ``token``.

        A telephone number has its national digits as the token, and all of them as the text.
        """
        parts = [
            self._by_script(rows, (name,), _phone_value if name in self.phones else _value)
            for name in self.searched
        ]
        return pl.concat([_nothing().with_columns(folded=pl.lit("")), *parts])

    def _by_script(
        self, rows: pa.Table, names: Sequence[str], make: "Callable[[_Cells], pl.DataFrame]"
    ) -> pl.DataFrame:
        """Fold cells and make their tokens: those of ASCII by cheaper expressions."""
        cells = self._cells(rows, names)
        plain = cells.filter(is_ascii(pl.col("text")))
        others = cells.filter(~is_ascii(pl.col("text")))
        parts = [make(_Cells(plain.with_columns(ascii_folded(pl.col("text"))), ascii=True))]
        if len(others):
            parts.append(make(_Cells(others.with_columns(folded(pl.col("text"))), ascii=False)))
        return pl.concat(parts)

    def _cells(self, rows: pa.Table, names: Sequence[str]) -> pl.DataFrame:
        """All cells of these columns with text: their places, and their ``text``."""
        numbers = pl.int_range(len(rows), dtype=pl.UInt32, eager=True).alias("row")
        places = {name: number for number, name in enumerate(self.columns)}
        parts = [
            pl.DataFrame([numbers, pl.Series("text", pl.from_arrow(rows.column(name)), pl.String)])
            .drop_nulls("text")
            .select("row", pl.lit(places[name], pl.UInt16).alias("column"), "text")
            for name in names
        ]
        return pl.concat(parts)

    def _key_tokens(self, rows: pa.Table) -> pl.DataFrame:
        if not self.keys:
            return _nothing()
        # A searched column may also be a key: the place of the name in ``keys`` is the last one.
        value = pl.lit(KEY) + pl.col("text").str.slice(0, LONGEST)
        cells = self._cells(rows, self.keys).filter(pl.col("text") != "")
        return cells.select(*_CELL, value.alias("token"))


@dataclass(frozen=True, slots=True)
class _Cells:
    """Folded cells (``row``, ``column``, ``text``), of ASCII alone or with any characters."""

    frame: pl.DataFrame
    ascii: bool

    @property
    def part(self) -> str:
        """The pattern of a part of a word."""
        return ASCII_PART if self.ascii else PART

    @property
    def separator(self) -> str:
        """The pattern of a character between parts."""
        return ASCII_SEPARATOR if self.ascii else SEPARATOR

    def compact(self, text: pl.Expr) -> pl.Expr:
        """The characters that are not separators."""
        return text.str.replace_all(self.separator, "")

    def finished(self, words: pl.DataFrame) -> pl.DataFrame:
        """Folded words without separators as tokens."""
        finish = ascii_finished if self.ascii else finished
        words = words.select(*_CELL, finish(pl.col("token"))).filter(pl.col("token") != "")
        # Few words begin with a zero, so the others are spared a pattern.
        zero = pl.col("token").str.starts_with("0")
        numbers = words.filter(zero).with_columns(without_zeros(pl.col("token")))
        return pl.concat([words.filter(~zero), numbers])


def _text_tokens(cells: _Cells) -> pl.DataFrame:
    """The words of texts, and the parts of runs of dense scripts."""
    if cells.ascii:
        return _spaced_tokens(cells)
    dense = pl.col("text").str.contains(f"[{DENSE}]")
    spaced = pl.when(dense).then(pl.col("text").str.replace_all(f"[{DENSE}]+", " "))
    rest = replace(cells, frame=cells.frame.with_columns(spaced.otherwise("text")))
    return pl.concat([_dense_tokens(cells.frame.filter(dense)), _spaced_tokens(rest)])


def _spaced_tokens(cells: _Cells) -> pl.DataFrame:
    """The words of texts; most cells are a single word, and these take a path without lists."""
    single = ~pl.col("text").str.contains(cells.separator)
    alone = cells.frame.filter(single).rename({"text": "token"})
    several = cells.frame.filter(~single)
    pieces = several.select(
        *_CELL, piece=pl.col("text").str.extract_all(r"\S+").list.head(WORDS)
    ).explode("piece")
    words = pl.concat([_piece_words(cells, pieces), _codes(cells, several)])
    return pl.concat(
        [
            cells.finished(_numbers_too(alone)),
            # Only words of one cell can repeat each other.
            cells.finished(words).unique(maintain_order=True),
        ]
    )


def _piece_words(cells: _Cells, pieces: pl.DataFrame) -> pl.DataFrame:
    """The parts of each piece between spaces; short compounds and codes are words as a whole too."""
    parts, count = pl.col("token"), pl.col("token").list.len()
    pieces = pieces.with_columns(token=pl.col("piece").str.extract_all(cells.part))
    long = pieces.filter(count > PARTS)
    code = _is_code(cells, pl.col("piece"))
    apart = [pieces.filter(count.is_between(1, PARTS)), long.filter(~code)]
    whole = [pieces.filter(count.is_between(2, PARTS)), long.filter(code)]
    words = pl.concat(apart).select(*_CELL, parts).explode("token")
    compounds = pl.concat(whole).select(*_CELL, parts.list.join(""))
    return pl.concat([words, compounds])


def _codes(cells: _Cells, several: pl.DataFrame) -> pl.DataFrame:
    """Codes that are written with spaces, without them."""
    # The cheap tests first: most texts have spaces and no digits.
    text = pl.col("text")
    spaced = several.filter(text.str.contains("[0-9]") & text.str.contains(r"\s"))
    codes = spaced.filter(_is_code(cells, pl.col("text")))
    return _numbers_too(codes.select(*_CELL, token=cells.compact(pl.col("text"))))


def _numbers_too(words: pl.DataFrame) -> pl.DataFrame:
    """The words, and the number in each that is a short prefix and a number."""
    number = pl.col("token").str.extract(_NUMBER)
    numbers = words.select(*_CELL, number.alias("token")).drop_nulls("token")
    return pl.concat([words, numbers])


def _is_code(cells: _Cells, text: pl.Expr) -> pl.Expr:
    """True for text with several digits, and no more other characters than digits."""
    digits = text.str.count_matches("[0-9]")
    return (digits >= CODE_DIGITS) & (cells.compact(text).str.len_chars() <= 2 * digits)


def _dense_tokens(cells: pl.DataFrame) -> pl.DataFrame:
    """Each suffix of the runs of dense scripts, cut: so any part of a run begins one of them."""
    runs = cells.select(*_CELL, dense_parts(pl.col("text")).alias("run")).explode("run")
    runs = runs.drop_nulls("run").with_columns(pl.col("run").str.slice(0, LONGEST))
    starts = runs.with_columns(
        start=pl.int_ranges(0, pl.col("run").str.len_chars().cast(pl.Int64))
    ).explode("start")
    suffix = pl.col("run").str.slice(pl.col("start"), DENSE_LENGTH)
    return starts.select(*_CELL, suffix.alias("token")).unique(maintain_order=True)


def _email_tokens(cells: _Cells) -> pl.DataFrame:
    addresses = cells.frame.select(*_CELL, token=cells.compact(pl.col("text")))
    domain = pl.col("text").str.extract(_DOMAIN)
    domains = cells.frame.select(*_CELL, token=cells.compact(domain)).drop_nulls("token")
    return cells.finished(pl.concat([addresses, domains]))


def _host_tokens(cells: _Cells) -> pl.DataFrame:
    host = cells.compact(host_of(pl.col("text")))
    return cells.finished(cells.frame.select(*_CELL, token=host).drop_nulls("token"))


def _phone_tokens(cells: _Cells) -> pl.DataFrame:
    tokens = cells.frame.select(*_CELL, token=national_digits(pl.col("text")))
    return tokens.filter(pl.col("token") != "")


def _value(cells: _Cells) -> pl.DataFrame:
    finish = ascii_finished if cells.ascii else finished
    token = without_zeros(finish(cells.compact(pl.col("text"))))
    return cells.frame.select(*_CELL, token=token, folded="text")


def _phone_value(cells: _Cells) -> pl.DataFrame:
    text = pl.col("text")
    return cells.frame.select(*_CELL, token=national_digits(text), folded=dialed_digits(text))


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.UInt32, "column": pl.UInt16, "token": pl.String})


def host_of(folded_text: pl.Expr) -> pl.Expr:
    """The host in a folded web address, without ``www``; null if there is none."""
    return folded_text.str.strip_chars().str.extract(_HOST)


def key_columns(schema: Schema, table: str) -> frozenset[str]:
    """The columns of a table in which change logs of this schema name their records."""
    logs = (other.change_log for other in schema.tables)
    return frozenset(log.record_column for log in logs if log is not None and log.table == table)


def key_token(value: str) -> str:
    """The token of a whole value."""
    return KEY + value[:LONGEST]


def tokenizer_for(
    table: Table, *, names: Collection[str], keys: Collection[str] = ()
) -> Tokenizer | None:
    """The tokenizer of a table's columns among ``names``; None if none of them is searched.

    ``keys``: columns whose whole values are looked up.
    """
    searched = [
        column for column in table.columns if column.name in names and is_searched(column, table)
    ]
    whole = tuple(name for name in names if name in keys)
    if not searched and not whole:
        return None

    def cut_as(kind: ColumnTrait | SearchedAs) -> tuple[str, ...]:
        return tuple(column.name for column in searched if _cut(column) is kind)

    return Tokenizer(
        table.name,
        texts=cut_as(SearchedAs.WORDS),
        phones=cut_as(ColumnTrait.PHONE),
        keys=whole,
        emails=cut_as(ColumnTrait.EMAIL),
        urls=cut_as(SearchedAs.HOST),
    )


def is_searched(column: Column, table: Table) -> bool:
    """True if the values of a column become tokens."""
    named = column.name == table.name_column
    marked = column.search is not None or bool(column.traits & _TRAITS)
    return column.kind in _KINDS and (marked or named)


def _cut(column: Column) -> ColumnTrait | SearchedAs:
    """The fact that decides how a column is cut into tokens."""
    special = (ColumnTrait.PHONE, ColumnTrait.EMAIL)
    trait = next((trait for trait in special if column.has(trait)), None)
    return trait or column.search or SearchedAs.WORDS
