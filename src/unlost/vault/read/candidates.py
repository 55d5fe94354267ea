"""Candidates of a search: records of which some version had the tokens of a query.

The index has the tokens of all versions, so each candidate must be checked. Tokens are read from
the word with the fewest rows; where it has many, the records must have the other words too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.source.schema import Schema, Table, TableRank
from unlost.model.vault.snapshot import SearchIndexState
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.physical import SEARCH_FIELDS, U_ID
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.read.query import QueryWord, SearchQuery
from unlost.vault.read.table_view import TableView
from unlost.vault.read.token_rows import beginning, exact, rows_near

if TYPE_CHECKING:
    from unlost.model.ports.vault import RecordFilter

MOST_ROWS = 50_000  # rows that are read for one token
MOST_JOINED = 400_000  # rows of another word that are read to leave out records without it
FEW_ROWS = 2_000  # rows that are ranked one by one, as importing Polars takes longer
FILTERED_AT_ONCE = 10_000  # rows: reading a few states costs as much as reading thousands
VAGUE_ROWS = 10  # rows of telephone numbers of which few are meant
_RECORD = ("table", "record")


@dataclass(frozen=True, slots=True)
class SearchCandidate:
    """A record, and the columns in which some version had a token of the query."""

    table: str
    record: str
    columns: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str]:
        """Table and record."""
        return self.table, self.record


@dataclass(frozen=True, slots=True)
class SearchCandidates:
    """Records to check, in their order. ``cut``: there are more of them."""

    first: Sequence[SearchCandidate]
    cut: bool


@dataclass(frozen=True, slots=True)
class SearchScope:
    """The index to search. ``known``: the tables of the snapshot; ``tables``: only these count.

    ``only``: other records do not count either, so that they do not use up the candidates.
    """

    view: TableView
    schema: Schema
    known: Collection[str]
    tables: Collection[str] | None = None
    only: RecordFilter | None = None

    def candidates(self, query: SearchQuery, *, most: int) -> SearchCandidates:
        """At most ``most`` records, those that people look for first at the beginning."""
        parts = [self._rows_of(token, MOST_ROWS) for token in query.lookups()]
        earlier = [token for token in query.earlier if not _looked_up(query, token)]
        if earlier:
            old = replace(self, view=old_part(self.view))
            parts += [old._rows_of(token, MOST_ROWS) for token in earlier]
        cut = any(len(part) >= MOST_ROWS for part in parts)
        if query.phones.vague:
            every = replace(self, only=None)  # a filter would read on until as many pass
            parts += self._filtered([every._rows_of(query.phones.vague, VAGUE_ROWS)])
        if query.words:
            rows, is_cut = self._with_words(query.words, most)
            parts.append(rows)
            cut = cut or is_cut
        ranked = self._ranked(pa.concat_tables([_no_rows(), *parts]), query)
        return SearchCandidates(ranked[:most], cut or len(ranked) > most)

    def _with_words(self, words: Sequence[QueryWord], most: int) -> tuple[pa.Table, bool]:
        """Rows of records that have the rarest word, and the others where many records have it.

        Also returns True if a word has more rows than were read.
        """
        counted = sorted(((self._near(word), word) for word in words), key=_rarest)
        (_, first), *others = counted
        rows, every = self._rows_of_word(first, MOST_ROWS), replace(self, only=None)
        cut = len(rows) >= MOST_ROWS
        for near, word in others:
            if len(rows) <= most or near > MOST_JOINED or _record_count(rows) <= most:
                break
            joined = every._rows_of_word(word, MOST_JOINED)
            rows, cut = _of_both(rows, joined), cut or len(joined) >= MOST_JOINED
        return rows, cut

    def _near(self, word: QueryWord) -> int:
        return sum(rows_near(self.view, self._rarest_part(way)) for way in word.ways)

    def _rarest_part(self, way: Sequence[str]) -> str:
        return min(way, key=lambda part: (rows_near(self.view, part), -len(part)))

    def _rows_of_word(self, word: QueryWord, most: int) -> pa.Table:
        parts = [self._rows_of(self._rarest_part(way), most) for way in word.ways]
        return pa.concat_tables([_no_rows(), *parts])

    def _rows_of(self, token: str, most: int) -> pa.Table:
        """Rows by the exact token first, which filters find quickly; then by its beginning."""
        if not self.view:
            return _no_rows()
        rows = self._collect(exact(self.view, token), most)
        if len(rows) < most:
            more = self._collect(beginning(self.view, token), most - len(rows))
            rows = pa.concat_tables([rows, more])
        return rows

    def _collect(self, parts: Iterable[pa.Table], most: int) -> pa.Table:
        rows, count = [_no_rows()], 0
        for part in self._filtered(map(self._counting, parts)):
            rows.append(part.slice(0, most - count))
            count += len(part)
            if count >= most:
                break
        return pa.concat_tables(rows)

    def _counting(self, rows: pa.Table) -> pa.Table:
        """Rows of visible columns and wanted tables: others would use up the candidates."""
        hidden = self.view.reading.schemas.hidden
        if hidden:
            names = pc.binary_join_element_wise(rows.column("table"), rows.column("column"), ".")
            hides = pc.is_in(names, value_set=pa.array(hidden.names, pa.string()))
            rows = rows.filter(pc.invert(hides))
        if self.tables is not None:
            wanted = pa.array(sorted(self.tables), pa.string())
            rows = rows.filter(pc.is_in(rows.column("table"), value_set=wanted))
        return rows

    def _filtered(self, parts: Iterable[pa.Table]) -> Iterable[pa.Table]:
        return parts if self.only is None else self._passing(parts, self.only)

    def _passing(self, parts: Iterable[pa.Table], only: RecordFilter) -> Iterator[pa.Table]:
        """Rows of records that pass the filter, until it checks no more."""
        for rows in _gathered(parts):
            for table in rows.column("table").unique().to_pylist():
                some = rows.filter(pc.equal(rows.column("table"), table))
                records = some.column("record").unique().to_pylist()
                passing = pa.array(only.passing(table, records), pa.string())
                yield some.filter(pc.is_in(some.column("record"), value_set=passing))
            if only.spent:
                return

    def _ranked(self, rows: pa.Table, query: SearchQuery) -> list[SearchCandidate]:
        known = pa.array(sorted(self.known), pa.string())
        rows = rows.filter(pc.is_in(rows.column("table"), value_set=known))
        whole = {query.whole, *query.lookups()}
        whole |= {part for word in query.words for way in word.ways for part in way}
        names = {(t.name, t.name_column) for t in self.schema.tables if t.name_column}
        tables = rows.column("table").unique().to_pylist()
        ranks = {table: _TABLE_ORDER.index(rank_of(self.schema.table(table))) for table in tables}
        order = _Order(whole, names, ranks)
        return order.few(rows) if len(rows) <= FEW_ROWS else order.many(rows)


@dataclass(frozen=True, slots=True)
class _Order:
    """The order of candidates: whole words, main tables and names come first.

    ``whole``: tokens that match as a whole. ``names``: tables with the columns that name their
    records. ``ranks``: the places of tables.
    """

    whole: Collection[str]
    names: Collection[tuple[str, str | None]]
    ranks: Mapping[str, int]

    def few(self, rows: pa.Table) -> list[SearchCandidate]:
        """The records of a few rows."""
        records: dict[tuple[str, str], tuple[dict[str, None], bool, bool]] = {}
        columns = (rows.column(name).to_pylist() for name in (U_ID, "table", "record", "column"))
        for token, table, record, column in zip(*columns, strict=True):
            known, part, other = records.get((table, record), ({}, True, True))
            known[column] = None
            part, other = (
                part and token not in self.whole,
                other and (table, column) not in self.names,
            )
            records[table, record] = known, part, other

        def place(entry: tuple[tuple[str, str], tuple[dict[str, None], bool, bool]]) -> object:
            (table, _), (_, part, other) = entry
            return part, self.ranks[table], other

        return [
            SearchCandidate(table, record, tuple(known))
            for (table, record), (known, _, _) in sorted(records.items(), key=place)  # type: ignore[arg-type]
        ]

    def many(self, rows: pa.Table) -> list[SearchCandidate]:
        """The records of any number of rows."""
        import polars as pl

        names = [f"{table}\0{column}" for table, column in self.names]
        scored = pl.DataFrame(pl.from_arrow(rows)).with_columns(
            part=~pl.col(U_ID).is_in(list(self.whole)),
            other=~pl.concat_str("table", "column", separator="\0").is_in(names),
            rank=pl.col("table").replace_strict(dict(self.ranks), return_dtype=pl.Int8),
        )
        records = scored.group_by(_RECORD, maintain_order=True).agg(
            pl.col("column").unique(maintain_order=True),
            pl.col("part").min(),
            pl.col("other").min(),
            pl.col("rank").first(),
        )
        ordered = records.sort("part", "rank", "other", maintain_order=True)
        return [
            SearchCandidate(table, record, tuple(columns))
            for table, record, columns in ordered.select(*_RECORD, "column").iter_rows()
        ]


_TABLE_ORDER = list(TableRank)


def rank_of(table: Table | None) -> TableRank:
    """The order in which people look for the records of a table."""
    return table.rank if table else TableRank.OTHER


def _gathered(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in fewer tables."""
    some: list[pa.Table] = []
    for part in parts:
        some.append(part)
        if sum(map(len, some)) >= FILTERED_AT_ONCE:
            yield pa.concat_tables(some)
            some = []
    if some:
        yield pa.concat_tables(some)


