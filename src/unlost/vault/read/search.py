"""Finding records by the beginning of their words, numbers, addresses and ids.

Each hit is checked against the newest state of the record: a value that the record no longer has
does not find it. A deleted record is found by its last values.

On request, former values find a record too. The index has the words of all versions but not the
values, so each candidate whose newest state does not match is checked against all of its versions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa

from unlost.model.source.schema import ColumnTrait, Table
from unlost.model.typed_text import without_invisible
from unlost.model.vault.snapshot import SearchHit, SearchHits, SearchIndexState, SearchMatch
from unlost.vault.format.physical import SEARCH, U_ID, U_OP
from unlost.vault.format.words.tokens import Tokenizer, tokenizer_for
from unlost.vault.read.candidates import (
    SearchCandidate,
    SearchCandidates,
    SearchScope,
    index_state,
    rank_of,
)
from unlost.vault.read.match_rows import TableRows, matching_rows
from unlost.vault.read.query import SearchQuery, query_of
from unlost.vault.read.snapshot import VaultSnapshot
from unlost.vault.read.table_view import sorted_unique

if TYPE_CHECKING:
    from unlost.model.ports.vault import RecordFilter

_CANDIDATES = 20  # for each wanted hit; most may have had the word only in an older version
_LONGEST_ID = 255


def search(
    snapshot: VaultSnapshot,
    text: str,
    *,
    limit: int,
    former: bool = False,
    tables: Collection[str] | None = None,
    only: RecordFilter | None = None,
) -> SearchHits:
    """Records whose columns have words that begin with the words of ``text``, or with this id.

    ``former``: after them, records that had such a value in an earlier version only. ``tables``:
    only records of these tables. ``only``: of those that have the words, only records that pass.
    """
    query = without_invisible(text)
    if not query or limit < 1:
        return SearchHits()
    finder = _Finder(snapshot, query_of(query), limit, tables, only)
    # Lazily: former values are looked up only if present ones leave room.
    rounds = [finder.by_id(query), finder.by_words()]
    if former:
        rounds.append(finder.by_former_words())
    hits: dict[tuple[str, str], SearchHit] = {}
    for hit in chain.from_iterable(rounds):
        hits.setdefault((hit.table, hit.record), hit)
        if len(hits) >= limit:
            break
    return SearchHits(tuple(hits.values()), finder.is_cut)


def state_of_index(snapshot: VaultSnapshot) -> SearchIndexState:
    """The part of a snapshot's index that is to be renewed."""
    return index_state(snapshot.view(SEARCH), newest=snapshot.schema_id)


@dataclass(slots=True)
class _Finder:
    """One search. The index is read once, when the first candidate is needed."""

    snapshot: VaultSnapshot
    query: SearchQuery
    limit: int
    tables: Collection[str] | None
    only: RecordFilter | None
    _candidates: SearchCandidates | None = None

    @property
    def is_cut(self) -> bool:
        """True if the index has more candidates than were read."""
        return self._candidates is not None and self._candidates.cut

    def by_id(self, text: str) -> Iterator[SearchHit]:
        """The record with this id in each table."""
        if len(text) > _LONGEST_ID or any(character.isspace() for character in text):
            return
        for table in self.snapshot.tables():
            if self.tables is not None and table not in self.tables:
                continue
            if len(self.snapshot.view(table).newest(sorted_unique([text]), ())):
                yield from self._with_id(table, text)

    def by_words(self) -> Iterator[SearchHit]:
        """Records whose newest state matches."""
        for group in self._groups():
            # Most match by the columns of their tokens; the others may need further columns.
            hits = self._present(group, every=False)
            rest = [c for c in group if c.key not in hits] if len(self.query.words) > 1 else []
            hits |= self._present(rest, every=True)
            yield from (hits[c.key] for c in group if c.key in hits)

    def by_former_words(self) -> Iterator[SearchHit]:
        """Records of which some version matches."""
        for group in self._groups():
            parts = [_Part(self._table(name), some) for name, some in _by_table(group).items()]
            versions = [part.finder.versions(part.candidates) for part in parts]
            values: dict[tuple[str, str], tuple[str, str, SearchMatch]] = {}
            for matching in matching_rows(self.query, versions):  # of each id the oldest first
                row = versions[matching.table].rows.slice(matching.row, 1).to_pylist()[0]
                key = (parts[matching.table].finder.table, row[U_ID])
                values[key] = (matching.column, row[matching.column], matching.match)
            for part in parts:
                yield from part.finder.former(part.candidates, values)

    def _with_id(self, table: str, record: str) -> Iterator[SearchHit]:
        finder = self._table(table)
        column = finder.shape.id_column if finder.shape else U_ID
        for row in finder.states([record], ()).to_pylist():
            yield finder.hit(row, column, record, SearchMatch.ID)

    def _present(
        self, group: Sequence[SearchCandidate], *, every: bool
    ) -> dict[tuple[str, str], SearchHit]:
        """Hits by the newest states, read with the columns of the tokens or with every column."""
        parts = [_Part(self._table(name), some) for name, some in _by_table(group).items()]
        tables = [part.finder.present(part.candidates, every=every) for part in parts]
        hits: dict[tuple[str, str], SearchHit] = {}
        states = [table.rows.to_pylist() for table in tables]
        for matching in matching_rows(self.query, tables):
            row = states[matching.table][matching.row]
            finder = parts[matching.table].finder
            hits[finder.table, row[U_ID]] = finder.hit(
                row, matching.column, row[matching.column], matching.match
            )
        return hits

    def _groups(self) -> Iterator[Sequence[SearchCandidate]]:
        """Candidates in their order, at most ``limit`` at a time."""
        if self._candidates is None:
            scope = SearchScope(
                self.snapshot.view(SEARCH),
                self.snapshot.schema(),
                known=self.snapshot.tables().keys(),
                tables=self.tables,
                only=self.only,
            )
            self._candidates = scope.candidates(self.query, most=self.limit * _CANDIDATES)
        candidates = self._candidates.first
        for at in range(0, len(candidates), self.limit):
            yield candidates[at : at + self.limit]

    def _table(self, table: str) -> _TableFinder:
        return _TableFinder(self.snapshot, table)


