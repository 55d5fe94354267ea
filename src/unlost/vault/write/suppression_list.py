"""The suppression list: pseudonyms of erased records and of values that identify them.

Rows of the system table ``$suppressed``. Their id is the pseudonym: HMAC-SHA256 (hex) under a key
of the org that never changes, over the JSON array [table, column, text]. For a record, ``column``
is empty and the text is its id. Else the text is the value of a column that the erasure named, in
one form (``matching``). ``sieve`` has 32 bits of a keyed XXH3 of the same text: whole batches are
tested by the sieve first, and only texts that pass are tested by their pseudonym, one by one. See
docs/adr/0023.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import cast

import msgspec
import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.source.reading import Rows
from unlost.vault.format.physical import U_ID
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.layout.system_rows import system_rows, text_cells
from unlost.vault.read.merge import key_rows, newest_of_each
from unlost.vault.read.table_view import TableView

_PURPOSE = "suppressed"
_SIEVE = "suppressed-sieve"
_CELLS = ("table", "column", "sieve", "run")
_BITS = 0xFFFF_FFFF

type Mask = NDArray[np.bool_]
type TableColumn = tuple[str, str]
"""A table, and a column of it; an empty one stands for the id."""


@dataclass(frozen=True, slots=True)
class SuppressionMark:
    """The content of a row: a pseudonym, its table and column, its sieve, and the erasure's run."""

    pseudonym: str
    table: str
    column: str
    sieve: int
    run: str


class Pseudonymizer:
    """Makes the pseudonyms of one org."""

    def __init__(self, keys: Keyring, org: str) -> None:
        self._key = keys.identity_key(org, _PURPOSE)
        self._seed = int.from_bytes(keys.identity_key(org, _SIEVE)[:7])

    def pseudonym(self, place: TableColumn, text: str) -> str:
        """The pseudonym of a text, in the form in which it is compared."""
        return hmac.digest(self._key, msgspec.json.encode((*place, text)), sha256).hex()

    def sieves(self, texts: pl.Series) -> NDArray[np.uint32]:
        """The sieves of texts without nulls."""
        if not len(texts):
            return np.zeros(0, np.uint32)
        column = cast("plh.HExpr", pl.col("text"))
        hashed = texts.rename("text").to_frame().select(column.nchash.xxh3_64(seed=self._seed))
        return (hashed.to_series().to_numpy() & np.uint64(_BITS)).astype(np.uint32)

    def marks(self, place: TableColumn, texts: Iterable[str], *, run: str) -> list[SuppressionMark]:
        """The entries for texts, in the form in which they are compared."""
        ordered = sorted(set(texts))
        sieves = self.sieves(pl.Series(ordered, dtype=pl.String)).tolist()
        return [
            SuppressionMark(self.pseudonym(place, text), *place, sieve, run)
            for text, sieve in zip(ordered, sieves, strict=True)
        ]


def matching(values: pa.Array) -> pl.Series:
    """Values in the form in which they are compared; null if there is nothing to compare."""
    series = pl.Series("text", pl.from_arrow(values.cast(pa.string())))
    if (series.str.len_bytes() != series.str.len_chars()).any():
        series = series.str.normalize("NFKC")  # the most expensive step; ASCII needs none
    normalized = series.str.strip_chars().str.to_lowercase()
    return normalized.set(normalized == "", None)


def mark_rows(marks: Sequence[SuppressionMark], *, observed_at: datetime) -> Rows:
    """Rows of ``$suppressed``."""
    cells = [
        [mark.table for mark in marks],
        [mark.column for mark in marks],
        [f"{mark.sieve:08x}" for mark in marks],
        [mark.run for mark in marks],
    ]
    return system_rows(
        [mark.pseudonym for mark in marks],
        observed_at=observed_at,
        cells=text_cells(cells, _CELLS),
    )


def marks_in(view: TableView) -> Iterator[SuppressionMark]:
    """All entries in a view of ``$suppressed``."""
    for rows in key_rows(view, ()):
        newest = view.newest(newest_of_each(rows).column(U_ID).combine_chunks(), ())
        cells = view.cells(newest, _CELLS).to_pylist()
        for key, cell in zip(newest.column(U_ID).to_pylist(), cells, strict=True):
            yield SuppressionMark(
                key, cell["table"], cell["column"] or "", int(cell["sieve"], 16), cell["run"]
            )


@dataclass(frozen=True, slots=True)
class _Marked:
    sieves: NDArray[np.uint32]
    pseudonyms: frozenset[str]


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """The suppression list of an org, by table and column. Pure, apart from the keys."""

    marker: Pseudonymizer
    _places: Mapping[TableColumn, _Marked] = field(default_factory=dict)

    @classmethod
    def of(cls, marker: Pseudonymizer, marks: Iterable[SuppressionMark]) -> "SuppressionList":
        """Build the list from its entries."""
        by_place: dict[TableColumn, list[SuppressionMark]] = {}
        for mark in marks:
            by_place.setdefault((mark.table, mark.column), []).append(mark)
        return cls(
            marker,
            {
                place: _Marked(
                    np.array(sorted({mark.sieve for mark in suppression_marks}), np.uint32),
                    frozenset(mark.pseudonym for mark in suppression_marks),
                )
                for place, suppression_marks in by_place.items()
            },
        )

    def touches(self, table: str) -> bool:
        """True if the list has any entry of a table."""
        return any(place[0] == table for place in self._places)

    def erased_count(self, table: str) -> int:
        """The number of erased records of a table."""
        marked = self._places.get((table, ""))
        return len(marked.pseudonyms) if marked is not None else 0

    def records(self, table: str, ids: pa.Array) -> Mask:
        """True for the ids of erased records."""
        return self._hit((table, ""), pl.Series("text", pl.from_arrow(ids.cast(pa.string()))))

    def alike(self, table: str, rows: Rows) -> Mask:
        """True for rows that share a value with an erased record but are not erased records."""
        alike = np.zeros(len(rows), dtype=np.bool_)
        named = rows.cells.schema.names if rows.cells is not None else ()
        for of, column in self._places:
            if of == table and rows.cells is not None and column in named:
                alike |= self._hit((of, column), matching(rows.cells.column(column)))
        return alike & ~self.records(table, rows.ids) if alike.any() else alike

    def _hit(self, place: TableColumn, texts: pl.Series) -> Mask:
        hit = np.zeros(len(texts), dtype=np.bool_)
        marked = self._places.get(place)
        if marked is None:
            return hit
        filled = np.flatnonzero(texts.is_not_null().to_numpy())
        sieves = self.marker.sieves(texts.drop_nulls())
        # The sieve lets few other texts pass, so the slow HMAC in Python is rare.
        for at in filled[np.isin(sieves, marked.sieves)].tolist():
            hit[at] = self.marker.pseudonym(place, texts[at]) in marked.pseudonyms
        return hit


def without(rows: Rows, hit: Mask) -> Rows:
    """The rows that are not marked in ``hit``."""
    if not hit.any():
        return rows
    mask = pa.array(~hit)
    return Rows(
        ids=rows.ids.filter(mask),
        ops=rows.ops.filter(mask),
        modified_at=rows.modified_at.filter(mask),
        modified_by=rows.modified_by.filter(mask),
        cells=None if rows.cells is None else rows.cells.filter(mask),
        observed_at=rows.observed_at,
    )


def hit_ids(ids: pa.Array, hit: Mask) -> list[str]:
    """The ids that are marked in ``hit``, each once."""
    ids_hit: list[str] = pc.unique(ids.filter(pa.array(hit))).to_pylist()
    return ids_hit