def old_part(view: TableView) -> TableView:
    """The segments of an index that follow earlier rules."""
    return replace(view, segments=[live for live in view.segments if _is_old(view, live)])


def index_state(view: TableView, *, newest: str) -> SearchIndexState:
    """The part of the index that is to be renewed: earlier rules, or a column without words.

    ``newest``: the id of the newest schema.
    """
    rows = sum(live.entry.rows for live in view.segments)
    old = (live.entry.rows for live in view.segments if not _is_current(view, live, newest))
    return SearchIndexState(sum(old), rows)


def _is_current(view: TableView, live: LiveSegment, newest: str) -> bool:
    label, _ = view.reading.segments.facts(live.entry)
    schemas = view.reading.schemas
    return label.tokenizer >= VERSION and schemas.has_words_for(newest, indexed=label.schema)


def _is_old(view: TableView, live: LiveSegment) -> bool:
    return view.reading.segments.facts(live.entry)[0].tokenizer < VERSION


def _looked_up(query: SearchQuery, token: str) -> bool:
    """True if the present rules look up this token too."""
    return token in query.lookups() or any(
        token in way for word in query.words for way in word.ways if len(way) == 1
    )


def _rarest(counted: tuple[int, QueryWord]) -> tuple[int, int]:
    near, word = counted
    return near, -max(len(part) for way in word.ways for part in way)


def _record_count(rows: pa.Table) -> int:
    import polars as pl

    return pl.DataFrame(pl.from_arrow(rows.select(_RECORD))).n_unique()


def _of_both(rows: pa.Table, more: pa.Table) -> pa.Table:
    """The rows of records that are in both."""
    import polars as pl

    first, second = (pl.DataFrame(pl.from_arrow(table)) for table in (rows, more))
    semi = [first.join(second, on=_RECORD, how="semi"), second.join(first, on=_RECORD, how="semi")]
    return pl.concat(semi).to_arrow().cast(pa.schema(SEARCH_FIELDS))


def _no_rows() -> pa.Table:
    return pa.schema(SEARCH_FIELDS).empty_table()