@dataclass(frozen=True, slots=True)
class _Part:
    """Candidates of one table."""

    finder: _TableFinder
    candidates: Sequence[SearchCandidate]


def _by_table(group: Sequence[SearchCandidate]) -> dict[str, list[SearchCandidate]]:
    by_table: dict[str, list[SearchCandidate]] = {}
    for candidate in group:
        by_table.setdefault(candidate.table, []).append(candidate)
    return by_table


class _TableFinder:
    """Reads candidates of one table."""

    def __init__(self, snapshot: VaultSnapshot, table: str) -> None:
        self.table = table
        self.shape = snapshot.schema().table(table)
        self._snapshot = snapshot
        self._known = snapshot.columns(table)
        self._label = _label_column(self.shape, self._known)

    def present(self, group: Sequence[SearchCandidate], *, every: bool) -> TableRows:
        """The newest states of candidates, with the columns of their tokens or every column."""
        columns = self._every_column(group) if every else self._columns_of(group)
        states = self.states([candidate.record for candidate in group], columns)
        return TableRows(states, self._tokenizer(columns), self._label)

    def versions(self, group: Sequence[SearchCandidate]) -> TableRows:
        """All versions of candidates, with every searched column."""
        ids = sorted_unique(candidate.record for candidate in group)
        columns = self._every_column(group)
        versions = self._snapshot.view(self.table).find(ids, (), cells=columns)
        return TableRows(versions.select([U_ID, *columns]), self._tokenizer(columns), self._label)

    def former(
        self,
        group: Sequence[SearchCandidate],
        values: Mapping[tuple[str, str], tuple[str, str, SearchMatch]],
    ) -> Iterator[SearchHit]:
        """Hits among candidates by former values: column, value and match of a table's record."""
        records = [candidate.record for candidate in group if candidate.key in values]
        states = {row[U_ID]: row for row in self.states(records, ()).to_pylist()}
        for record in records:
            hit = self.hit(states[record], *values[self.table, record])
            yield replace(hit, former=True)

    def states(self, records: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """The newest states of records, with these columns and the label."""
        wanted = dict.fromkeys((*columns, *([self._label] if self._label else [])))
        return self._snapshot.get(self.table, records, columns=tuple(wanted))

    def hit(
        self, row: Mapping[str, str | None], column: str, value: str, match: SearchMatch
    ) -> SearchHit:
        """A hit by a value; ``row`` is the newest state."""
        return SearchHit(
            org=self._snapshot.info.org,
            table=self.table,
            record=row[U_ID] or "",
            column=column,
            value=value,
            label=(row[self._label] or "") if self._label else "",
            alive=row[U_OP] == "U",
            match=match,
            rank=rank_of(self.shape),
        )

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
        tokenizer = tokenizer or Tokenizer(self.table)
        others = tuple(name for name in columns if name not in tokenizer.searched)
        return replace(tokenizer, texts=(*tokenizer.texts, *others))


def _label_column(table: Table | None, known: Sequence[str]) -> str | None:
    """The column that names a record to a person."""
    if table is None:
        return None
    named = [column.name for column in table.columns if column.has(ColumnTrait.NAME)]
    wanted = (table.name_column, *named)
    return next((name for name in wanted if name is not None and name in known), None)
