"""Finding records by the beginning of their words, numbers, addresses and ids.

Each hit is checked against the newest state of the record: a value that the record no longer has
does not find it. A deleted record is found by its last values.

On request, former values find a record too. The index has the words of all versions but not the
values, so each candidate whose newest state does not match is checked against all of its versions.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa

from unlost.model.source.schema import ColumnTrait, Table
from unlost.model.typed_text import without_invisible
from unlost.model.vault.snapshot import SearchHit, SearchIndexState, SearchMatch
from unlost.vault.format.physical import SEARCH, U_ID, U_OP
from unlost.vault.format.tokens import Tokenizer, tokenizer_for
from unlost.vault.read.candidates import SearchCandidate, SearchScope, index_state, rank_of
from unlost.vault.read.query import Cell, SearchQuery, by_row, match_of, query_of
from unlost.vault.read.snapshot import VaultSnapshot
from unlost.vault.read.table_view import sorted_unique

_CANDIDATES = 20  # for each wanted hit; most may have had the word only in an older version
_LONGEST_ID = 255


def search(
    snapshot: VaultSnapshot,
    text: str,
    *,
    limit: int,
    former: bool = False,
    tables: Collection[str] | None = None,
) -> Sequence[SearchHit]:
    """Records whose columns have words that begin with the words of ``text``, or with this id.

    ``former``: after them, records that had such a value in an earlier version only. ``tables``:
    only records of these tables.
    """
    query = without_invisible(text)
    if not query or limit < 1:
        return ()
    finder = _Finder(snapshot, query_of(query), limit, tables)
    # Lazily: former values are looked up only if present ones leave room.
    rounds = [finder.by_id(query), finder.by_words()]
    if former:
        rounds.append(finder.by_former_words())
    hits: dict[tuple[str, str], SearchHit] = {}
    for hit in chain.from_iterable(rounds):
        hits.setdefault((hit.table, hit.record), hit)
        if len(hits) >= limit:
            break
    return tuple(hits.values())


def state_of_index(snapshot: VaultSnapshot) -> SearchIndexState:
    """How much of the index of a snapshot follows earlier rules."""
    return index_state(snapshot.view(SEARCH))


@dataclass(frozen=True, slots=True)
class _Finder:
    """One search."""

    snapshot: VaultSnapshot
    query: SearchQuery
    limit: int
    tables: Collection[str] | None

    def by_id(self, text: str) -> Iterator[SearchHit]:
        """The record with this id in each table."""
        if len(text) > _LONGEST_ID or any(character.isspace() for character in text):
            return
        for table in self.snapshot.tables():
            if self.tables is not None and table not in self.tables:
                continue
            if len(self.snapshot.view(table).newest(pa.array([text]), ())):
                yield from self._with_id(table, text)

    def by_words(self) -> Iterator[SearchHit]:
        """Records whose newest state matches."""
        for table, group in self._groups():
            yield from _TableFinder(self.snapshot, table, self.query).present(group)

    def by_former_words(self) -> Iterator[SearchHit]:
        """Records of which some version matches."""
        for table, group in self._groups():
            yield from _TableFinder(self.snapshot, table, self.query).former(group)

    def _with_id(self, table: str, record: str) -> Iterator[SearchHit]:
        finder = _TableFinder(self.snapshot, table, self.query)
        shape = finder.shape
        column = shape.id_column if shape else U_ID
        for row in finder.rows([record], finder.label_columns):
            yield finder.hit(row, column, record, SearchMatch.ID)

    def _groups(self) -> Iterator[tuple[str, list[SearchCandidate]]]:
        """Candidates of one table, in their order, at most ``limit`` at a time."""
        known = self.snapshot.tables()
        scope = SearchScope(
            self.snapshot.view(SEARCH),
            self.snapshot.schema(),
            lambda table, column: table in known and column in self.snapshot.columns(table),
            self.tables,
        )
        candidates = scope.candidates(self.query, most=self.limit * _CANDIDATES)
        for at in range(0, len(candidates), self.limit):
            by_table: dict[str, list[SearchCandidate]] = {}
            for candidate in candidates[at : at + self.limit]:
                by_table.setdefault(candidate.table, []).append(candidate)
            yield from by_table.items()


class _TableFinder:
    """Checks candidates of one table."""

    def __init__(self, snapshot: VaultSnapshot, table: str, query: SearchQuery) -> None:
        self._snapshot = snapshot
        self._table = table
        self._query = query
        self._known = snapshot.columns(table)
        self.shape = snapshot.schema().table(table)
        self._label = _label_column(self.shape, self._known)
        self.label_columns = (self._label,) if self._label else ()

    def present(self, group: Sequence[SearchCandidate]) -> Iterator[SearchHit]:
        """Hits among candidates: their newest state matches."""
        # Most match by the columns of their tokens; the others may need further columns.
        narrow = self._matching(group, self._columns_of(group))
        rest = [c for c in group if c.record not in narrow] if len(self._query.words) > 1 else []
        hits = narrow | (self._matching(rest, self._every_column(rest)) if rest else {})
        yield from (hits[c.record] for c in group if c.record in hits)

    def former(self, group: Sequence[SearchCandidate]) -> Iterator[SearchHit]:
        """Hits among candidates of which some version matches, by the newest such version."""
        ids = sorted_unique(candidate.record for candidate in group)
        columns = self._every_column(group)
        versions = self._snapshot.view(self._table).find(ids, (), cells=columns)
        rows = versions.select([U_ID, *columns])
        values = {
            rows.column(U_ID)[number].as_py(): (column, rows.column(column)[number].as_py(), match)
            for number, column, match in self._matches(rows, columns)  # of each id the oldest first
        }
        states = {row[U_ID]: row for row in self.rows(list(values), self.label_columns)}
        for candidate in group:
            if candidate.record in values:
                column, value, match = values[candidate.record]
                hit = self.hit(states[candidate.record], column, value, match)
                yield replace(hit, former=True)

    def rows(self, records: Sequence[str], columns: Sequence[str]) -> list[dict[str, str | None]]:
        """The newest states of records, with these columns."""
        rows: list[dict[str, str | None]] = self._snapshot.get(
            self._table, records, columns=columns
        ).to_pylist()
        return rows

    def hit(
        self, row: dict[str, str | None], column: str, value: str, match: SearchMatch
    ) -> SearchHit:
        """A hit by a value; ``row`` is the newest state."""
        return SearchHit(
            org=self._snapshot.info.org,
            table=self._table,
            record=row[U_ID] or "",
            column=column,
            value=value,
            label=(row[self._label] or "") if self._label else "",
            alive=row[U_OP] == "U",
            match=match,
            rank=rank_of(self.shape),
        )

    def _matching(
        self, group: Sequence[SearchCandidate], columns: Sequence[str]
    ) -> dict[str, SearchHit]:
        wanted = tuple(dict.fromkeys((*columns, *self.label_columns)))
        records = [candidate.record for candidate in group]
        states = self._snapshot.get(self._table, records, columns=wanted)
        rows = states.to_pylist()
        return {
            rows[number][U_ID]: self.hit(rows[number], column, rows[number][column], match)
            for number, column, match in self._matches(states, columns)
        }

    def _matches(
        self, rows: pa.Table, columns: Sequence[str]
    ) -> Iterator[tuple[int, str, SearchMatch]]:
        """The number of each matching row, its best column, and how it matches."""
        tokenizer = self._tokenizer(columns)
        words = by_row(tokenizer.words(rows))
        values = tokenizer.values(rows)
        cells: dict[int, list[Cell]] = {}
        for row, column, whole, folded in values.iter_rows():
            name = tokenizer.columns[column]
            tokens = words.get(row, {}).get(column, ())
            named, phone = name == self._label, name in tokenizer.phones
            cells.setdefault(row, []).append(Cell(name, tokens, folded, whole, named, phone))
        for row, row_cells in sorted(cells.items()):
            match = match_of(self._query, row_cells)
            if match is not None:
                yield row, *match

    def _columns_of(self, group: Sequence[SearchCandidate]) -> tuple[str, ...]:
        names = dict.fromkeys(name for candidate in group for name in candidate.columns)
        return tuple(name for name in names if name in self._known)

    def _every_column(self, group: Sequence[SearchCandidate]) -> tuple[str, ...]:
        """All searched columns; also those that only earlier schemas describe."""
        tokenizer = tokenizer_for(self.shape, names=self._known) if self.shape else None
        searched = tokenizer.searched if tokenizer else ()
        return tuple(dict.fromkeys((*searched, *self._columns_of(group))))

    def _tokenizer(self, columns: Sequence[str]) -> Tokenizer:
        tokenizer = tokenizer_for(self.shape, names=columns) if self.shape else None
        tokenizer = tokenizer or Tokenizer(self._table)
        others = tuple(name for name in columns if name not in tokenizer.searched)
        return replace(tokenizer, texts=(*tokenizer.texts, *others))


def _label_column(table: Table | None, known: Sequence[str]) -> str | None:
    """The column that names a record to a person."""
    if table is None:
        return None
    named = [column.name for column in table.columns if column.has(ColumnTrait.NAME)]
    wanted = (table.name_column, *named)
    return next((name for name in wanted if name is not None and name in known), None)
