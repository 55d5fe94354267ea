"""Cutting the cells of searched columns into tokens: ``unlost.vault.format.words.tokens`` shows examples.

A cell is a row of a frame: the numbers of its row and column, and its text. Cells of all columns of
one kind are cut at once, those of ASCII alone by cheaper expressions. A backup of few rows waits for
the number of expressions alone, so none is computed of an empty frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from unlost.vault.format.words.fold import (
    ASCII_PART,
    ASCII_SEPARATOR,
    DENSE,
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
from unlost.vault.format.words.fold_rules import (
    CODE_DIGITS,
    DENSE_LENGTH,
    DOMAIN,
    NUMBER,
    PARTS,
    WORDS,
)
from unlost.vault.format.words.telephone import dialed_digits, national_digits
from unlost.vault.format.words.token_rules import LONGEST

_HOST = r"^(?:(?:[a-z][a-z0-9+.-]*:)?//)?(?:[^/?#]*@)?(?:www[0-9]?\.)?([^/:?#\s]+)"
_CELL = ("row", "column")
CELLS = {"row": pl.UInt32, "column": pl.UInt16, "text": pl.String}
TOKENS = {"row": pl.UInt32, "column": pl.UInt16, "token": pl.String}


@dataclass(frozen=True, slots=True)
class SearchedCells:
    """The cells of searched columns, by the way in which they are cut (``CELLS``)."""

    texts: pl.DataFrame
    emails: pl.DataFrame
    urls: pl.DataFrame
    phones: pl.DataFrame

    def words(self) -> pl.DataFrame:
        """The tokens of each cell (``TOKENS``), also words of one letter.

        A cell may have a token several times.
        """
        kinds = (
            (self.texts, _text_tokens),
            (self.emails, _email_tokens),
            (self.urls, _host_tokens),
            (self.phones, _phone_tokens),
        )
        return _together(*(_by_script(cells, cut) for cells, cut in kinds if len(cells)))

    def values(self) -> pl.DataFrame:
        """The ``folded`` text of each cell, and its characters as one ``token``.

        A telephone number has its national digits as the token, and all of them as the text.
        """
        texts = pl.concat([self.texts, self.emails, self.urls])
        kinds = ((texts, _value), (self.phones, _phone_value))
        parts = [_by_script(cells, cut) for cells, cut in kinds if len(cells)]
        return _together(*parts) if parts else _no_values()

    def behind(self, rows: int) -> "SearchedCells":
        """The cells with row numbers that begin at ``rows``."""
        return SearchedCells(
            *(kind.with_columns(pl.col("row") + pl.lit(rows, pl.UInt32)) for kind in self.kinds())
        )

    def kinds(self) -> tuple[pl.DataFrame, ...]:
        """The cells of each kind."""
        return self.texts, self.emails, self.urls, self.phones


def all_cells(parts: Sequence[SearchedCells]) -> SearchedCells:
    """The cells of several tables together; there must be one at least."""
    kinds = zip(*(part.kinds() for part in parts), strict=True)
    return SearchedCells(*(pl.concat(kind) for kind in kinds))


def _by_script(cells: pl.DataFrame, cut: "Callable[[_Cells], pl.DataFrame]") -> pl.DataFrame:
    """Fold cells, at least one, and cut them: those of ASCII alone by cheaper expressions."""
    plain, others = _parted(cells, is_ascii(pl.col("text")))
    parts = []
    if len(plain):
        parts.append(cut(_Cells(plain.with_columns(ascii_folded(pl.col("text"))), ascii=True)))
    if len(others):
        parts.append(cut(_Cells(others.with_columns(folded(pl.col("text"))), ascii=False)))
    return _together(*parts)


def _parted(rows: pl.DataFrame, holds: pl.Expr) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows for which an expression holds, and the others; it is never null."""
    mask = rows.select(holds).to_series()
    if mask.all():
        return rows, rows.slice(0, 0)
    if not mask.any():
        return rows.slice(0, 0), rows
    return rows.filter(mask), rows.filter(~mask)


def _together(*parts: pl.DataFrame) -> pl.DataFrame:
    """The rows of all parts, which have the same columns; no part is no token."""
    filled = [part for part in parts if len(part)] or list(parts[:1])
    if not filled:
        return _no_tokens()
    return filled[0] if len(filled) == 1 else pl.concat(filled)


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
        if words.is_empty():
            return words
        words = words.select(*_CELL, finish(pl.col("token"))).filter(pl.col("token") != "")
        # Few words begin with a zero, so the others are spared a pattern.
        numbers, others = _parted(words, pl.col("token").str.starts_with("0"))
        if numbers.is_empty():
            return others
        return _together(others, numbers.with_columns(without_zeros(pl.col("token"))))


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
    several, single = _parted(cells.frame, pl.col("text").str.contains(cells.separator))
    alone = cells.finished(_numbers_too(single.rename({"text": "token"})))
    if several.is_empty():
        return alone
    pieces = several.select(
        *_CELL, piece=pl.col("text").str.extract_all(r"\S+").list.head(WORDS)
    ).explode("piece")
    words = _together(_piece_words(cells, pieces), _codes(cells, several))
    # Only words of one cell can repeat each other.
    return _together(alone, cells.finished(words).unique(maintain_order=True))


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
    if spaced.is_empty():
        return _no_tokens()
    codes = spaced.filter(_is_code(cells, pl.col("text")))
    return _numbers_too(codes.select(*_CELL, token=cells.compact(pl.col("text"))))


def _numbers_too(words: pl.DataFrame) -> pl.DataFrame:
    """The words, and the number in each that is a short prefix and a number."""
    if words.is_empty():
        return words
    number = pl.col("token").str.extract(NUMBER)
    numbers = words.select(*_CELL, number.alias("token")).drop_nulls("token")
    return _together(words, numbers)


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
    domain = pl.col("text").str.extract(DOMAIN)
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


def _no_tokens() -> pl.DataFrame:
    return pl.DataFrame(schema=TOKENS)


def _no_values() -> pl.DataFrame:
    return pl.DataFrame(schema={**TOKENS, "folded": pl.String})


def host_of(folded_text: pl.Expr) -> pl.Expr:
    """The host in a folded web address, without ``www``; null if there is none."""
    return folded_text.str.strip_chars().str.extract(_HOST)
