"""Hashes of cells: compare two states of a record without storing either.

A hash is taken over canonical text (see ``unlost.engine.sameness``), so that it is the same by
whichever API the org was read. Nulls, volatile columns and bytes contribute nothing; columns that
the table does not have count as text.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec
import pyarrow as pa
from blake3 import blake3

from unlost.engine.sameness import FREE_FORM, canonical, same
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind

DIGEST_BYTES = 16
BRIEF_CHARACTERS = 64

type Cells = Mapping[str, str | None]
type Brief = str | tuple[str]
"""A canonical text, or (its digest,) where it is long: enough to tell it from another."""


def digest(table: Table, cells: Cells) -> str:
    """The hash of these cells, in hex."""
    return digest_of(briefs(table, cells))


def briefs(table: Table, cells: Cells) -> dict[str, Brief]:
    """The compact input of a hash: the cells that count, by column."""
    by_name: dict[str, Brief] = {}
    for name, text in cells.items():
        column = table.column(name) if text is not None else None
        if text is None or not _counts(column):
            continue
        kind = _kind(column)
        by_name[name] = _brief(_canonical(kind, text) if kind in FREE_FORM else text)
    return by_name


def digest_of(by_column: Mapping[str, Brief]) -> str:
    """The hash of cells in the form of briefs."""
    return _hashed(sorted(by_column.items()))


def value_digest(kind: WireKind, text: str | None) -> str:
    """The hash of one value of a column of this kind."""
    known = _canonical(kind, text) if text is not None and kind in FREE_FORM else text
    return _hashed([] if known is None else [("", _brief(known))])


def digests(table: Table, rows: pa.Table, columns: Sequence[str]) -> list[str]:
    """The hash of each row over these columns, equal to ``digest``; computed by column."""
    kinds = {column.name: column for column in table.columns}
    names = sorted(name for name in columns if _counts(kinds.get(name)))
    brief_columns = [_brief_texts(_kind(kinds.get(name)), rows.column(name)) for name in names]
    return [_hashed(pairs) for pairs in _pairs(names, brief_columns, rows.num_rows)]


def digests_of(table: Table, rows: Sequence[Cells]) -> list[str]:
    """The hash of each of these, equal to ``digest``."""
    names = list(dict.fromkeys(name for cells in rows for name in cells))
    if not names:
        return [digest(table, {}) for _ in rows]
    columns = [pa.array([cells.get(name) for cells in rows], pa.string()) for name in names]
    return digests(table, pa.table(columns, names=names), names)


def different(table: Table, old: Cells, other: Cells, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns in which two states have different values, in the given order."""
    kinds = {column.name: column for column in table.columns}
    return tuple(
        name for name in columns if not same(_kind(kinds.get(name)), old.get(name), other.get(name))
    )


def _counts(column: Column | None) -> bool:
    if column is None:
        return True
    return column.kind is not WireKind.BINARY and not column.has(ColumnTrait.VOLATILE)


def _kind(column: Column | None) -> WireKind:
    return column.kind if column is not None else WireKind.TEXT


@lru_cache(maxsize=4_096)
def _canonical(kind: WireKind, text: str) -> str:
    """Cached, since numbers and instants are short, and many records share them."""
    return canonical(kind, text)


def _brief(text: str) -> Brief:
    if len(text) <= BRIEF_CHARACTERS:
        return text
    return (blake3(text.encode()).hexdigest(length=DIGEST_BYTES),)


def _brief_texts(kind: WireKind, column: pa.ChunkedArray) -> list[Brief | None]:
    """The briefs of a column: if they are expensive, one computation for each distinct text."""
    if kind not in FREE_FORM:
        return [None if text is None else _brief(text) for text in column.to_pylist()]
    once: dict[str | None, Brief | None] = {None: None}
    texts_of_column = []
    for text in column.to_pylist():
        if text not in once:
            once[text] = _brief(canonical(kind, text))
        texts_of_column.append(once[text])
    return texts_of_column


def _pairs(
    names: Sequence[str], columns: Sequence[Sequence[Brief | None]], rows: int
) -> Iterator[list[tuple[str, Brief]]]:
    """For each row the names and briefs of non-null columns."""
    if not names:
        yield from ([] for _ in range(rows))
        return
    for row in zip(*columns, strict=True):
        yield [(name, brief) for name, brief in zip(names, row, strict=True) if brief is not None]


def _hashed(pairs: Sequence[tuple[str, Brief]]) -> str:
    return blake3(msgspec.json.encode(pairs)).hexdigest(length=DIGEST_BYTES)
