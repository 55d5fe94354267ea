"""Digests of cells: whether two states of a record mean the same, without keeping either.

A digest is taken over canonical text (see ``unlost.engine.sameness``), so that it is the same
however the org was read. Nulls, volatile columns and bytes contribute nothing; columns that the
table does not have are taken as text.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pyarrow as pa
from blake3 import blake3

from unlost.engine.sameness import FREE_FORM, canonical, same
from unlost.model.schema import Column, ColumnTrait, Table, WireKind

DIGEST_BYTES = 16

type Cells = Mapping[str, str | None]


def digest(table: Table, cells: Cells) -> str:
    """The digest of these cells, in hex."""
    kinds = {column.name: column for column in table.columns}
    return _hashed(
        [
            (name, canonical(_kind(kinds.get(name)), text))
            for name, text in sorted(cells.items())
            if text is not None and _counts(kinds.get(name))
        ]
    )


def digests(table: Table, rows: pa.Table, columns: Sequence[str]) -> list[str]:
    """The digest of each row over these of its columns, as ``digest`` gives it; column by column."""
    kinds = {column.name: column for column in table.columns}
    names = sorted(name for name in columns if _counts(kinds.get(name)))
    texts = [_canonical_texts(_kind(kinds.get(name)), rows.column(name)) for name in names]
    return [_hashed(pairs) for pairs in _pairs(names, texts, rows.num_rows)]


def different(table: Table, one: Cells, other: Cells, columns: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns in which two states mean different values, in the order given."""
    kinds = {column.name: column for column in table.columns}
    return tuple(
        name for name in columns if not same(_kind(kinds.get(name)), one.get(name), other.get(name))
    )


def comparable(table: Table) -> tuple[str, ...]:
    """The columns in which two states of a record of this table can differ."""
    return tuple(column.name for column in table.columns if _counts(column))


def _counts(column: Column | None) -> bool:
    if column is None:
        return True
    return column.kind is not WireKind.BINARY and not column.has(ColumnTrait.VOLATILE)


def _kind(column: Column | None) -> WireKind:
    return column.kind if column is not None else WireKind.TEXT


def _canonical_texts(kind: WireKind, column: pa.ChunkedArray) -> list[str | None]:
    if kind not in FREE_FORM:
        texts: list[str | None] = column.to_pylist()
        return texts
    once: dict[str | None, str | None] = {None: None}
    found = []
    for text in column.to_pylist():
        if text not in once:
            once[text] = canonical(kind, text)
        found.append(once[text])
    return found


def _pairs(
    names: Sequence[str], texts: Sequence[Sequence[str | None]], rows: int
) -> Iterator[list[tuple[str, str]]]:
    """For each row the names and texts of what is not null."""
    if not names:
        yield from ([] for _ in range(rows))
        return
    for row in zip(*texts, strict=True):
        yield [(name, text) for name, text in zip(names, row, strict=True) if text is not None]


def _hashed(pairs: Sequence[tuple[str, str]]) -> str:
    return blake3(msgspec.json.encode(pairs)).hexdigest(length=DIGEST_BYTES)
