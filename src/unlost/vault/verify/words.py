"""Computing the search words of each commit again, and comparing them with those it wrote.

The words of a large commit do not fit into memory. Both sides are therefore reduced to sums of
hashes, which do not depend on order: for each table the number of rows and two sums modulo 2^64.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa

from unlost.model.errors import IntegrityError
from unlost.vault.bigcells import resolve
from unlost.vault.format.physical import SEARCH, SEARCH_FIELDS, U_BLOBS, U_ID, is_system
from unlost.vault.format.tokens import VERSION, Tokenizer
from unlost.vault.room import OrgRoom
from unlost.vault.state import LiveSegment, LiveState
from unlost.vault.tableview import TableView, named

_COLUMNS = tuple(field.name for field in SEARCH_FIELDS)


@dataclass(frozen=True, slots=True)
class Sums:
    """Rows of ``$search``, reduced: how many, and two sums of their hashes modulo 2^64."""

    rows: int = 0
    first: int = 0
    second: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.rows + other.rows,
            (self.first + other.first) % 2**64,
            (self.second + other.second) % 2**64,
        )


def sums_of(rows: pa.Table) -> dict[str, Sums]:
    """The sums of rows of ``$search``, by the table that they speak of."""
    frame = pl.DataFrame(pl.from_arrow(rows.select(_COLUMNS)))
    text = pl.concat_str([pl.col(name) for name in _COLUMNS], separator="\0")
    hashed = frame.select(
        pl.col("table"),
        *(cast("plh.HExpr", text).nchash.xxh3_64(seed=seed).alias(str(seed)) for seed in (0, 1)),
    )
    return {
        str(table): Sums(len(part), *(_wrapped(part.get_column(str(seed))) for seed in (0, 1)))
        for (table,), part in hashed.group_by("table")
    }


class WordsCheck:
    """The words of one org's commits."""

    def __init__(self, room: OrgRoom, state: LiveState) -> None:
        self._room = room
        self._state = state

    def commits(self) -> Iterator[tuple[int, list[LiveSegment]]]:
        """Commits that wrote words by today's rules, and the segments that hold them."""
        by_commit: dict[int, list[LiveSegment]] = {}
        for live in self._state.segments.get(SEARCH, {}).values():
            by_commit.setdefault(live.seq, []).append(live)
        for seq, segments in sorted(by_commit.items()):
            labels = [self._room.reader.facts(live.entry)[0] for live in segments]
            if all(label.tokenizer == VERSION for label in labels):
                yield seq, segments

    def check(self, seq: int, segments: Iterable[LiveSegment]) -> None:
        """Raises IntegrityError if the words of a commit do not follow from its rows."""
        told: dict[str, Sums] = {}
        for live in segments:
            for rows in self._groups(live, SEARCH, _COLUMNS):
                _add(told, sums_of(rows))
        if told != self._expected(seq):
            raise IntegrityError(
                "search-disagrees",
                f"The words of commit {seq} do not follow from its rows.",
                next_step="Bring the object back from a copy of the vault.",
            )

    def _expected(self, seq: int) -> dict[str, Sums]:
        found: dict[str, Sums] = {}
        for table, held in self._state.segments.items():
            for live in held.values():
                if live.seq == seq and not is_system(table):
                    self._add_words(live, found)
        return found

    def _add_words(self, live: LiveSegment, found: dict[str, Sums]) -> None:
        table = live.entry.table
        view = TableView(table, [live], self._room.reading)
        label, _ = self._room.reader.facts(live.entry)
        present = view.names(0)
        tokenizer = self._room.schemas.tokenizer(label.schema, table, names=tuple(present))
        if tokenizer is None:
            return
        names = tokenizer.columns
        for rows in self._groups(live, table, [U_ID, U_BLOBS, *(present[n] for n in names)]):
            _add(found, self._words(rows, names, present, tokenizer))

    def _words(
        self,
        rows: pa.Table,
        names: tuple[str, ...],
        present: dict[str, str],
        tokenizer: Tokenizer,
    ) -> dict[str, Sums]:
        load = self._room.load_blob(until=self._state.seq)
        cells = resolve(named(rows, names, present), names, load)
        return sums_of(tokenizer.tokens(cells.append_column(U_ID, rows.column(U_ID))))

    def _groups(self, live: LiveSegment, table: str, columns: Iterable[str]) -> Iterator[pa.Table]:
        view = TableView(table, [live], self._room.reading)
        for group in range(len(view.sidecar(0).fences)):
            yield view.read(0, [group], tuple(columns))


def _add(found: dict[str, Sums], more: dict[str, Sums]) -> None:
    for table, sums in more.items():
        found[table] = found.get(table, Sums()) + sums


def _wrapped(hashes: pl.Series) -> int:
    return int(hashes.to_numpy().sum(dtype=np.uint64))
